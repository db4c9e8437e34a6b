/** Colours for TypeScript and JavaScript source. */

import { classHighlighter, highlightCode } from "@lezer/highlight";
import { parser } from "@lezer/javascript";
import { type Html, html } from "../../render/html.js";

const dialects: Readonly<Record<string, string>> = {
  ts: "ts",
  typescript: "ts",
  tsx: "ts jsx",
  js: "",
  javascript: "",
  mjs: "",
  jsx: "jsx",
  json: "",
};

/** Source as `<span class="tok-…">` pieces; a language that is not known stays plain. */
export function highlight(source: string, language: string): Html {
  const dialect = dialects[language.toLowerCase()];
  if (dialect === undefined) return html`${source}`;
  const tree = parser.configure({ dialect }).parse(source);
  const pieces: (Html | string)[] = [];
  highlightCode(
    source,
    tree,
    classHighlighter,
    (text, classes) => pieces.push(classes ? html`<span class="${classes}">${text}</span>` : text),
    () => pieces.push("\n"),
  );
  return html`${pieces}`;
}
