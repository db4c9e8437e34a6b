/** Markdown cells and outputs as safe HTML. */
import MarkdownIt from "markdown-it";
import { escapeHtml, type Html } from "../../render/html.js";
import type { MimeData } from "../types.js";
import { highlight } from "./highlight.js";
import { math } from "./math.js";
import { sanitise } from "./sanitise.js";

/** Finds the `data:` address of an image that Markdown names, or undefined when it is not to be had. */
export type ImageSource = (address: string) => string | undefined;

const markdown = new MarkdownIt({
  html: true,
  linkify: false,
  highlight: (source, language) => highlight(source, language).toString(),
});
markdown.use(math);
// `data:` pictures pass here; the sanitiser decides afterwards.
markdown.validateLink = (address) => !/^\s*(javascript|vbscript|file):/i.test(address);
markdown.renderer.rules["image"] = (tokens, index, _options, env: { imageSource: ImageSource }) => {
  const token = tokens[index]!;
  const address = token.attrGet("src") ?? "";
  const source = address.startsWith("data:") ? address : env.imageSource(safeDecode(address));
  const words = escapeHtml(token.content);
  return source === undefined
    ? `<em>[picture not included: ${words || "without description"} (${escapeHtml(address)})]</em>`
    : `<img src="${escapeHtml(source)}" alt="${words}">`;
};

/** Renders Markdown; raw HTML inside it is sanitised like everything else. */
export function markdownHtml(source: string, imageSource: ImageSource): Html {
  return sanitise(markdown.render(source, { imageSource }));
}

/** Headings of some Markdown with their levels, in order. */
export function headingsOf(source: string): { readonly level: number; readonly text: string }[] {
  const tokens = markdown.parse(source, { imageSource: () => undefined });
  return tokens.flatMap((token, i) => {
    if (token.type !== "heading_open") return [];
    const text = (tokens[i + 1]?.children ?? []).map((child) => child.content).join("");
    return [{ level: Number(token.tag.slice(1)), text }];
  });
}

/** An attached picture as a `data:` address. */
export function attachmentSource(attachment: MimeData | undefined): string | undefined {
  for (const [mime, data] of Object.entries(attachment ?? {})) {
    if (/^image\/(png|jpeg|gif|webp)$/.test(mime) && typeof data === "string") {
      return `data:${mime};base64,${data.replaceAll(/\s/g, "")}`;
    }
  }
  return undefined;
}

function safeDecode(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}
