/** A leaner notebook: without code, or with still pictures only. */
import type { Notebook, Output } from "../types.js";

export interface StaticOptions {
  readonly withInput: boolean;
  readonly plots: "interactive" | "static";
}

const plotly = "application/vnd.plotly.v1+json";

/** The notebook with hidden code and, for `static`, without the interactive form of figures that have a picture. */
export function staticNotebook(notebook: Notebook, { withInput, plots }: StaticOptions): Notebook {
  const cells = notebook.cells.map((cell) => {
    if (cell.cell_type !== "code") return cell;
    const metadata = withInput ? cell.metadata : { ...cell.metadata, jupyter: { source_hidden: true } };
    return {
      ...cell,
      metadata,
      outputs: plots === "static" ? cell.outputs.map(withoutFigure) : cell.outputs,
    };
  });
  return { ...notebook, cells };
}

function withoutFigure(output: Output): Output {
  if (!("data" in output) || !(plotly in output.data) || !("image/png" in output.data)) return output;
  const { [plotly]: _, ...data } = output.data;
  return { ...output, data };
}
