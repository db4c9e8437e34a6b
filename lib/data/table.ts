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
  const at = names.map((name) => indexOf(frame, name));
  const data = new Float64Array(frame.values.length * names.length);
  frame.values.forEach((row, i) => {
    at.forEach((index, j) => {
      data[i * names.length + j] = cell(row[index], i, names[j]!);
    });
  });
  return tensor("float64", [frame.values.length, names.length], data);
}

/**
 * A column of text.
 *
 * @throws AssayError INVALID_ARGUMENT for a column that does not exist, TYPE_MISMATCH for a cell that is no text.
 * @example
 * const inputs = tokenizer.encode(data.texts(messages, "text"));
 */
export function texts(frame: DataFrame, name: string): string[] {
  const index = indexOf(frame, name);
  return frame.values.map((row, i) => {
    const value = row[index];
    if (typeof value === "string") return value;
    throw new AssayError("TYPE_MISMATCH", `texts: row ${i} of column "${name}" is ${value}, not text.`, {
      row: i,
      name,
    });
  });
}

/** A column of categories, numbered. */
export interface Categories {
  /** int64 `[rows]`: the category of each row. */
  readonly labels: Tensor<"int64">;
  /** What each number stands for, in order: numbers by size, text by letters. */
  readonly names: readonly string[];
}

/**
 * Numbers the categories of a column, so that they can serve as labels or groups; of several columns, their
 * combinations.
 *
 * @throws AssayError INVALID_ARGUMENT for a column that does not exist, NOT_FINITE for an empty cell.
 * @example
 * const { labels, names } = data.categories(penguins, "species");
 * const groups = data.categories(penguins, ["species", "sex"]);    // names "adelie female", …
 */
export function categories(frame: DataFrame, name: string | readonly string[]): Categories {
  const parts = [name].flat().map((one) => categoryColumn(frame, one));
  const values =
    parts.length === 1 ? parts[0]! : frame.values.map((_, i) => parts.map((part) => part[i]).join(" "));
  const different = [...new Set(values)].sort((a, b) =>
    typeof a === "string" || typeof b === "string" ? (String(a) < String(b) ? -1 : 1) : Number(a) - Number(b),
  );
  const numberOf = new Map(different.map((value, i) => [value, BigInt(i)]));
  return {
    labels: tensor(
      "int64",
      [values.length],
      BigInt64Array.from(values, (value) => numberOf.get(value)!),
    ),
    names: different.map(String),
  };
}

function categoryColumn(frame: DataFrame, name: string): (string | number | boolean)[] {
  const index = indexOf(frame, name);
  return frame.values.map((row, i) => {
    const value = row[index];
    if (typeof value === "string" ? value !== "" : typeof value === "boolean" || Number.isFinite(value)) {
      return value as string | number | boolean;
    }
    throw new AssayError("NOT_FINITE", `categories: row ${i} of column "${name}" is empty.`, {
      row: i,
      name,
    });
  });
}

function indexOf(frame: DataFrame, name: string): number {
  const index = frame.columns.indexOf(name);
  if (index >= 0) return index;
  throw new AssayError(
    "INVALID_ARGUMENT",
    `There is no column "${name}"; there are ${frame.columns.join(", ")}.`,
    { name, columns: frame.columns },
  );
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
