/** Quantile-quantile plots: whether a sample follows a distribution, tails included. */
import { AssayError } from "../errors.js";
import { betaQuantile, normalQuantile } from "../stats/index.js";
import type { Figure } from "./figure.js";
import { axis, band, colourOf, faint, layout, say } from "./style.js";

/** What a sample is compared with. */
export interface QuantileOptions {
  /** The value that a share p of the distribution lies below. Default: normal with the sample's mean and deviation. */
  readonly quantile?: (p: number) => number;
  /** Name of the distribution. Default "normal" or "expected". */
  readonly name?: string;
  readonly title?: string;
}

/** Most points of a drawn sample. */
const maxPoints = 400;

/**
 * Draws a sample's order statistics against those that a distribution leads to expect.
 *
 * The band holds each order statistic with 95 % probability (Beta order statistics, pointwise): of points from the
 * distribution itself one in twenty lies outside. With mean and deviation taken from the sample it is too wide.
 *
 * @throws AssayError INVALID_ARGUMENT for fewer than 3 values or NaN.
 * @example
 * plots.quantiles(gaussian.mahalanobis(heldOut), { name: "chi-square", quantile: (p) => stats.chiSquareQuantile(p, gaussian.d) })
 */
export function quantiles(sample: ArrayLike<number>, options: QuantileOptions = {}): Figure {
  const sorted = Float64Array.from(sample).sort();
  const n = sorted.length;
  if (n < 3 || Number.isNaN(sorted.at(-1))) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `quantiles: expected at least 3 numbers, none of them NaN; got ${n}.`,
      { n },
    );
  }
  const mean = sorted.reduce((sum, value) => sum + value, 0) / n;
  const deviation = Math.sqrt(sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  const { quantile = (p) => mean + deviation * normalQuantile(p) } = options;
  const { name = options.quantile ? "expected" : "normal", title = `Quantiles against ${name}` } = options;
  // The ends are what such a plot is read for: they are kept, the middle is thinned.
  const step = Math.max(1, Math.ceil(n / maxPoints));
  const kept = [...sorted.keys()].filter((i) => i % step === 0 || i < 20 || i >= n - 20);
  const expected = kept.map((i) => quantile((i + 0.5) / n));
  const low = kept.map((i) => quantile(betaQuantile(0.025, i + 1, n - i)));
  const high = kept.map((i) => quantile(betaQuantile(0.975, i + 1, n - i)));
  const outside = kept.filter((i, k) => sorted[i]! < low[k]! || sorted[i]! > high[k]!).length;
  return {
    kind: "figure",
    data: [
      band(expected, low, high, faint(colourOf(6))),
      {
        type: "scatter",
        mode: "lines",
        name,
        x: expected,
        y: expected,
        line: { color: "#888888", dash: "dash", width: 1 },
        hoverinfo: "skip",
      },
      {
        type: "scatter",
        mode: "markers",
        name: "sample",
        x: expected,
        y: kept.map((i) => sorted[i]!),
        marker: { color: colourOf(0), size: 5 },
      },
    ],
    layout: layout(title, { xaxis: axis(`quantile, ${name}`), yaxis: axis("quantile, sample"), width: 520 }),
    description: [
      `Quantiles of ${n} values against ${name}: ${outside} of ${kept.length} drawn points lie outside the pointwise 95 % band.`,
      `Largest value ${say(sorted[n - 1]!)}, expected ${say(expected.at(-1)!)}; median ${say(sorted[n >> 1]!)}, expected ${say(quantile(0.5))}.`,
    ].join("\n"),
  };
}
