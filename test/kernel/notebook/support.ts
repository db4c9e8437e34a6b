/** Notebooks for tests, in a folder of their own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cell, Notebook, Output } from "../../../kernel/notebook/types.js";
import { formatNotebook } from "../../../kernel/notebook/write.js";

/** A code cell without outputs. */
export const code = (source: string, ...tags: string[]): Cell => ({
  id: "",
  cell_type: "code",
  source,
  metadata: tags.length > 0 ? { tags } : {},
  outputs: [],
  execution_count: null,
});

export const markdown = (source: string): Cell => ({ id: "", cell_type: "markdown", source, metadata: {} });

/** A code cell with outputs, as if it had run. */
export const shown = (...outputs: Output[]): Cell => ({
  ...(code("shown") as Extract<Cell, { cell_type: "code" }>),
  execution_count: 1,
  outputs,
});

/** A notebook whose cells have the ids `c1`, `c2`, … */
export const notebookOf = (...cells: Cell[]): Notebook => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells: cells.map((cell, i) => ({ ...cell, id: `c${i + 1}` })),
});

/** A folder with a notebook in it; `using` removes it. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), "assay-notebook-"));
  readonly file = join(this.folder, "nb.ipynb");

  constructor(...cells: Cell[]) {
    writeFileSync(this.file, formatNotebook(notebookOf(...cells)));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
