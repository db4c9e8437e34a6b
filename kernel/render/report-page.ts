/** The page of an audit's report: its cells, its provenance, and how it is written. */
import { exportNotebook } from "../notebook/export/index.js";
import type { Cell, Notebook } from "../notebook/types.js";
import type { Display } from "../protocol/mime.js";
import { render } from "./index.js";
import { type Table, tableHtml, tableText } from "./table.js";

/** Where a report comes from. */
export interface Provenance {
  readonly model: NamedFile;
  readonly data?: NamedFile & { readonly examples: number };
  readonly references?: readonly NamedFile[];
  readonly budget?: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** A file and its hash. */
export interface NamedFile {
  readonly file: string;
  readonly sha256: string;
}

/** Writes cells as one self-contained page named for the model, without a script. */
export async function writePage(cells: readonly Cell[], name: string, output: string): Promise<void> {
  const notebook: Notebook = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
  await exportNotebook(notebook, { to: "html", output, name, withInput: false, plots: "static" });
}

/**
 * The files with their hashes, the settings and the versions.
 *
 * @param given.examples What the clean data are: "texts".
 * @param given.settings Further rows before the budget.
 */
export function provenanceTable(
  provenance: Provenance,
  given: {
    readonly seed: number;
    readonly examples: string;
    readonly settings?: readonly (readonly [string, string])[];
  },
): Table {
  const { model, data, references = [], budget, versions } = provenance;
  const file = ({ file: name, sha256 }: NamedFile): string => `${name}, SHA-256 ${sha256}`;
  const rows: (readonly [string, string])[] = [
    ["model", file(model)],
    ...(data ? [["clean data", `${file(data)}, ${data.examples} ${given.examples}`] as const] : []),
    ...references.map((one, i) => [`clean reference ${i + 1}`, file(one)] as const),
    ...(given.settings ?? []),
    ...(budget ? [["budget", budget] as const] : []),
    ["seed", String(given.seed)],
    ...Object.entries(versions),
  ];
  return { caption: "What the audit was made of", columns: ["", ""], rows, rowHeadings: true };
}

/** A table as it is displayed. */
export const tableDisplay = (table: Table): Display => ({
  data: { "text/html": tableHtml(table).toString(), "text/plain": tableText(table) },
  metadata: {},
});

/** A name inside backticks, whatever it holds. */
export const code = (name: string): string => `\`${name.replace(/[`\n\r]/g, "'")}\``;

/** A paragraph or heading in Markdown. */
export const text = (id: string, source: string): Cell => ({
  id,
  cell_type: "markdown",
  metadata: {},
  source,
});

/** A value as it draws itself. */
export const shown = async (id: string, value: unknown): Promise<Cell> => cell(id, await render(value));

/** What is already drawn. */
export const cell = (id: string, { data, metadata }: Display): Cell => ({
  id,
  cell_type: "code",
  metadata: {},
  source: "",
  execution_count: null,
  outputs: [{ output_type: "display_data", data, metadata }],
});
