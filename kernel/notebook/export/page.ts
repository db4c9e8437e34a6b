/** A notebook as one HTML file that needs nothing else and runs nothing of the notebook's. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { type Html, html, verbatim } from "../../render/html.js";
import { runRecordOf } from "../run-record.js";
import type { Cell, CodeCell, Metadata, Notebook } from "../types.js";
import { highlight } from "./highlight.js";
import { localImages } from "./local-images.js";
import { attachmentSource, headingsOf, markdownHtml } from "./markdown-html.js";
import { type Drawing, outputsHtml } from "./outputs-html.js";
import { drawFigures } from "./page-script.js";
import { pageStyle } from "./page-style.js";

export interface PageOptions {
  /** The notebook's file: shown in the footer, and where pictures beside it are looked for. */
  readonly file: string;
  /** Shows the code of the cells. */
  readonly withInput: boolean;
  readonly plots: "interactive" | "static";
}

/**
 * Makes the page. Markdown, outputs, names and metadata may come from a stranger: everything is escaped or
 * sanitised, and a content security policy lets only the page's own scripts run and nothing be loaded.
 */
export function notebookPage(notebook: Notebook, { file, withInput, plots }: PageOptions): string {
  const beside = localImages(file);
  const figures: string[] = [];
  const contents: Heading[] = [];
  const sections = notebook.cells.map((cell, i) => {
    const drawing: Drawing = {
      figures,
      plots,
      imageSource: (address) => imageOf(cell, address) ?? beside(address),
    };
    return cell.cell_type === "code"
      ? codeSection(cell, withInput, drawing)
      : textSection(cell, i, contents, drawing);
  });
  const title = contents[0]?.text ?? basename(file, ".ipynb");
  const body = html`<a class="skip" href="#content">Skip to the content</a>
<main id="content">
${banner(notebook)}${contentsList(contents)}${sections}
${footer(notebook, file)}
</main>`;
  const scripts = figures.length > 0 ? scriptsFor(figures) : { markup: verbatim(""), hashes: [] };
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src ${scripts.hashes.join(" ") || "'none'"}; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${verbatim(pageStyle)}</style>
</head>
<body>
${body}
${scripts.markup}
</body>
</html>
`.toString();
}

interface Heading {
  readonly level: number;
  readonly text: string;
  readonly section: string;
}

function textSection(cell: Cell, index: number, contents: Heading[], drawing: Drawing): Html {
  const section = `cell-${index + 1}`;
  if (cell.cell_type === "raw") return html`<section id="${section}"><pre>${cell.source}</pre></section>\n`;
  contents.push(...headingsOf(cell.source).map((heading) => ({ ...heading, section })));
  return html`<section class="text" id="${section}">${markdownHtml(cell.source, drawing.imageSource)}</section>\n`;
}

function codeSection(cell: CodeCell, withInput: boolean, drawing: Drawing): Html {
  const hidden = (cell.metadata["jupyter"] ?? {}) as Metadata;
  const outputs = outputsHtml(cell.outputs, drawing);
  const count = cell.execution_count ?? " ";
  const source = html`<div class="source"><pre><code>${highlight(cell.source, "tsx")}</code></pre></div>`;
  if (!withInput && cell.outputs.length === 0) return html``;
  return html`<section class="code" aria-label="Code cell ${count}">
${withInput && html`<div class="count">In [${count}]</div>`}
${withInput && (hidden["source_hidden"] === true ? html`<details><summary>Code</summary>${source}</details>` : source)}
${
  cell.outputs.length > 0 &&
  (hidden["outputs_hidden"] === true
    ? html`<details><summary>Output</summary><div class="outputs">${outputs}</div></details>`
    : html`<div class="outputs">${outputs}</div>`)
}
</section>\n`;
}

const imageOf = (cell: Cell, address: string): string | undefined =>
  cell.cell_type !== "code" && address.startsWith("attachment:")
    ? attachmentSource(cell.attachments?.[address.slice("attachment:".length)])
    : undefined;

/** A reader must not take half of a notebook for the whole. */
function banner(notebook: Notebook): Html | false {
  const run = runRecordOf(notebook);
  if (!run || run.status === "complete") return false;
  const index = notebook.cells.findIndex((cell) => cell.id === run.stoppedAt);
  const place = index < 0 ? "" : ` at cell ${index + 1}`;
  return html`<p class="banner" role="note"><strong>This run is not complete: ${run.status}${place}.</strong> Cells after it have no outputs.</p>\n`;
}

function contentsList(contents: readonly Heading[]): Html | false {
  const shown = contents.filter(({ level }) => level <= 3);
  if (shown.length < 4) return false;
  const items = shown.map(
    ({ level, text, section }) =>
      html`<li style="margin-left:${level - 1}em"><a href="#${section}">${text}</a></li>\n`,
  );
  return html`<nav aria-label="Contents"><details><summary>Contents</summary><ul>${items}</ul></details></nav>\n`;
}

function footer(notebook: Notebook, file: string): Html {
  const run = runRecordOf(notebook);
  const parameters = Object.entries(run?.parameters ?? {}).map(
    ([name, value]) => `${name} = ${JSON.stringify(value)}`,
  );
  const language = (notebook.metadata["language_info"] ?? {}) as Metadata;
  const parts = [
    basename(file),
    ...(run ? [`run: ${run.status}`] : []),
    ...(parameters.length > 0 ? [`parameters: ${parameters.join(", ")}`] : []),
    ...(typeof language["name"] === "string"
      ? [`${language["name"]} ${language["version"] ?? ""}`.trim()]
      : []),
    "exported by Assay",
  ];
  return html`<footer>${parts.join(" · ")}</footer>`;
}

/** Plotly once, the figures as inert data, and the few lines that bring them together. */
function scriptsFor(figures: readonly string[]): {
  readonly markup: Html;
  readonly hashes: readonly string[];
} {
  const require = createRequire(import.meta.url);
  // "</script" inside a string of the library would end the element.
  const library = readFileSync(require.resolve("plotly.js"), "utf8").replaceAll("</script", "<\\/script");
  const start = `(${drawFigures.toString()})(Plotly);`;
  const data = figures.map((json, i) => {
    const inert = json.replaceAll("<", "\\u003c");
    return verbatim(`<script type="application/json" data-figure="${i}">${inert}</script>\n`);
  });
  const scripts = [library, start].map((source) => `\n${source}\n`);
  return {
    markup: html`${data}${scripts.map((source) => verbatim(`<script>${source}</script>\n`))}`,
    hashes: scripts.map((source) => `'sha256-${createHash("sha256").update(source).digest("base64")}'`),
  };
}
