/** Figures of probes and detectors: scores on the left, ROC on the right. */
import type { Detection } from "../anomaly/index.js";
import type { ProbeEvaluation } from "../probes/index.js";
import type { Figure } from "./figure.js";
import { chance, describeRoc, rocTraces } from "./roc.js";
import { describeScores, scoreAxes, scoreTraces } from "./scores.js";
import { axis, colourOf, say, sayEstimate, twoPanels } from "./style.js";

const second = { xaxis: "x2", yaxis: "y2" };
const rates = {
  xaxis: axis("false-positive rate", { range: [0, 1] }),
  yaxis: axis("true-positive rate", { range: [0, 1.01] }),
};

const percent = (rate: number): string => `${Number((100 * rate).toPrecision(3))} %`;

/** A p-value of a normal approximation: its far tail is not to be taken by the letter. */
const sayTail = (pValue: number): string => (pValue < 1e-6 ? "below 1e-6" : say(pValue));

/** Scores of clean and suspect examples with the threshold, and how well they separate. */
export function detection(result: Detection, scoreName = "anomaly score"): Figure {
  const { clean, suspect, threshold, roc, falsePositiveRate, truePositiveRate } = result;
  return {
    kind: "figure",
    data: [
      ...scoreTraces({ clean, suspect }, { threshold }),
      ...rocTraces(roc, "ROC", colourOf(0), { ...second, showlegend: false }),
      chance({ ...second, showlegend: false }),
    ],
    layout: {
      ...twoPanels(
        `Flagged: ${percent(truePositiveRate.value)} of suspects at ${percent(falsePositiveRate.value)} of clean`,
        scoreAxes({ clean, suspect }, scoreName),
        rates,
      ),
      barmode: "overlay",
    },
    description: [
      `Flagged suspects: ${sayEstimate(truePositiveRate)} above the threshold ${say(threshold)}; clean examples are flagged at ${sayEstimate(falsePositiveRate)}.`,
      describeRoc(roc),
      describeScores("clean", clean),
      describeScores("suspect", suspect),
      ...result.warnings.map((warning) => `Warning: ${warning}`),
    ].join("\n"),
  };
}

/** Held-out logits of both classes, and the probe's ROC curve. */
export function probe(evaluation: ProbeEvaluation): Figure {
  const { logits, roc, classes, accuracy, majorityRate, method, n } = evaluation;
  const groups = { [`class ${classes[0]}`]: logits.negatives, [`class ${classes[1]}`]: logits.positives };
  return {
    kind: "figure",
    data: [
      ...scoreTraces(groups, { threshold: 0 }),
      ...rocTraces(roc, "ROC", colourOf(0), { ...second, showlegend: false }),
      chance({ ...second, showlegend: false }),
    ],
    layout: {
      ...twoPanels(`Probe (${method}): AUROC ${sayEstimate(roc.auroc)}`, scoreAxes(groups, "logit"), rates),
      barmode: "overlay",
    },
    description: [
      `Probe (${method}) on ${n} held-out examples: ${describeRoc(roc)}.`,
      `Accuracy ${sayEstimate(accuracy)}; always guessing the larger class gives ${say(majorityRate.value)}.`,
      `Where 1 % of class ${classes[0]} is flagged by mistake, it finds ${sayEstimate(evaluation.truePositiveRateAtOnePercent)} of class ${classes[1]}.`,
      `If labels were shuffled, an AUROC this far from 0.5 would have probability ${sayTail(evaluation.pValue)}.`,
      ...evaluation.warnings.map((warning) => `Warning: ${warning}`),
    ].join("\n"),
  };
}
