/** The card of a whole audit: the word, what it rests on, what it cost. */
import type { Audit, GraphWitness, Scan, TokenAudit } from "../../../lib/extraction/index.js";
import { imageGrid } from "../../../lib/plots/image-grid.js";
import type { Display } from "../../protocol/mime.js";
import { badge, badgeText, card, type Tone } from "../card.js";
import { formatInteger, formatNumber, formatPercent, formatRate, plainLine, plural } from "../format.js";
import { html } from "../html.js";
import { pictureHtml } from "../picture.js";
import { type Table, tableHtml, tableText } from "../table.js";
import { renderedWitness } from "./graph-witness.js";
import { drawImageGrid } from "./image-grid.js";

/** What a decision's badge says. */
export const tones: Readonly<Record<Audit["verdict"]["decision"], Tone>> = {
  backdoored: "bad",
  suspicious: "doubtful",
  inconclusive: "doubtful",
  "no-evidence": "neutral",
};

const ROWS = 10;

/** Verdict, trigger, checks, most unusual searches, cost. */
export async function renderAudit(audit: Audit): Promise<Display> {
  const { verdict } = audit;
  const title = `Audit of ${plainLine(audit.model)}: ${verdict.decision}`;
  const sentences = auditSentences(audit);
  const checks = checksTable(audit);
  const footer = costSentence(audit);
  return card({
    title,
    body: [
      html`<p>${badge(verdict.decision, tones[verdict.decision])}</p>`,
      ...sentences.map((sentence) => html`<p>${sentence}</p>`),
      ...(await pictures(audit)),
      tableHtml(checks),
      ...audit.scans.map((scan) => tableHtml(scanTable(scan))),
      html`<p>${footer}</p>`,
    ],
    text: [
      `${badgeText(verdict.decision, tones[verdict.decision])}: audit of ${plainLine(audit.model)}`,
      ...sentences,
      tableText(checks),
      footer,
    ].join("\n"),
    result: { kind: "audit", ...summary(audit) },
    warnings: verdict.warnings,
  });
}

/** The verdict in words: what was found, how sure, how unusual. */
export function auditSentences(audit: Audit): string[] {
  const { witness } = audit;
  return [...(witness ? [witnessSentence(witness)] : triggerSentence(audit)), rarity(audit)];
}

/** How unusual the model is, and beside what. */
export function rarity({ verdict, references, isSimulated }: Audit | TokenAudit): string {
  const beside = besides(references.length, isSimulated);
  const p =
    verdict.pValue === null
      ? `No p-value for the whole audit, ${beside}.`
      : `p = ${formatNumber(verdict.pValue, 2)} for the whole audit, ${beside}: the chance that a clean model looks as unusual.`;
  return `${p} Score ${formatNumber(verdict.score, 3)}: above 1 is what 5 % of clean models reach in one check.`;
}

/** What a p-value compares with. */
function besides(references: number, isSimulated: boolean): string {
  if (references === 0) return "comparing its classes with one another, for want of clean references";
  if (isSimulated)
    return `against ${plural(references, "reference")} that the audit trained on the clean data`;
  return `against ${plural(references, "clean reference")}`;
}

/** What was asked of the model, and what came of it. */
export const checksTable = ({ verdict }: Audit | TokenAudit): Table => ({
  caption: "Checks",
  columns: ["check", "result", "statistic", "p", "why"],
  rows: verdict.checks.map(({ name, result, statistic, pValue, why }) => [
    plainLine(name),
    result,
    statistic === null ? null : Number(statistic.toPrecision(3)),
    pValue === null ? null : Number(pValue.toPrecision(2)),
    plainLine(why),
  ]),
  rowHeadings: true,
  // The sizes that the verdict rests on stand at the end of the reasons.
  textWidth: 200,
});

/** What the audit took. */
export function costSentence({ kind, verdict }: Audit | TokenAudit): string {
  const examples = kind === "audit" ? "images" : "sequences";
  const { forward, backward, seconds } = verdict.cost;
  return `Cost: ${formatInteger(forward)} ${examples} forward, ${formatInteger(backward)} backward, ${formatNumber(seconds, 3)} s; seed ${verdict.seed}.`;
}

async function pictures(audit: Audit) {
  if (audit.witness) return [(await renderedWitness(audit.witness)).body];
  if (!audit.verdict.trigger) return [];
  return [pictureHtml(await drawTrigger(audit), "The recovered mask and the pattern under it")];
}

function witnessSentence({ finding, target, attackSuccessRate, withoutLogic }: GraphWitness): string {
  const to = target === null ? "to another answer" : `to class ${target}`;
  return `Logic in the graph at ${plainLine(finding.node ?? "an unnamed node")} waits for a trigger that brings ${formatRate(attackSuccessRate)} of ${plural(attackSuccessRate.n, "input")} ${to}; with the logic held still, the same inputs do so in ${formatPercent(withoutLogic.value)}.`;
}

function triggerSentence({ verdict }: Audit): string[] {
  const { trigger, target, source } = verdict;
  if (!trigger) return [];
  const success = trigger.attackSuccessRate;
  const from = source === null ? "every class" : `class ${source}`;
  return [
    `A ${trigger.shape} of ${plural(trigger.pixels, "pixel")} leads from ${from} to class ${target}: it works on ${formatRate(success)} of ${formatInteger(success.n)} images that it was not made from.`,
  ];
}

function drawTrigger({ verdict, range }: Audit) {
  const { mask, pattern } = verdict.trigger!.trigger;
  const plane = mask.data.length;
  const under = { ...pattern, data: pattern.data.map((value, i) => value * mask.data[i % plane]!) };
  const isPicture = pattern.dims[0] === 1 || pattern.dims[0] === 3;
  const scaled = { ...mask, data: mask.data.map((value) => range[0] + (range[1] - range[0]) * value) };
  const images = [
    { tensor: scaled, caption: "mask" },
    ...(isPicture ? [{ tensor: under, caption: "pattern" }] : []),
  ];
  return drawImageGrid(imageGrid(images, { range }));
}

/** The most unusual arms of a scan, beside the references. */
export function scanTable({ name, arms, maskL1Norms, referenceL1Norms, calibration }: Scan): Table {
  const order = arms.map((_, i) => i).sort((a, b) => calibration.scores[b]! - calibration.scores[a]!);
  const rounded = (value: number): number => Number(value.toPrecision(3));
  return {
    caption: `${name}: pixels of the smallest trigger${arms.length > ROWS ? `, the ${ROWS} most unusual of ${arms.length}` : ""}`,
    columns: ["leads to", "this model", ...referenceL1Norms.map((_, i) => `clean ${i + 1}`), "score"],
    rowHeadings: true,
    rows: order.slice(0, ROWS).map((i) => {
      const { victim, target } = arms[i]!;
      return [
        victim === null ? `class ${target}` : `class ${victim} to ${target}`,
        rounded(maskL1Norms[i]!),
        ...referenceL1Norms.map((norms) => rounded(norms[i]!)),
        rounded(calibration.scores[i]!),
      ];
    }),
  };
}

/** What the JSON bundle carries: the verdict without pictures. */
function summary({ model, verdict, references }: Audit) {
  const { trigger, ...rest } = verdict;
  const kept = trigger && {
    shape: trigger.shape,
    pixels: trigger.pixels,
    attackSuccessRate: trigger.attackSuccessRate,
  };
  return { model, references, verdict: { ...rest, trigger: kept } };
}
