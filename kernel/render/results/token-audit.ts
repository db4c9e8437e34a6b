/** The card of the audit of a model of tokens: the word, the trigger, what it rests on, what it cost. */
import type { TokenAudit, TokenScan } from "../../../lib/extraction/index.js";
import type { Display } from "../../protocol/mime.js";
import { badge, badgeText, card } from "../card.js";
import { formatInteger, formatRate, plainLine } from "../format.js";
import { html } from "../html.js";
import { type Table, tableHtml, tableText } from "../table.js";
import { checksTable, costSentence, rarity, tones } from "./audit.js";

const ROWS = 10;

/** Verdict, trigger, checks, each class beside the references, unusual tokens, cost. */
export function renderTokenAudit(audit: TokenAudit): Display {
  const { verdict, scans } = audit;
  const title = `Audit of ${plainLine(audit.model)}: ${verdict.decision}`;
  const sentences = [...triggerSentences(audit), rarity(audit)];
  const checks = checksTable(audit);
  const tables = [...scans.map(scanTable), ...unusualTable(audit)];
  const footer = costSentence(audit);
  return card({
    title,
    body: [
      html`<p>${badge(verdict.decision, tones[verdict.decision])}</p>`,
      ...sentences.map((sentence) => html`<p>${sentence}</p>`),
      tableHtml(checks),
      ...tables.map(tableHtml),
      html`<p>${footer}</p>`,
    ],
    text: [
      `${badgeText(verdict.decision, tones[verdict.decision])}: audit of ${plainLine(audit.model)}`,
      ...sentences,
      tableText(checks),
      footer,
    ].join("\n"),
    result: audit,
    warnings: verdict.warnings,
  });
}

function triggerSentences({ verdict }: TokenAudit): string[] {
  const { trigger, target, source } = verdict;
  if (!trigger) return [];
  const success = trigger.attackSuccessRate;
  const from = source === null ? "every class" : `class ${source}`;
  const { tokens, position } = trigger.trigger;
  const place =
    position === "anywhere"
      ? "at a random place"
      : typeof position === "number"
        ? `after ${position} words`
        : `as ${position}`;
  return [
    `Tokens ${tokens.join(" ")}, put in ${place}, lead from ${from} to class ${target}: they work on ${formatRate(success)} of ${formatInteger(success.n)} texts that they were not made from.`,
  ];
}

function scanTable({ name, arms, runs, gaps, referenceGaps, calibration }: TokenScan): Table {
  const order = arms.map((_, i) => i).sort((a, b) => calibration.scores[b]! - calibration.scores[a]!);
  const rounded = (value: number): number => Number(value.toPrecision(3));
  return {
    caption: `${name}: nats by which the best tokens lead there more than in clean models${arms.length > ROWS ? `, the ${ROWS} most unusual of ${arms.length}` : ""}`,
    columns: ["leads to", "tokens", "this model", ...referenceGaps.map((_, i) => `clean ${i + 1}`), "score"],
    rowHeadings: true,
    rows: order.slice(0, ROWS).map((i) => {
      const { victim, target, longest } = arms[i]!;
      const most = longest === undefined ? "" : ` with at most ${longest} tokens`;
      return [
        `${victim === null ? `class ${target}` : `class ${victim} to ${target}`}${most}`,
        runs[i]!.join(" "),
        rounded(gaps[i]!),
        ...referenceGaps.map((values) => rounded(values[i]!)),
        rounded(calibration.scores[i]!),
      ];
    }),
  };
}

function unusualTable({ unusual }: TokenAudit): Table[] {
  if (unusual.length === 0) return [];
  return [
    {
      caption:
        "Tokens that this model treats least like the references do (rare tokens are among them in any model)",
      columns: ["token", "squared distance"],
      rowHeadings: true,
      rows: unusual.slice(0, ROWS).map(({ token, distance }) => [String(token), Math.round(distance)]),
    },
  ];
}
