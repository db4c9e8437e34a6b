/** The table of controls that a recovered trigger went through. */
import type { TriggerVerification } from "../../../lib/extraction/index.js";
import type { Estimate } from "../../../lib/stats/estimate.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatInteger, formatInterval, formatNumber, formatPercent, plainLine, plural } from "../format.js";
import { html } from "../html.js";
import { type Cell, type Table, tableHtml, tableText } from "../table.js";

/** Success under every control, by source class, and without each block. */
export function renderTriggerVerification(verification: TriggerVerification): Display {
  const { model, target, successRate, controls, bySource, withoutBlock, randomPValue } = verification;
  const title = `Trigger to class ${target} in ${plainLine(model)}: works on ${formatPercent(successRate.value)} of held-out images`;
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
      caption: "By true class of the image",
      columns: ["class", "success", "interval"],
      rows: bySource.map(({ source, successRate: rate }) => [String(source), ...cells(rate)]),
      rowHeadings: true,
    },
    {
      caption: "With one block of the trigger left out: the lower, the more the block is needed",
      columns: ["block at row, column", "success", "interval"],
      rows: withoutBlock.map(({ row, column, successRate: rate }) => [`${row}, ${column}`, ...cells(rate)]),
      rowHeadings: true,
    },
  ];
  const footer = `Random triggers of equal size do as well with p = ${formatNumber(randomPValue, 2)}; ${plural(verification.forwardPasses, "forward pass", "forward passes")}, seed ${formatInteger(verification.seed)}.`;
  const shown = tables.filter(({ rows }) => rows.length > 0);
  return card({
    title,
    body: [...shown.map(tableHtml), html`<p>${footer}</p>`],
    text: [title, ...shown.map(tableText), footer].join("\n"),
    result: verification,
  });
}

const cells = (rate: Estimate): Cell[] => [formatPercent(rate.value), formatInterval(rate.interval, 3)];
