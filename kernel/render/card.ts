/** Cards: what most results are drawn as. HTML that is readable without any style, text, and the result as JSON. */
import type { Display } from "../protocol/mime.js";
import { plainLine } from "./format.js";
import { type Html, html } from "./html.js";
import { toJson } from "./json.js";

/** What a renderer says about a result. */
export interface Card {
  /** One line that names the result and its main number. */
  readonly title: string;
  /** What follows the title: tables, paragraphs, pictures. */
  readonly body?: Html | readonly Html[];
  /** The whole card in words, one to a few lines with the key numbers. */
  readonly text: string;
  /** The result itself, carried as `application/vnd.assay.<kind>.v1+json` when it is small. */
  readonly result: { readonly kind: string };
  /** Said below the body, e.g. the result's own warnings. */
  readonly warnings?: readonly string[];
}

/** Makes the bundle of a card. */
export function card({ title, body, text, result, warnings = [] }: Card): Display {
  const markup = html`<div role="group" aria-label="${title}" style="color:currentColor;background:transparent">
<p><strong>${title}</strong></p>
${body}${warnings.length > 0 && html`<ul>${warnings.map((warning) => html`<li>Warning: ${plainLine(warning, 2000)}</li>`)}</ul>`}
</div>`;
  const json = toJson(result, { maxBytes: 64 * 1024 });
  return {
    data: {
      "text/html": unbroken(markup.toString()),
      "text/plain": [text, ...warnings.map((warning) => plainLine(`Warning: ${warning}`, 400))].join("\n"),
      ...(json !== undefined && { [`application/vnd.assay.${result.kind}.v1+json`]: json }),
    },
    metadata: {},
  };
}

/** Numbers stay with their signs at the end of a line, and intervals in one piece. */
const unbroken = (markup: string): string =>
  markup
    .replaceAll(/(?<=\d) %/g, "&nbsp;%")
    .replaceAll(/\b([pn]) = (?=\d)/g, "$1&nbsp;=&nbsp;")
    .replaceAll(/(?<=\[[^\s,[\]]+), (?=[^\s,[\]]+\])/g, ",&nbsp;");

/** Signs and words that say what a colour would: the word is always there. */
export type Tone = "good" | "bad" | "doubtful" | "neutral";

const signs: Readonly<Record<Tone, { readonly sign: string; readonly border: string }>> = {
  good: { sign: "✓", border: "#009e73" },
  bad: { sign: "✗", border: "#d55e00" },
  doubtful: { sign: "?", border: "#e69f00" },
  neutral: { sign: "·", border: "#888888" },
};

/** A word such as PASS or BACKDOORED with a sign and a coloured edge; the text keeps the reader's own colour. */
export function badge(word: string, tone: Tone): Html {
  const { sign, border } = signs[tone];
  return html`<strong style="border:2px solid ${border};border-radius:4px;padding:0 6px;white-space:nowrap">${sign} ${word}</strong>`;
}

/** The same word for `text/plain`. */
export const badgeText = (word: string, tone: Tone): string => `${signs[tone].sign} ${word}`;
