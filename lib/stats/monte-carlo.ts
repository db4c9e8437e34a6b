/** Null distributions by simulation: what a statistic looks like when there is nothing to find. */
import { AssayError } from "../errors.js";
import { type Generator, generator } from "../random/index.js";
import type { Estimate } from "./estimate.js";
import { checkLevel, type IntervalOptions, wilson } from "./proportion.js";
import { betaQuantile } from "./special.js";

/** A simulated null distribution. */
export interface MonteCarloNull {
  readonly kind: "monte-carlo-null";
  /** The simulated values, rising. */
  readonly values: Float64Array;
  readonly seed: number;
  /** (1 + values at least as high) / (1 + values): never 0, and valid at any number of draws. */
  pValue(statistic: number): number;
  /** How often the null alone exceeds a threshold, with Wilson's interval: the real error rate of a published rule. */
  exceedance(threshold: number, options?: IntervalOptions): Estimate;
  /** The value that the null stays below with a probability, with the interval that its order statistics give. */
  quantile(probability: number, options?: IntervalOptions): Estimate;
}

/** Options of {@link monteCarloNull}. */
export interface MonteCarloOptions {
  readonly seed: number;
  /** Number of draws. Default 9,999: the smallest p-value then is 0.0001. */
  readonly draws?: number;
}

/**
 * Simulates a statistic under its null hypothesis.
 *
 * @param draw Makes one value of the statistic from a random stream of its own.
 * @throws AssayError INVALID_ARGUMENT for fewer than 19 draws, NOT_FINITE if a draw is NaN.
 * @example
 * // "index above 2" accuses a third of clean ten-class models:
 * stats.monteCarloNull((random) => extraction.madIndex(Array.from({ length: 10 }, () => random.normal())), { seed: 1 }).exceedance(2)
 */
export function monteCarloNull(
  draw: (random: Generator) => number,
  { seed, draws = 9999 }: MonteCarloOptions,
): MonteCarloNull {
  if (!Number.isInteger(draws) || draws < 19) {
    throw new AssayError("INVALID_ARGUMENT", `monteCarloNull: expected at least 19 draws, got ${draws}.`, {
      draws,
    });
  }
  const random = generator(seed).split("monte-carlo");
  const values = Float64Array.from({ length: draws }, (_, i) => draw(random.split(i))).sort();
  if (Number.isNaN(values.at(-1))) {
    throw new AssayError("NOT_FINITE", "monteCarloNull: a draw of the statistic is NaN.", {});
  }
  const atLeast = (statistic: number): number => {
    if (Number.isNaN(statistic))
      throw new AssayError("NOT_FINITE", "monteCarloNull: the statistic is NaN.", {});
    // Equal up to rounding counts as extreme: sums in another order differ in the last digits.
    const bound = statistic - 1e-12 * Math.abs(statistic);
    return values.reduce((count, value) => count + Number(value >= bound), 0);
  };
  return {
    kind: "monte-carlo-null",
    values,
    seed,
    pValue: (statistic) => (1 + atLeast(statistic)) / (1 + draws),
    exceedance: (threshold, options) =>
      wilson(
        values.reduce((count, value) => count + Number(value > threshold), 0),
        draws,
        options,
      ),
    quantile: (probability, options) => quantileOf(values, probability, options),
  };
}

function quantileOf(values: Float64Array, probability: number, options: IntervalOptions = {}): Estimate {
  if (!(probability > 0 && probability < 1)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `quantile: the probability must lie between 0 and 1, got ${probability}.`,
      { probability },
    );
  }
  const level = checkLevel("quantile", options.level);
  const n = values.length;
  const tail = (1 - level) / 2;
  const at = (rank: number): number => values[Math.min(n, Math.max(1, rank)) - 1]!;
  // The k-th value lies above the quantile with the probability that Beta(k, n + 1 - k) exceeds it.
  let [low, high] = [0, n + 1];
  for (let k = 1; k <= n && betaQuantile(1 - tail, k, n + 1 - k) <= probability; k++) low = k;
  for (let k = n; k >= 1 && betaQuantile(tail, k, n + 1 - k) >= probability; k--) high = k;
  return {
    kind: "estimate",
    value: at(Math.ceil(probability * n)),
    interval: [
      low === 0 ? Number.NEGATIVE_INFINITY : at(low),
      high > n ? Number.POSITIVE_INFINITY : at(high),
    ],
    level,
    n,
    method: "order statistics",
  };
}
