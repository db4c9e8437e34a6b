/** Histograms of anomaly scores and logits, with threshold and fitted density. */
import type { Figure } from "./figure.js";
import { axis, colourOf, faint, layout, say } from "./style.js";

/** Positive scores whose highest is this many times their median are drawn on a logarithmic axis. */
const WIDE = 20;
/** A fitted density is drawn up to this many times the highest bar: some have a pole. */
const ABOVE_BARS = 1.3;

type Trace = Readonly<Record<string, unknown>>;

/** What is drawn into a score histogram. */
export interface ScoreOptions {
  readonly title?: string;
  readonly scoreName?: string;
  /** Where the detector starts to flag. */
  readonly threshold?: number;
  /** What stands at the threshold. Default "threshold". */
  readonly thresholdName?: string;
  /** Density to compare the first group with, e.g. a chi-square for squared distances of Gaussian features. */
  readonly density?: { readonly name: string; readonly at: (score: number) => number };
}

/**
 * Draws the scores of some groups over each other, each as a density: per unit of the score or, where positive scores
 * spread over more than one power of ten, per factor of ten on a logarithmic axis.
 *
 * @param groups Scores by group name; the first is the reference, usually clean.
 * @example
 * plots.scores({ clean: detection.clean, suspect: detection.suspect }, { threshold: detection.threshold })
 */
export function scores(
  groups: Readonly<Record<string, ArrayLike<number>>>,
  options: ScoreOptions = {},
): Figure {
  const { title = "Scores", scoreName = "score" } = options;
  return {
    kind: "figure",
    data: scoreTraces(groups, options),
    layout: layout(title, {
      ...scoreAxes(groups, scoreName),
      barmode: "overlay",
      bargap: 0,
    }),
    description: [
      ...Object.entries(groups).map(([name, values]) => describeScores(name, values)),
      ...(options.threshold === undefined ? [] : [`threshold ${say(options.threshold)}`]),
    ].join("\n"),
  };
}

/** `clean: 300 scores, median 31.2, from 12.1 to 80.3`. */
export function describeScores(name: string, values: ArrayLike<number>): string {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return `${name}: no scores`;
  return `${name}: ${sorted.length} scores, median ${say(quantile(sorted, 0.5))}, from ${say(sorted[0]!)} to ${say(sorted.at(-1)!)}`;
}

/** Axes of a score histogram. */
export function scoreAxes(groups: Readonly<Record<string, ArrayLike<number>>>, scoreName: string) {
  const isWide = spreadOf(groups)?.isWide;
  return {
    xaxis: axis(scoreName, isWide ? { type: "log" } : {}),
    yaxis: axis(isWide ? "density per factor of ten" : "density"),
  };
}

/** Bars of each group in common bins, the density and the threshold. */
export function scoreTraces(
  groups: Readonly<Record<string, ArrayLike<number>>>,
  { threshold, thresholdName = "threshold", density }: ScoreOptions,
  axes: Trace = {},
): Trace[] {
  const spread = spreadOf(groups);
  if (spread === undefined) return [];
  const { isWide, low, width, bins } = spread;
  const [to, from] = isWide ? [Math.log10, (place: number) => 10 ** place] : [Number, Number];
  const edges = Array.from({ length: bins + 1 }, (_, bin) => from(low + bin * width));
  const traces: Trace[] = Object.entries(groups).map(([name, values], i) => {
    const heights = new Float64Array(bins);
    for (let k = 0; k < values.length; k++) {
      const bin = Math.min(bins - 1, Math.max(0, Math.floor((to(values[k]!) - low) / width)));
      heights[bin]! += 1 / (values.length * width);
    }
    return {
      type: "bar",
      name,
      x: Array.from(heights, (_, bin) => (edges[bin]! + edges[bin + 1]!) / 2),
      y: Array.from(heights),
      width: isWide ? Array.from(heights, (_, bin) => edges[bin + 1]! - edges[bin]!) : width,
      marker: { color: faint(colourOf(i), 0.55), line: { color: colourOf(i), width: 1 } },
      ...axes,
    };
  });
  const top = Math.max(...traces.flatMap((trace) => trace["y"] as number[]));
  if (density) {
    const x = Array.from({ length: 200 }, (_, i) => from(low + (i / 199) * bins * width));
    traces.push({
      type: "scatter",
      mode: "lines",
      name: density.name,
      x,
      y: x.map((score) => Math.min(ABOVE_BARS * top, density.at(score) * (isWide ? score * Math.LN10 : 1))),
      line: { color: colourOf(2), width: 2, dash: "dot" },
      ...axes,
    });
  }
  if (threshold !== undefined) {
    traces.push({
      type: "scatter",
      mode: "lines",
      name: thresholdName,
      x: [threshold, threshold],
      y: [0, top],
      line: { color: colourOf(3), width: 2, dash: "dash" },
      ...axes,
    });
  }
  return traces;
}

/** Where the scores lie, as places on the axis; the farthest half percent is gathered in the last bins. */
interface Spread {
  /** Places are powers of ten. */
  readonly isWide: boolean;
  readonly low: number;
  readonly width: number;
  readonly bins: number;
}

function spreadOf(groups: Readonly<Record<string, ArrayLike<number>>>): Spread | undefined {
  const sorted = Float64Array.from(Object.values(groups).flatMap((values) => Array.from(values)))
    .filter(Number.isFinite)
    .sort();
  if (sorted.length === 0) return undefined;
  const [least, most] = [quantile(sorted, 0.0025), quantile(sorted, 0.9975)];
  const medians = Object.values(groups).map((values) => quantile(Float64Array.from(values).sort(), 0.5));
  const isWide = sorted[0]! > 0 && most > WIDE * Math.min(...medians);
  const bins = Math.max(8, Math.min(60, Math.ceil(Math.sqrt(sorted.length) * 1.5)));
  const [low, high] = isWide ? [Math.log10(least), Math.log10(most)] : [least, most];
  return high > low
    ? { isWide, low, width: (high - low) / bins, bins }
    : { isWide: false, low: least - 0.5, width: 1 / bins, bins };
}

function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!);
}
