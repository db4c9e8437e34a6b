/** p-values and thresholds from clean scores alone, valid whatever their distribution. */
import { AssayError } from "../errors.js";
import type { Estimate } from "./estimate.js";
import { checkLevel, type IntervalOptions } from "./proportion.js";
import { betaQuantile } from "./special.js";

/**
 * Conformal p-values: the rank of each score among clean ones, `(1 + #{clean >= score}) / (n + 1)`.
 *
 * If a new example comes from the same source as the clean ones, its p-value lies at or below any u with
 * probability at most u. A chi-square p-value of a Mahalanobis distance would promise the same, but only for
 * features that are Gaussian, which activations are not.
 *
 * @param clean Scores of clean examples that the detector was not fitted on; higher means more anomalous.
 * @param scores Scores to judge.
 * @see V. Vovk, A. Gammerman, G. Shafer (2005), Algorithmic learning in a random world.
 * @example
 * conformalPValues([1, 2, 3], [2.5])   // [0.5]
 */
export function conformalPValues(clean: ArrayLike<number>, scores: ArrayLike<number>): Float64Array {
  const sorted = sortedScores("conformalPValues", clean);
  return Float64Array.from(Array.from(scores), (score, index) => {
    if (Number.isNaN(score)) {
      throw new AssayError("NOT_FINITE", `conformalPValues: scores[${index}] is NaN.`, { index });
    }
    return (1 + sorted.length - countBelow(sorted, score)) / (sorted.length + 1);
  });
}

/** A threshold and the false-positive rate that it is known to have. */
export interface ConformalThreshold {
  /** An example is flagged if its score lies above this. */
  readonly threshold: number;
  /** Expected rate at which new clean examples are flagged, with the interval of what this clean sample may have hit. */
  readonly falsePositiveRate: Estimate;
}

/**
 * The lowest threshold that flags a new clean example with probability at most `falsePositiveRate`.
 *
 * It is the k-th smallest of n clean scores, k = ceil((n + 1)(1 - rate)). Over clean samples of this size the
 * rate that it really has follows Beta(n + 1 - k, k) for scores without ties, which gives the interval; ties
 * only lower it.
 *
 * @throws AssayError INVALID_ARGUMENT if there are too few clean scores to promise this rate.
 */
export function conformalThreshold(
  clean: ArrayLike<number>,
  falsePositiveRate: number,
  options: IntervalOptions = {},
): ConformalThreshold {
  const level = checkLevel("conformalThreshold", options.level);
  const sorted = sortedScores("conformalThreshold", clean);
  const n = sorted.length;
  if (!(falsePositiveRate > 0 && falsePositiveRate < 1)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `conformalThreshold: the false-positive rate must lie between 0 and 1, got ${falsePositiveRate}.`,
      { falsePositiveRate },
    );
  }
  const k = Math.ceil((n + 1) * (1 - falsePositiveRate) - 1e-9);
  if (k > n) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `conformalThreshold: ${n} clean scores cannot promise a false-positive rate of ${falsePositiveRate}; at least ${Math.ceil(1 / falsePositiveRate - 1 - 1e-9)} are needed.`,
      { n, falsePositiveRate },
    );
  }
  const tail = (1 - level) / 2;
  return {
    threshold: sorted[k - 1]!,
    falsePositiveRate: {
      kind: "estimate",
      value: (n + 1 - k) / (n + 1),
      interval: [betaQuantile(tail, n + 1 - k, k), betaQuantile(1 - tail, n + 1 - k, k)],
      level,
      n,
      method: "order statistic of clean scores",
    },
  };
}

function sortedScores(who: string, scores: ArrayLike<number>): Float64Array {
  const sorted = Float64Array.from(scores).sort();
  if (sorted.length === 0) throw new AssayError("INVALID_ARGUMENT", `${who}: there are no clean scores.`, {});
  // NaN sorts to the end.
  if (Number.isNaN(sorted.at(-1))) {
    throw new AssayError("NOT_FINITE", `${who}: a clean score is NaN.`, {});
  }
  return sorted;
}

/** Number of sorted values strictly below `value`. */
function countBelow(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
