/** Detection error trade-off curves on normal-deviate axes. */
import { clopperPearson, type DetCurve, normalQuantile } from "../stats/index.js";
import type { Figure } from "./figure.js";
import { area, axis, colourOf, faint, layout, sayEstimate } from "./style.js";

/** Far enough apart on the stretched axes for their names. */
const ticks = [0.001, 0.005, 0.02, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.98, 0.995, 0.999];
/** Most points of a drawn curve. */
const maxPoints = 400;

/**
 * Draws one or more DET curves: misses against false alarms, both stretched so that small rates can be told apart.
 *
 * The band joins, threshold by threshold, the corners of the rectangle that holds both rates with 95 % confidence
 * (Clopper-Pearson for each, at the square root of the level). It is pointwise. Rates of 0 and 1 are drawn at half
 * an example.
 *
 * @param curves A curve, or curves by name.
 * @example
 * plots.det({ probe: stats.detCurve(evaluation.logits, { seed: 1 }), gaussian: stats.detCurve(scores, { seed: 1 }) })
 */
export function det(curves: DetCurve | Readonly<Record<string, DetCurve>>): Figure {
  const named = isCurve(curves) ? { DET: curves } : curves;
  const all = Object.values(named);
  const [alarms, misses] = [
    Math.max(2, ...all.map((curve) => curve.negatives)),
    Math.max(2, ...all.map((curve) => curve.positives)),
  ];
  return {
    kind: "figure",
    data: [
      ...Object.entries(named).flatMap(([name, curve], i) => traces(curve, name, colourOf(i))),
      chance(),
    ],
    layout: layout("Detection error trade-off", {
      xaxis: deviateAxis("false-positive rate", alarms),
      yaxis: deviateAxis("miss rate", misses),
      width: 520,
      height: 420,
    }),
    description: Object.entries(named)
      .map(
        ([name, { equalErrorRate, positives, negatives }]) =>
          `${name}: equal error rate ${sayEstimate(equalErrorRate)} (95 % interval, ${equalErrorRate.method}), ${positives} positives against ${negatives} negatives`,
      )
      .join("\n"),
  };
}

const isCurve = (value: DetCurve | Readonly<Record<string, DetCurve>>): value is DetCurve =>
  value["kind"] === "det-curve";

/** An axis on which normal deviates lie evenly, labelled with the rates that they stand for. */
const deviateAxis = (title: string, n: number) => {
  const end = -normalQuantile(1 / (3 * n));
  return axis(title, {
    range: [-end, Math.min(end, normalQuantile(0.98))],
    tickvals: ticks.map(normalQuantile),
    ticktext: ticks.map((rate) => `${Number((100 * rate).toPrecision(3))} %`),
  });
};

/** The normal deviate of a rate, half an example away from 0 and 1. */
const deviate = (rate: number, n: number): number =>
  normalQuantile(Math.min(1 - 0.5 / n, Math.max(0.5 / n, rate)));

function traces(curve: DetCurve, name: string, colour: string): Readonly<Record<string, unknown>>[] {
  const { falsePositiveRates: x, missRates: y, negatives, positives } = curve;
  const step = Math.max(1, Math.ceil(x.length / maxPoints));
  const kept = [...x.keys()].filter((i) => i % step === 0 || i === x.length - 1);
  const level = Math.sqrt(0.95);
  const across = kept.map(
    (i) => clopperPearson(Math.round(x[i]! * negatives), negatives, { level }).interval,
  );
  const up = kept.map((i) => clopperPearson(Math.round(y[i]! * positives), positives, { level }).interval);
  // Both rates are better towards the lower left corner.
  const outline = [
    ...kept.map((_, k) => [across[k]![0], up[k]![0]] as const),
    ...kept.map((_, k) => [across[k]![1], up[k]![1]] as const).reverse(),
  ];
  return [
    area(
      outline.map(([across, up]) => [deviate(across, negatives), deviate(up, positives)] as const),
      faint(colour),
    ),
    {
      type: "scatter",
      mode: "lines",
      name,
      x: kept.map((i) => deviate(x[i]!, negatives)),
      y: kept.map((i) => deviate(y[i]!, positives)),
      text: kept.map(
        (i) => `false positives ${(100 * x[i]!).toFixed(2)} %, misses ${(100 * y[i]!).toFixed(2)} %`,
      ),
      hoverinfo: "text+name",
      line: { color: colour, width: 2 },
    },
  ];
}

const chance = () => ({
  type: "scatter",
  mode: "lines",
  name: "chance",
  x: [-4, 4],
  y: [4, -4],
  line: { color: "#888888", dash: "dash", width: 1 },
  hoverinfo: "skip",
});
