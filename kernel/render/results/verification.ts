/** The card of a trigger's verification, be it a patch or a run of tokens: success under every control. */
import type { TokenVerification, TriggerVerification } from "../../../lib/extraction/index.js";
import type { Estimate } from "../../../lib/stats/estimate.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatNumber, formatPercent, formatRateInterval, plainLine, plural } from "../format.js";
import { html } from "../html.js";
import { type Cell, type Table, tableHtml, tableText } from "../table.js";

/** What the card of one kind of trigger says in its own words. */
export interface VerificationWords {
  readonly title: string;
  /** What the trigger is put into: "image", "text". */
  readonly input: string;
  /** Random ones of these are the null distribution. */
  readonly triggers: string;
  /** Success with each part of the trigger left out. */
  readonly parts: Omit<Table, "rows" | "rowHeadings"> & {
    readonly rates: readonly (readonly [string, Estimate])[];
  };
}

/** Draws the controls, the success by source class and without each part. */
export function verificationCard(
  verification: TriggerVerification | TokenVerification,
  { title, input, triggers, parts: { rates, ...parts } }: VerificationWords,
): Display {
  const { controls, bySource, randomPValue, forwardPasses, seed } = verification;
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
      caption: `By true class of the ${input}`,
      columns: ["class", "success", "interval"],
      rows: bySource.map(({ source, successRate: rate }) => [String(source), ...cells(rate)]),
      rowHeadings: true,
    },
    { ...parts, rows: rates.map(([part, rate]) => [part, ...cells(rate)]), rowHeadings: true },
  ];
  const footer = `${triggers} do as well with p = ${formatNumber(randomPValue, 2)}; ${plural(forwardPasses, "forward pass", "forward passes")}, seed ${seed}.`;
  const shown = tables.filter(({ rows }) => rows.length > 0);
  return card({
    title,
    body: [...shown.map(tableHtml), html`<p>${footer}</p>`],
    text: [title, ...shown.map(tableText), footer].join("\n"),
    result: verification,
  });
}

const cells = (rate: Estimate): Cell[] => [formatPercent(rate.value), formatRateInterval(rate)];
