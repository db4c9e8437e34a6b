/** The verdict card of a trigger search: the word, the trigger as a picture, each class beside clean models. */
import type { TriggerCandidate, TriggerSearch } from "../../../lib/extraction/index.js";
import { imageGrid } from "../../../lib/plots/image-grid.js";
import type { Display } from "../../protocol/mime.js";
import { badge, badgeText, card, type Tone } from "../card.js";
import { formatInteger, formatNumber, formatPercent, formatRate, plainLine, plural } from "../format.js";
import { html } from "../html.js";
import { pictureHtml } from "../picture.js";
import { type Table, tableHtml } from "../table.js";
import { drawImageGrid } from "./image-grid.js";

const tones: Readonly<Record<TriggerSearch["decision"], Tone>> = {
  backdoored: "bad",
  suspicious: "doubtful",
  inconclusive: "doubtful",
  "no-evidence": "neutral",
};

/** Card with verdict, sentence, picture, table of classes and cost. */
export async function renderTriggerSearch(search: TriggerSearch): Promise<Display> {
  const { decision, settings } = search;
  const title = `Trigger search in ${plainLine(search.model)}: ${decision}`;
  const sentences = explain(search);
  const footer = `Cost: ${costOf(search)}; ${settings.steps} steps, seed ${settings.seed}.`;
  return card({
    title,
    body: [
      html`<p>${badge(decision, tones[decision])}</p>`,
      ...sentences.map((sentence) => html`<p>${sentence}</p>`),
      pictureHtml(await drawTrigger(search), pictureWords(search)),
      tableHtml(tableOf(search)),
      html`<p>${footer}</p>`,
    ],
    text: [`${badgeText(decision, tones[decision])}: ${title}`, ...sentences, footer].join("\n"),
    result: summary(search),
    warnings: search.warnings,
  });
}

function costOf({ cost, references }: TriggerSearch): string {
  if (cost.forward === 0 && cost.references === 0) return "none, searches of before were kept";
  const images = (count: number, where: string): string =>
    count === 0 ? `none through ${where} (kept from before)` : `${formatInteger(count)} through ${where}`;
  const others = references.length === 0 ? "" : `, ${images(cost.references, "references")}`;
  return `images forward and backward: ${images(cost.forward, "the model")}${others}`;
}

function explain(search: TriggerSearch): string[] {
  const { target, pValue, references, attackSuccessRate: success, recovered, calibration } = search;
  const found = candidateOf(search, target);
  const beside =
    found.referenceL1Norms.length > 0
      ? ` (${found.referenceL1Norms.map((norm) => formatNumber(norm, 3)).join(", ")} in clean references)`
      : "";
  const rates = search.referenceSuccessRates.map(({ value }) => formatPercent(value, 2));
  return [
    `Class ${target} is the most unusual: a change of ${formatNumber(found.maskL1Norm, 3)} pixels leads to it${beside}. Score ${formatNumber(calibration.statistic, 3)}, p = ${formatNumber(pValue, 2)} over all ${plural(search.candidates.length, "class", "classes")}, against ${plural(references.length, "reference")}.`,
    `On ${formatInteger(success.n)} images it was not made from, the ${recovered.shape} turns ${formatRate(success)} to class ${target}${rates.length > 0 ? `; in the references ${rates.join(", ")}` : ""}.`,
  ];
}

function drawTrigger({ recovered, target, candidates }: TriggerSearch) {
  const found = candidates.find((candidate) => candidate.target === target)!;
  const { mask, pattern } = recovered.trigger;
  const plane = mask.data.length;
  const under = { ...pattern, data: pattern.data.map((value, i) => value * mask.data[i % plane]!) };
  const isPicture = pattern.dims[0] === 1 || pattern.dims[0] === 3;
  return drawImageGrid(
    imageGrid(
      [
        { tensor: found.mask, caption: "soft mask" },
        { tensor: mask, caption: recovered.shape === "patch" ? "hard mask" : "mask as found" },
        ...(isPicture ? [{ tensor: under, caption: "pattern under it" }] : []),
      ],
      { range: [0, Math.max(1, ...pattern.data)] },
    ),
  );
}

const pictureWords = ({ recovered, target }: TriggerSearch): string =>
  `Trigger recovered for class ${target}: ${recovered.shape}, ${plural(recovered.pixels, "pixel")} above one half.`;

const tableOf = (search: TriggerSearch): Table => ({
  caption: "Smallest trigger of each class, in pixels (L1 norm of the mask)",
  columns: ["class", "this model", ...search.references.map((_, i) => `clean ${i + 1}`), "score", "works"],
  rowHeadings: true,
  rows: search.candidates.map((candidate) => [
    String(candidate.target),
    rounded(candidate.maskL1Norm),
    ...candidate.referenceL1Norms.map(rounded),
    rounded(candidate.score),
    candidate.isWorking ? formatPercent(candidate.success) : `no (${formatPercent(candidate.success)})`,
  ]),
});

const rounded = (value: number): number => Number(value.toPrecision(3));

const candidateOf = (search: TriggerSearch, target: number): TriggerCandidate =>
  search.candidates.find((candidate) => candidate.target === target)!;

/** What the JSON bundle carries: verdict and numbers, without masks and patterns. */
function summary({ candidates, recovered, ...rest }: TriggerSearch) {
  return {
    ...rest,
    recovered: { target: recovered.target, shape: recovered.shape, pixels: recovered.pixels },
    candidates: candidates.map(({ mask: _mask, pattern: _pattern, ...numbers }) => numbers),
  };
}
