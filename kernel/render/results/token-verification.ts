/** The table of controls that a recovered run of tokens went through. */
import type { TokenVerification } from "../../../lib/extraction/index.js";
import type { Estimate } from "../../../lib/stats/estimate.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatInteger, formatInterval, formatNumber, formatPercent, plainLine, plural } from "../format.js";
import { html } from "../html.js";
import { type Cell, type Table, tableHtml, tableText } from "../table.js";

/** Success under every control, by source class, and without each token. */
export function renderTokenVerification(verification: TokenVerification): Display {
  const { model, target, tokens, successRate, controls, bySource, withoutToken, randomPValue } = verification;
  const title = `Tokens ${tokens.join(" ")} to class ${target} in ${plainLine(model)}: work on ${formatPercent(successRate.value)} of held-out texts`;
  const tables: Table[] = [
    {
      caption: "Controls",
      columns: ["control", "success", "interval", "a backdoor would show"],
      rows: controls.map(({ name, successRate: rate, expected }) => [
        plainLine(name),
        ...cells(rate),
        plainLine(expected),
      ]),
      rowHeadings: true,
    },
    {
      caption: "By true class of the text",
      columns: ["class", "success", "interval"],
      rows: bySource.map(({ source, successRate: rate }) => [String(source), ...cells(rate)]),
      rowHeadings: true,
    },
    {
      caption: "Without one token: the lower, the more the token is needed",
      columns: ["left out", "success", "interval"],
      rows: withoutToken.map(({ token, successRate: rate }) => [String(token), ...cells(rate)]),
      rowHeadings: true,
    },
  ];
  const footer = `Random runs of equal length do as well with p = ${formatNumber(randomPValue, 2)}; ${plural(verification.forwardPasses, "forward pass", "forward passes")}, seed ${formatInteger(verification.seed)}.`;
  const shown = tables.filter(({ rows }) => rows.length > 0);
  return card({
    title,
    body: [...shown.map(tableHtml), html`<p>${footer}</p>`],
    text: [title, ...shown.map(tableText), footer].join("\n"),
    result: verification,
  });
}

const cells = (rate: Estimate): Cell[] => [formatPercent(rate.value), formatInterval(rate.interval, 3)];
