/** Notebooks as objects with joined strings, and as the canonical text that is written to disk. */
import { AssayError } from "../../../lib/errors.js";

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A notebook's cells. */
export const cellsOf = (notebook: unknown): readonly Json[] =>
  isObject(notebook) && Array.isArray(notebook["cells"]) ? notebook["cells"].filter(isObject) : [];

/**
 * Reads a notebook of format 4.
 *
 * @throws AssayError INVALID_NOTEBOOK if the bytes are not JSON or not such a notebook.
 */
export function parseNotebook(path: string, bytes: Buffer): Json {
  let notebook: unknown;
  try {
    notebook = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new AssayError("INVALID_NOTEBOOK", `"${path}" is not a notebook: ${(error as Error).message}.`, {
      path,
    });
  }
  checkNotebook(path, notebook);
  return mapText(notebook, (value) => (Array.isArray(value) ? value.join("") : value)) as Json;
}

/** @throws AssayError INVALID_NOTEBOOK unless the value has the outer form of a notebook of format 4. */
export function checkNotebook(path: string, notebook: unknown): asserts notebook is Json {
  if (!isObject(notebook) || notebook["nbformat"] !== 4 || !Array.isArray(notebook["cells"])) {
    throw new AssayError("INVALID_NOTEBOOK", `"${path}" is not a notebook of format 4.`, { path });
  }
}

/** The text that Jupyter's own server would write: lines as arrays, sorted keys, an indent of one. */
export function notebookText(notebook: Json): string {
  const split = mapText(notebook, (value) =>
    typeof value === "string" ? (value.match(/[^\n]*\n|[^\n]+$/g) ?? []) : value,
  );
  return `${JSON.stringify(sorted(split), undefined, 1)}\n`;
}

function mapText(notebook: Json, change: (value: unknown) => unknown): unknown {
  const bundle = (data: unknown) =>
    isObject(data)
      ? Object.fromEntries(
          Object.entries(data).map(([type, value]) => [
            type,
            /json(?:$|;)/.test(type) ? value : change(value),
          ]),
        )
      : data;
  const output = (item: unknown) => {
    if (!isObject(item)) return item;
    return {
      ...item,
      ...("text" in item && { text: change(item["text"]) }),
      ...("data" in item && { data: bundle(item["data"]) }),
    };
  };
  const cells = cellsOf(notebook).map((cell) => ({
    ...cell,
    source: change(cell["source"]),
    ...(Array.isArray(cell["outputs"]) && { outputs: cell["outputs"].map(output) }),
  }));
  return { ...notebook, cells };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}
