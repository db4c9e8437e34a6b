/** A cell's outputs as HTML: the richest representation that a page without a kernel can show. */
import { AnsiUp } from "ansi_up";
import { type Html, html, verbatim } from "../../render/html.js";
import type { MimeData, Output } from "../types.js";
import { type ImageSource, markdownHtml } from "./markdown-html.js";
import { renderMath } from "./math.js";
import { sanitise } from "./sanitise.js";

/** What the page collects while its outputs are drawn. */
export interface Drawing {
  /** Figures that the page's script draws, as JSON text, in the order of their places. */
  readonly figures: string[];
  readonly plots: "interactive" | "static";
  readonly imageSource: ImageSource;
}

/** The outputs of a cell. */
export const outputsHtml = (outputs: readonly Output[], drawing: Drawing): Html =>
  html`${outputs.map((output) => outputHtml(output, drawing))}`;

function outputHtml(output: Output, drawing: Drawing): Html {
  switch (output.output_type) {
    case "stream":
      return output.name === "stderr"
        ? html`<div class="stream stderr" role="group" aria-label="standard error">${terminal(output.text)}</div>`
        : html`<div class="stream">${terminal(output.text)}</div>`;
    case "error":
      return html`<div class="error" role="group" aria-label="error: ${output.ename}">${terminal(
        output.traceback.length > 0 ? output.traceback.join("\n") : `${output.ename}: ${output.evalue}`,
      )}</div>`;
    default:
      return html`<div class="display">${displayHtml(output.data, output.metadata, drawing)}</div>`;
  }
}

/** Terminal text with its colours. The converter escapes the text; its result is sanitised like all foreign HTML. */
function terminal(text: string): Html {
  const converter = new AnsiUp();
  converter.url_allowlist = {};
  // The page's own colours for both themes, instead of fixed ones.
  converter.use_classes = true;
  return html`<pre>${sanitise(converter.ansi_to_html(text))}</pre>`;
}

type Metadata = Readonly<Record<string, unknown>>;
type Draw = (value: string, data: MimeData, metadata: Metadata, drawing: Drawing) => Html | undefined;

/** In order of preference. */
const drawers: readonly (readonly [mime: string, draw: Draw])[] = [
  ["application/vnd.plotly.v1+json", (_, data, metadata, drawing) => figureHtml(data, metadata, drawing)],
  ["text/html", (value) => visibleHtml(value)],
  ["text/markdown", (value, _data, _metadata, { imageSource }) => markdownHtml(value, imageSource)],
  ["image/png", (_, data, metadata) => imageHtml("image/png", data, metadata)],
  // As an image, an SVG can neither run nor load anything.
  [
    "image/svg+xml",
    (value, data, metadata) =>
      imageHtml(
        "image/svg+xml",
        { ...data, "image/svg+xml": Buffer.from(value).toString("base64") },
        metadata,
      ),
  ],
  ["image/jpeg", (_, data, metadata) => imageHtml("image/jpeg", data, metadata)],
  ["image/gif", (_, data, metadata) => imageHtml("image/gif", data, metadata)],
  ["image/webp", (_, data, metadata) => imageHtml("image/webp", data, metadata)],
  ["text/latex", (value) => verbatim(renderMath(value.replaceAll(/^\s*\$+|\$+\s*$/g, ""), true))],
  ["text/plain", (value) => terminal(value)],
  ["application/json", (_, data) => html`<pre>${JSON.stringify(data["application/json"], null, 2)}</pre>`],
];

/** HTML of which something is left to see; what lived from its scripts gives way to the next representation. */
function visibleHtml(value: string): Html | undefined {
  const markup = sanitise(value);
  return /<(img|table|hr|progress|meter|math)\b|>\s*[^<\s]|^\s*[^<\s]/.test(markup.toString())
    ? markup
    : undefined;
}

function displayHtml(data: MimeData, metadata: Metadata, drawing: Drawing): Html {
  for (const [mime, draw] of drawers) {
    if (!(mime in data)) continue;
    const value = data[mime];
    const drawn = draw(typeof value === "string" ? value : "", data, metadata, drawing);
    if (drawn) return drawn;
  }
  return html`<p>(An output of type ${Object.keys(data).join(", ") || "nothing"} cannot be shown here.)</p>`;
}

/** The still picture in the figure's place; the page's script puts the interactive one over it. */
function figureHtml(data: MimeData, metadata: Metadata, drawing: Drawing): Html | undefined {
  const picture = "image/png" in data ? imageHtml("image/png", data, metadata) : undefined;
  if (drawing.plots === "static") return picture && html`<figure class="still">${picture}</figure>`;
  const number = drawing.figures.push(JSON.stringify(data["application/vnd.plotly.v1+json"])) - 1;
  const words = textOf(data);
  return html`<figure class="plot" data-figure="${number}">${picture}<figcaption>${captionHtml(words)}</figcaption></figure>`;
}

/** Lines of a caption that stand there in full; of longer ones the rest is opened by who wants the numbers. */
const CAPTION_LINES = 4;

function captionHtml(words: string): Html {
  const lines = words.split("\n");
  if (lines.length <= CAPTION_LINES && words.length <= 400) return html`${words}`;
  return html`<details><summary>${lines[0]!.length <= 200 ? lines[0] : "In numbers"}</summary>${lines[0]!.length <= 200 ? lines.slice(1).join("\n") : words}</details>`;
}

function imageHtml(mime: string, data: MimeData, metadata: Metadata): Html | undefined {
  const base64 = String(data[mime]).replaceAll(/\s/g, "");
  if (!/^[A-Za-z0-9+/]+=*$/.test(base64)) return undefined;
  const { width, height, alt } = (metadata[mime] ?? {}) as Metadata;
  const source = `data:${mime};base64,${base64}`;
  const words = typeof alt === "string" ? alt : textOf(data);
  return isSide(width) && isSide(height)
    ? html`<img src="${source}" alt="${words}" width="${width}" height="${height}">`
    : html`<img src="${source}" alt="${words}">`;
}

const isSide = (value: unknown): value is number => typeof value === "number" && value > 0 && value < 10_000;

const textOf = (data: MimeData): string =>
  typeof data["text/plain"] === "string" && data["text/plain"].trim() !== ""
    ? data["text/plain"]
    : "a picture without description";
