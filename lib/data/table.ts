/** Small tables from CSV files, read by danfojs on first use. */
import { existsSync, statSync } from "node:fs";
import { AssayError } from "../errors.js";
import { type Tensor, tensor } from "../tensor/index.js";

/** What this module uses of a danfojs data frame; notebooks draw it as a table. */
export interface DataFrame {
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
  readonly shape: readonly number[];
  readonly dtypes: readonly string[];
}

/** Beyond this danfojs takes minutes and gigabytes. */
const maxBytes = 20 * 1024 * 1024;

/**
 * Reads a CSV file with a heading line into a danfojs data frame, for tables of up to about 100,000 rows.
 *
 * @throws AssayError FILE_NOT_FOUND, TOO_LARGE (above 20 MB), INVALID_FILE, MISSING_DEPENDENCY if danfojs-node,
 *   which is optional, is not installed.
 * @example
 * const readings = await data.readTable("data/sensor-readings.csv");
 * const x = data.columns(readings, ["humidity", "temperature"]);
 */
export async function readTable(path: string): Promise<DataFrame> {
  if (!existsSync(path)) throw new AssayError("FILE_NOT_FOUND", `there is no file "${path}".`, { path });
  const { size } = statSync(path);
  if (size > maxBytes) {
    throw new AssayError("TOO_LARGE", `readTable: "${path}" has ${size} bytes, more than ${maxBytes}.`, {
      path,
      size,
    });
  }
  const readCSV = await loadReader();
  let frame: DataFrame;
  try {
    frame = await readCSV(path);
  } catch (cause) {
    throw new AssayError(
      "INVALID_FILE",
      `"${path}" is not a readable CSV table: ${(cause as Error).message}.`,
      { path },
      { cause },
    );
  }
  if (frame.columns.length === 0 || frame.values.length === 0) {
    throw new AssayError("INVALID_FILE", `"${path}" holds no rows.`, { path });
  }
  return frame;
}

/**
 * Numeric columns of a table as a tensor, float64 `[rows, names.length]`.
 *
 * @throws AssayError INVALID_ARGUMENT for a column that does not exist, TYPE_MISMATCH for text, NOT_FINITE for a
 *   missing value, naming the row.
 */
export function columns(frame: DataFrame, names: readonly string[]): Tensor<"float64"> {
  const at = names.map((name) => {
    const index = frame.columns.indexOf(name);
    if (index >= 0) return index;
    throw new AssayError(
      "INVALID_ARGUMENT",
      `columns: there is no column "${name}"; there are ${frame.columns.join(", ")}.`,
      {
        name,
        columns: frame.columns,
      },
    );
  });
  const data = new Float64Array(frame.values.length * names.length);
  frame.values.forEach((row, i) => {
    at.forEach((index, j) => {
      data[i * names.length + j] = cell(row[index], i, names[j]!);
    });
  });
  return tensor("float64", [frame.values.length, names.length], data);
}

function cell(value: unknown, row: number, name: string): number {
  if (typeof value === "boolean") return Number(value);
  if (value === null || value === undefined || (typeof value === "number" && !Number.isFinite(value))) {
    throw new AssayError("NOT_FINITE", `columns: row ${row} has no number in column "${name}".`, {
      row,
      name,
    });
  }
  if (typeof value === "number") return value;
  throw new AssayError(
    "TYPE_MISMATCH",
    `columns: row ${row} of column "${name}" is the text "${String(value)}". Number the categories first.`,
    {
      row,
      name,
    },
  );
}

/** danfojs costs a second and 120 MB, so it is loaded here only. */
async function loadReader(): Promise<(path: string) => Promise<DataFrame>> {
  try {
    const module = (await import("danfojs-node")) as unknown as {
      readonly readCSV?: (path: string) => Promise<DataFrame>;
      readonly default?: { readonly readCSV: (path: string) => Promise<DataFrame> };
    };
    return module.readCSV ?? module.default!.readCSV;
  } catch (cause) {
    throw new AssayError(
      "MISSING_DEPENDENCY",
      "readTable: the optional package danfojs-node is not installed. Run npm install danfojs-node.",
      {},
      { cause },
    );
  }
}
