/** Tokens with a number each: colour and line below for the eye, numbers for everybody. */
import type { TokenHeat } from "../../../lib/plots/token-heat.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatNumber, plainLine, plural } from "../format.js";
import { type Html, html } from "../html.js";
import { type Table, tableHtml } from "../table.js";

/** Tokens that are also listed, and marked in the plain text. */
const listed = 5;

/** The text with its tokens coloured, and the strongest ones as a table. */
export function renderTokenHeat(heat: TokenHeat): Display {
  const { tokens, values, label } = heat;
  const finite = values.filter(Number.isFinite);
  const largest = Math.max(0, ...finite.map(Math.abs));
  const range =
    finite.length === 0
      ? "no values"
      : `from ${formatNumber(Math.min(...finite))} to ${formatNumber(Math.max(...finite))}`;
  const title = `${plainLine(label)}: ${plural(tokens.length, "token")}, ${range}`;
  const strongest = [...values.keys()]
    .filter((i) => Number.isFinite(values[i]) && values[i] !== 0)
    .sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!) || a - b)
    .slice(0, listed);
  const table: Table = {
    caption: "Strongest tokens",
    columns: ["position", "token", plainLine(label, 40)],
    rows: strongest.map((i) => [String(i), visible(tokens[i]!), values[i]]),
    rowHeadings: true,
  };
  const body = html`<p style="line-height:2;white-space:pre-wrap">${tokens.map((token, i) => tokenHtml(token, values[i]!, largest))}</p>
${strongest.length > 0 && tableHtml(table)}`;
  const isListed = new Set(strongest);
  const text = tokens.map((token, i) =>
    isListed.has(i) ? `[${visible(token)}: ${formatNumber(values[i]!)}]` : visible(token),
  );
  return card({ title, body, text: `${title}\n${plainLine(text.join(""), 2000)}`, result: heat });
}

/** Orange for positive, blue for negative values; the line below grows with the size. */
function tokenHtml(token: string, value: number, largest: number): Html {
  const strength = Number.isFinite(value) && largest > 0 ? Math.abs(value) / largest : 0;
  if (strength < 0.02) return html`<span title="${formatNumber(value)}">${visible(token)}</span>`;
  const colour = value > 0 ? "230,159,0" : "86,180,233";
  const line = Math.ceil(strength * 3);
  return html`<span title="${formatNumber(value)}" style="background-color:rgba(${colour},${(strength * 0.6).toFixed(2)});border-bottom:${line}px solid rgb(${colour})">${visible(token)}</span>`;
}

/** Line ends and tabs as signs; a token that is nothing, too. */
const visible = (token: string): string =>
  token === "" ? "∅" : plainLine(token.replaceAll("\n", "⏎").replaceAll("\t", "⇥"), 200);
