/** The report card of a checked specification. */
import { imageGrid } from "../../../lib/plots/image-grid.js";
import type {
  ClauseReport,
  ClauseVerdict,
  Counterexample,
  SpecificationReport,
} from "../../../lib/spec/index.js";
import type { Display } from "../../protocol/mime.js";
import { badge, badgeText, card, type Tone } from "../card.js";
import {
  formatInteger,
  formatNumber,
  formatPercent,
  formatRateInterval,
  plainLine,
  plural,
} from "../format.js";
import { type Html, html } from "../html.js";
import { pictureHtml } from "../picture.js";
import { drawImageGrid } from "./image-grid.js";

const tones: Readonly<Record<ClauseVerdict, Tone>> = {
  holds: "good",
  violated: "bad",
  undecided: "doubtful",
  "not refuted": "neutral",
  "not checked": "neutral",
};

/** One row per clause, then the counterexamples. */
export async function renderSpecificationReport(report: SpecificationReport): Promise<Display> {
  const { clauses, specification, model, n, forwardPasses, stoppingRule, seed } = report;
  const name = specification.name === undefined ? "specification" : `"${specification.name}"`;
  const title = `${plainLine(model)} against its ${plainLine(name)}: ${tally(clauses)}`;
  const footer = `${plural(n, "example")}; ${stoppingRule}; ${formatInteger(forwardPasses)} forward passes; seed ${seed}. "Holds" speaks about inputs like these, clause by clause.`;
  const pictures = await Promise.all(clauses.map((clause) => counterexampleHtml(clause, specification)));
  return card({
    title,
    body: [tableOf(clauses), html`<p>${footer}</p>`, ...pictures.filter((picture) => picture !== undefined)],
    text: [title, ...clauses.map(clauseText), footer].join("\n"),
    result: summary(report),
  });
}

function tally(clauses: readonly ClauseReport[]): string {
  const counts = (Object.keys(tones) as ClauseVerdict[])
    .map((verdict) => [clauses.filter((clause) => clause.verdict === verdict).length, verdict] as const)
    .filter(([count]) => count > 0);
  return counts.length === 0
    ? "no clauses"
    : counts.map(([count, verdict]) => `${count} × ${verdict}`).join(", ");
}

function tableOf(clauses: readonly ClauseReport[]): Html {
  return html`<table style="border-collapse:collapse;background:transparent">
<thead><tr><th scope="col" style="text-align:left">clause</th><th scope="col" style="text-align:left">verdict</th><th scope="col" style="text-align:right">violations</th><th scope="col" style="text-align:right">rate</th><th scope="col" style="text-align:left">interval</th><th scope="col" style="text-align:right">allowed</th><th scope="col" style="text-align:left">note</th></tr></thead>
<tbody>${clauses.map(
    (clause) => html`<tr><th scope="row" style="text-align:left">${plainLine(clause.statement)}</th>
<td style="text-align:left">${badge(clause.verdict, tones[clause.verdict])}</td>
<td style="text-align:right;white-space:nowrap">${countText(clause)}</td>
<td style="text-align:right;white-space:nowrap">${clause.violationRate ? formatPercent(clause.violationRate.value) : "–"}</td>
<td style="text-align:left">${intervalText(clause)}</td>
<td style="text-align:right;white-space:nowrap">${formatPercent(clause.allowed)}</td>
<td style="text-align:left">${plainLine(clause.note)}</td></tr>`,
  )}</tbody></table>`;
}

/** Fairness is a difference and a proof is a bound: neither counts examples that break the promise. */
const isCounted = ({ clause, evidence, n }: ClauseReport): boolean =>
  n > 0 && clause.type !== "fairness" && evidence !== "proof";

const countText = (clause: ClauseReport): string =>
  isCounted(clause) ? `${formatInteger(clause.violations)} of ${formatInteger(clause.n)}` : "–";

function intervalText({ violationRate, evidence }: ClauseReport): string {
  if (!violationRate) return "–";
  if (evidence === "exhaustive") return "exact: every input checked";
  if (evidence === "proof") return `at most, by ${violationRate?.method}`;
  const { level, method } = violationRate;
  return `${formatRateInterval(violationRate)} (${formatNumber(level * 100)} %, ${plainLine(method)})`;
}

function clauseText(clause: ClauseReport): string {
  const parts = [`${badgeText(clause.verdict, tones[clause.verdict])}: ${plainLine(clause.statement)}`];
  if (clause.violationRate) {
    const share = `${formatPercent(clause.violationRate.value)} ${intervalText(clause)}`;
    parts.push(isCounted(clause) ? `${countText(clause)} violations, rate ${share}` : share);
  }
  if (clause.note !== "") parts.push(plainLine(clause.note));
  return parts.join("; ");
}

/** A symbol as it is; a measurement without the digits that float32 adds to it. */
const inputValue = (value: number | bigint): string =>
  typeof value === "number" && !Number.isInteger(value)
    ? String(Number(value.toPrecision(6)))
    : String(value);

/** The counterexample in words, with its picture where it is one. */
async function counterexampleHtml(
  { counterexample, statement }: ClauseReport,
  { domain }: SpecificationReport["specification"],
): Promise<Html | undefined> {
  if (!counterexample) return undefined;
  const words = `Counterexample to "${plainLine(statement)}": ${describe(counterexample)}`;
  const { input, original } = counterexample;
  if (domain.type !== "image" || !isPicture(input.dims)) {
    const values =
      counterexample.text !== null
        ? ` Input: ${plainLine(counterexample.text)}`
        : input.data.length <= 64
          ? ` Input: ${Array.from(input.data as ArrayLike<number | bigint>, inputValue).join(" ")}.`
          : "";
    return html`<p>${words}.${values}</p>`;
  }
  const images = [
    ...(original ? [{ tensor: original, caption: "example" }] : []),
    { tensor: input, caption: `answered ${counterexample.predicted}` },
  ];
  return pictureHtml(await drawImageGrid(imageGrid(images, { range: domain.range })), words);
}

const isPicture = (dims: readonly number[]): boolean =>
  dims.length === 2 || (dims.length === 3 && (dims[0] === 1 || dims[0] === 3));

function describe({ index, label, predicted, expected, how }: Counterexample): string {
  const about = [
    `example ${index}`,
    label === null ? undefined : `label ${label}`,
    `answered ${predicted}`,
    expected === null ? undefined : `expected ${expected}`,
    plainLine(how),
  ];
  return about.filter((part) => part !== undefined).join(", ");
}

/** What the JSON bundle carries: verdicts and rates, not the pictures. */
function summary({
  kind,
  model,
  specification,
  clauses,
  n,
  level,
  seed,
  forwardPasses,
  stoppingRule,
}: SpecificationReport) {
  return {
    kind,
    model,
    domain: specification.domain,
    clauses: clauses.map(
      ({ statement, verdict, evidence, violationRate, allowed, violations, n: asked, note }) => ({
        statement,
        verdict,
        evidence,
        violationRate,
        allowed,
        violations,
        n: asked,
        note,
      }),
    ),
    n,
    level,
    seed,
    forwardPasses,
    stoppingRule,
  };
}
