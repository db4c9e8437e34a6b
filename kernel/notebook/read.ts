/** Notebook files to notebooks: bounded, validated, brought to nbformat 4.5. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { AssayError } from "../../lib/errors.js";
import { type Cell, isJsonMime, type Notebook } from "./types.js";
import { validate } from "./validate.js";

const maxBytes = 256 * 1024 * 1024;
const maxDepth = 200;

/**
 * Reads a notebook file.
 *
 * @throws AssayError FILE_NOT_FOUND, TOO_LARGE above 256 MB, INVALID_NOTEBOOK with the file and the first problem.
 */
export async function readNotebook(file: string): Promise<Notebook> {
  const info = await stat(file).catch(() => undefined);
  if (!info?.isFile()) throw new AssayError("FILE_NOT_FOUND", `${file}: there is no such file.`, { file });
  if (info.size > maxBytes) {
    const size = Math.round(info.size / 1024 / 1024);
    throw new AssayError(
      "TOO_LARGE",
      `${file}: ${size} MB is too large for a notebook; the limit is 256 MB.`,
      { file },
    );
  }
  try {
    return parseNotebook(await readFile(file, "utf8"));
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new AssayError(
      error.code,
      `${file}: ${error.message}`,
      { ...error.details, file },
      { cause: error },
    );
  }
}

/**
 * Parses the text of a notebook file. Minor versions before 4.5 get cell ids, made from position and source so
 * that they are the same every time; a repeated id is replaced in the same way.
 *
 * @throws AssayError INVALID_NOTEBOOK
 */
export function parseNotebook(text: string): Notebook {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    const start = JSON.stringify(text.slice(0, 40));
    const why = error instanceof Error ? error.message : String(error);
    throw new AssayError(
      "INVALID_NOTEBOOK",
      `not a notebook: it is no JSON (${why}); it starts with ${start}.`,
    );
  }
  return toNotebook(value);
}

/** Checks a parsed notebook, joins its lines and brings it to 4.5. */
export function toNotebook(value: unknown): Notebook {
  checkDepth(value, 0);
  const upgraded = upgrade(value);
  validate(upgraded);
  const { cells, metadata, ...versions } = upgraded as unknown as Notebook;
  const { orig_nbformat: _, orig_nbformat_minor: __, signature: ___, ...kept } = metadata;
  const seen = new Set<string>();
  return {
    ...versions,
    metadata: kept,
    cells: cells.map((cell, i) => withUniqueId(joinCell(cell), i, seen)),
  };
}

type Raw = Record<string, unknown>;

/** The value with the fields that 4.5 added. Whatever else is wrong is left for `validate` to name. */
function upgrade(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("nbformat" in value)) {
    throw new AssayError("INVALID_NOTEBOOK", "not a notebook: the JSON has no field nbformat.");
  }
  const { nbformat, nbformat_minor: minor, cells } = value as Raw;
  if (nbformat !== 4) {
    throw new AssayError(
      "INVALID_NOTEBOOK",
      `not a notebook of format 4: nbformat is ${JSON.stringify(nbformat)}. Open it in Jupyter and save it again.`,
      { nbformat },
    );
  }
  if (!Array.isArray(cells) || !Number.isInteger(minor) || (minor as number) < 0 || (minor as number) >= 5)
    return value;
  const upgraded = cells.map((cell: unknown, i) =>
    typeof cell === "object" && cell !== null ? { ...cell, id: idFor(cell as Raw, i) } : cell,
  );
  return { ...value, nbformat_minor: 5, cells: upgraded };
}

function withUniqueId(cell: Cell, index: number, seen: Set<string>): Cell {
  let { id } = cell;
  for (let i = index; seen.has(id); i += 1_000_003) id = idFor({ source: cell.source }, i);
  seen.add(id);
  return id === cell.id ? cell : { ...cell, id };
}

const idFor = (cell: Raw, index: number): string =>
  createHash("sha256")
    .update(`${index}\0${JSON.stringify(cell["source"] ?? "")}`)
    .digest("hex")
    .slice(0, 8);

const join = (text: unknown): unknown => (Array.isArray(text) ? text.join("") : text);

const joinData = (data: unknown): Raw =>
  Object.fromEntries(
    Object.entries(data as Raw).map(([mime, value]) => [mime, isJsonMime(mime) ? value : join(value)]),
  );

function joinCell(cell: Cell): Cell {
  const { trusted: _, ...metadata } = cell.metadata;
  const joined: Raw = { ...cell, metadata, source: join(cell.source) };
  if (cell.cell_type === "code") {
    joined["outputs"] = cell.outputs.map((output) => {
      if (output.output_type === "stream") return { ...output, text: join(output.text) };
      return "data" in output ? { ...output, data: joinData(output.data) } : output;
    });
  } else if (cell.attachments) {
    joined["attachments"] = Object.fromEntries(
      Object.entries(cell.attachments).map(([name, data]) => [name, joinData(data)]),
    );
  }
  return joined as unknown as Cell;
}

function checkDepth(value: unknown, depth: number): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > maxDepth) {
    throw new AssayError(
      "INVALID_NOTEBOOK",
      `not a notebook: its JSON is nested more than ${maxDepth} levels deep.`,
    );
  }
  for (const member of Object.values(value)) checkDepth(member, depth + 1);
}
