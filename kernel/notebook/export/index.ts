/** Notebooks as files for readers: a page, a PDF, Markdown, source, or a leaner notebook. */
import { AssayError } from "../../../lib/errors.js";
import type { Notebook } from "../types.js";
import { formatNotebook, writeOutput } from "../write.js";
import { notebookMarkdown } from "./markdown.js";
import { notebookPage } from "./page.js";
import { printPdf } from "./pdf.js";
import { notebookScript } from "./script.js";
import { staticNotebook } from "./static-notebook.js";

/** What a notebook can be exported to. */
const exportTargets = ["html", "pdf", "markdown", "ts", "ipynb"] as const;
export type ExportTarget = (typeof exportTargets)[number];

export interface ExportOptions {
  readonly to: ExportTarget;
  /** The file to write; replaced as a whole. */
  readonly output: string;
  /** The notebook's file. */
  readonly name: string;
  /** Shows the code of the cells. Default: true. */
  readonly withInput?: boolean;
  /** Default: interactive in HTML; everything else has still pictures. */
  readonly plots?: "interactive" | "static";
}

/**
 * Writes one self-contained file.
 *
 * @throws AssayError INVALID_ARGUMENT if the file cannot be written or the options contradict each other,
 *   MISSING_DEPENDENCY if a PDF is asked for and no browser is found.
 */
export async function exportNotebook(notebook: Notebook, options: ExportOptions): Promise<void> {
  await writeOutput(options.output, await contentOf(notebook, options));
}

function contentOf(
  notebook: Notebook,
  { to, name, withInput = true, plots = "interactive" }: ExportOptions,
): string | Promise<Uint8Array> {
  switch (to) {
    case "html":
      return notebookPage(notebook, { file: name, withInput, plots });
    case "pdf":
      return printPdf(notebookPage(notebook, { file: name, withInput, plots: "static" }));
    case "markdown":
      return notebookMarkdown(notebook, { withInput });
    case "ts":
      if (!withInput)
        throw new AssayError("INVALID_ARGUMENT", "export: TypeScript without the code would be empty.");
      return notebookScript(notebook);
    case "ipynb":
      return formatNotebook(staticNotebook(notebook, { withInput, plots }));
  }
}
