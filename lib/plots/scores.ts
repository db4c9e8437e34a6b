/** Histograms of anomaly scores and logits, with threshold and fitted density. */
import type { Figure } from "./figure.js";
import { axis, colourOf, faint, layout, say } from "./style.js";

type Trace = Readonly<Record<string, unknown>>;

/** What is drawn into a score histogram. */
export interface ScoreOptions {
  readonly title?: string;
  readonly scoreName?: string;
  /** Where the detector starts to flag. */
  readonly threshold?: number;
  /** Density to compare the first group with, e.g. a chi-square for squared distances of Gaussian features. */
  readonly density?: { readonly name: string; readonly at: (score: number) => number };
}

/**
 * Draws the scores of some groups over each other, each as a density.
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
      xaxis: axis(scoreName),
      yaxis: axis("density"),
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

/** Bars of each group in common bins, the density and the threshold. */
export function scoreTraces(
  groups: Readonly<Record<string, ArrayLike<number>>>,
  { threshold, density }: ScoreOptions,
  axes: Trace = {},
): Trace[] {
  const all = Float64Array.from(Object.values(groups).flatMap((values) => Array.from(values)))
    .filter(Number.isFinite)
    .sort();
  if (all.length === 0) return [];
  const [low, width, bins] = binning(all);
  const traces: Trace[] = Object.entries(groups).map(([name, values], i) => {
    const heights = new Float64Array(bins);
    for (let k = 0; k < values.length; k++) {
      const bin = Math.min(bins - 1, Math.max(0, Math.floor((values[k]! - low) / width)));
      heights[bin]! += 1 / (values.length * width);
    }
    return {
      type: "bar",
      name,
      x: Array.from(heights, (_, bin) => low + (bin + 0.5) * width),
      y: Array.from(heights),
      width,
      marker: { color: faint(colourOf(i), 0.55), line: { color: colourOf(i), width: 1 } },
      ...axes,
    };
  });
  if (density) {
    const x = Array.from({ length: 200 }, (_, i) => low + (i / 199) * bins * width);
    traces.push({
      type: "scatter",
      mode: "lines",
      name: density.name,
      x,
      y: x.map(density.at),
      line: { color: colourOf(2), width: 2, dash: "dot" },
      ...axes,
    });
  }
  if (threshold !== undefined) {
    const top = Math.max(...traces.flatMap((trace) => trace["y"] as number[]));
    traces.push({
      type: "scatter",
      mode: "lines",
      name: "threshold",
      x: [threshold, threshold],
      y: [0, top],
      line: { color: colourOf(3), width: 2, dash: "dash" },
      ...axes,
    });
  }
  return traces;
}

/** Low end, width and number of bins; the farthest half percent is gathered in the last bins. */
function binning(sorted: Float64Array): [number, number, number] {
  const low = quantile(sorted, 0.0025);
  const high = quantile(sorted, 0.9975);
  const bins = Math.max(8, Math.min(60, Math.ceil(Math.sqrt(sorted.length) * 1.5)));
  return high > low ? [low, (high - low) / bins, bins] : [low - 0.5, 1 / bins, bins];
}

function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!);
}
