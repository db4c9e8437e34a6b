/** Reliability diagrams and precision-recall curves. */
import { clopperPearson, type PrecisionRecallCurve, type Reliability } from "../stats/index.js";
import type { Figure } from "./figure.js";
import { axis, band, colourOf, faint, layout, say, sayEstimate } from "./style.js";

/** What happened against what was forecast, bin by bin, with intervals and the diagonal of perfect calibration. */
export function reliability(result: Reliability): Figure {
  const { bins, expectedCalibrationError, uncorrectedCalibrationError, brier, logLoss, n } = result;
  return {
    kind: "figure",
    data: [
      {
        type: "scatter",
        mode: "lines",
        name: "perfect",
        x: [0, 1],
        y: [0, 1],
        line: { color: "#888888", dash: "dash", width: 1 },
        hoverinfo: "skip",
      },
      {
        type: "scatter",
        mode: "lines+markers",
        name: "observed",
        x: bins.map(({ meanProbability }) => meanProbability),
        y: bins.map(({ observed }) => observed.value),
        error_y: {
          type: "data",
          symmetric: false,
          array: bins.map(({ observed }) => observed.interval[1] - observed.value),
          arrayminus: bins.map(({ observed }) => observed.value - observed.interval[0]),
        },
        text: bins.map(({ observed }) => `n = ${observed.n}`),
        line: { color: colourOf(0) },
      },
    ],
    layout: layout("Reliability", {
      xaxis: axis("forecast probability", { range: [0, 1] }),
      yaxis: axis("observed rate", { range: [0, 1.01] }),
      width: 520,
    }),
    description: `Reliability of ${n} forecasts: expected calibration error ${sayEstimate(expectedCalibrationError)} (${say(uncorrectedCalibrationError)} before the correction for chance), Brier score ${sayEstimate(brier)}, log loss ${sayEstimate(logLoss)} nats.`,
  };
}

/**
 * Precision against recall, with the base rate as the line of chance.
 *
 * The band is Clopper-Pearson's interval of the precision at each threshold, pointwise: wide on the left, where few
 * examples are flagged.
 */
export function precisionRecall(curve: PrecisionRecallCurve): Figure {
  const { recalls, precisions, averagePrecision, baseRate, negatives, positives } = curve;
  const step = Math.max(1, Math.ceil(recalls.length / 400));
  const kept = [...recalls.keys()].filter((i) => i % step === 0 || i === recalls.length - 1);
  const bounds = kept.map((i) => {
    const hits = Math.round(recalls[i]! * positives);
    const flagged = hits === 0 ? 0 : Math.round(hits / precisions[i]!);
    return flagged === 0 ? ([0, 1] as const) : clopperPearson(hits, flagged).interval;
  });
  const x = kept.map((i) => recalls[i]!);
  return {
    kind: "figure",
    data: [
      band(
        x,
        bounds.map(([low]) => low),
        bounds.map(([, high]) => high),
        faint(colourOf(0)),
      ),
      {
        type: "scatter",
        mode: "lines",
        name: "precision",
        x,
        y: kept.map((i) => precisions[i]!),
        line: { color: colourOf(0), width: 2 },
      },
      {
        type: "scatter",
        mode: "lines",
        name: "base rate",
        x: [0, 1],
        y: [baseRate, baseRate],
        line: { color: "#888888", dash: "dash", width: 1 },
      },
    ],
    layout: layout("Precision and recall", {
      xaxis: axis("recall", { range: [0, 1] }),
      yaxis: axis("precision", { range: [0, 1.01] }),
      width: 520,
    }),
    description: `Average precision ${sayEstimate(averagePrecision)} (${averagePrecision.method}), base rate ${say(baseRate)}; ${positives} positives, ${negatives} negatives.`,
  };
}
