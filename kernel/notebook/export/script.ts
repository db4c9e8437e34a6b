/** A notebook as TypeScript source in the `// %%` form that editors and jupytext read. */
import { type Notebook, tagsOf } from "../types.js";

/** Code cells as they are, the other cells as comments. */
export function notebookScript({ cells }: Notebook): string {
  const parts = cells.map((cell) => {
    const tags = tagsOf(cell).length > 0 ? ` tags=${JSON.stringify(tagsOf(cell))}` : "";
    if (cell.cell_type === "code") return `// %%${tags}\n${cell.source}`;
    const comment = cell.source.split(/\r?\n/).map((line) => `// ${line}`.trimEnd());
    return `// %% [${cell.cell_type}]${tags}\n${comment.join("\n")}`;
  });
  return `${parts.map((part) => part.trimEnd()).join("\n\n")}\n`;
}
