/** ROC curves with their uncertainty and the line of chance. */
import { clopperPearson, type RocCurve } from "../stats/index.js";
import type { Figure } from "./figure.js";
import { area, axis, colourOf, faint, layout, sayEstimate } from "./style.js";

type Trace = Readonly<Record<string, unknown>>;

/** Most points of a drawn curve: more cannot be seen and would fill the notebook. */
const maxPoints = 400;

/**
 * Draws one or more ROC curves.
 *
 * The band around a curve joins, threshold by threshold, the corners of the rectangle that holds both rates
 * with 95 % confidence (Clopper-Pearson for each, at the square root of the level). It is pointwise.
 *
 * @param curves A curve, or curves by name.
 * @param options.scale "log" spreads small false-positive rates, where audits work. Default "linear".
 * @example
 * plots.roc({ probe: evaluation.roc, gaussian: detection.roc }, { scale: "log" })
 */
export function roc(
  curves: RocCurve | Readonly<Record<string, RocCurve>>,
  { scale = "linear" }: { readonly scale?: "linear" | "log" } = {},
): Figure {
  const named = isCurve(curves) ? { ROC: curves } : curves;
  const traces = Object.entries(named).flatMap(([name, curve], i) => rocTraces(curve, name, colourOf(i)));
  const smallest = Math.min(...Object.values(named).map((curve) => 1 / (2 * curve.negatives)));
  const x =
    scale === "log"
      ? axis("false-positive rate", { type: "log", range: [Math.log10(smallest), 0] })
      : axis("false-positive rate", { range: [0, 1] });
  return {
    kind: "figure",
    data: [...traces, chance()],
    layout: layout("ROC curve", {
      xaxis: x,
      yaxis: axis("true-positive rate", { range: [0, 1.01] }),
      width: 520,
    }),
    description: Object.entries(named)
      .map(([name, curve]) => `${name}: ${describeRoc(curve)}`)
      .join("\n"),
  };
}

const isCurve = (value: RocCurve | Readonly<Record<string, RocCurve>>): value is RocCurve =>
  value["kind"] === "roc-curve";

/** `AUROC 0.97 [0.94, 0.99], 120 positives against 300 negatives`. */
export const describeRoc = ({ auroc, positives, negatives }: RocCurve): string =>
  `AUROC ${sayEstimate(auroc)} (95 % interval, ${auroc.method}), ${positives} positives against ${negatives} negatives`;

/** The band and the line of one curve. */
export function rocTraces(curve: RocCurve, name: string, colour: string, axes: Trace = {}): Trace[] {
  const { falsePositiveRates, truePositiveRates, negatives, positives } = curve;
  const total = falsePositiveRates.length;
  const step = Math.max(1, Math.ceil(total / maxPoints));
  const kept = Array.from({ length: total }, (_, i) => i).filter((i) => i % step === 0 || i === total - 1);
  const level = Math.sqrt(0.95);
  const across = kept.map((i) =>
    clopperPearson(Math.round(falsePositiveRates[i]! * negatives), negatives, { level }),
  );
  const up = kept.map((i) =>
    clopperPearson(Math.round(truePositiveRates[i]! * positives), positives, { level }),
  );
  const upper = kept.map((_, k) => [across[k]!.interval[0], up[k]!.interval[1]] as const);
  const lower = kept.map((_, k) => [across[k]!.interval[1], up[k]!.interval[0]] as const).reverse();
  const outline = [[0, 0] as const, ...upper, [1, 1] as const, ...lower];
  return [
    { ...area(outline, faint(colour)), ...axes },
    {
      type: "scatter",
      mode: "lines",
      name,
      x: kept.map((i) => falsePositiveRates[i]!),
      y: kept.map((i) => truePositiveRates[i]!),
      line: { color: colour, width: 2, shape: "linear" },
      ...axes,
    },
  ];
}

/** The diagonal of a score that knows nothing. */
export const chance = (axes: Trace = {}): Trace => {
  const points = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
  return {
    type: "scatter",
    mode: "lines",
    name: "chance",
    x: points,
    y: points,
    line: { color: "#888888", dash: "dash", width: 1 },
    hoverinfo: "skip",
    ...axes,
  };
};
