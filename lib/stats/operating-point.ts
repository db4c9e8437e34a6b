/** What a detector achieves at a false-positive rate that a user can live with. */
import { AssayError } from "../errors.js";
import type { Estimate } from "./estimate.js";
import { checkLevel, type IntervalOptions, wilson } from "./proportion.js";
import { checkSamples, type TwoSamples } from "./roc.js";
import { betaQuantile } from "./special.js";

/**
 * True-positive rate at the strictest threshold whose observed false-positive rate does not exceed `falsePositiveRate`.
 *
 * The threshold is itself estimated, so a binomial interval would be too narrow. The false-positive rate above the
 * k-th largest of n negatives follows Beta(k, n + 1 - k): that gives a stricter and a looser threshold between
 * which the wanted one lies, and the rates there join Wilson's interval of the observed rate by squares. Where no
 * negative is high enough to promise the rate (fewer than 3.7 / rate of them) the lower limit is 0.
 *
 * Simulated for normal scores, rates 0.01 to 0.2, 20 to 1,000 negatives, 50 to 500 positives, AUROC 0.6 to 0.98:
 * level 0.95 covers with 0.98 on average, at worst with 0.94. (A bootstrap falls to 0.76 at one allowed negative.)
 *
 * @throws AssayError INVALID_ARGUMENT if the rate is not in [0, 1).
 * @example
 * truePositiveRateAt(0.01, { negatives: clean, positives: suspect })
 */
export function truePositiveRateAt(
  falsePositiveRate: number,
  samples: TwoSamples,
  options: IntervalOptions = {},
): Estimate {
  const level = checkLevel("truePositiveRateAt", options.level);
  const { negatives, positives } = checkSamples("truePositiveRateAt", samples);
  if (!(falsePositiveRate >= 0 && falsePositiveRate < 1)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `truePositiveRateAt: the rate must lie in [0, 1), got ${falsePositiveRate}.`,
      { falsePositiveRate },
    );
  }
  const falling = Float64Array.from(negatives).sort().reverse();
  const n = falling.length;
  const rateAbove = (k: number): number => shareAbove(falling[k - 1] ?? Number.NEGATIVE_INFINITY, positives);
  const [strict, loose] = thresholdRanks(falsePositiveRate, n, level);
  // Flag strictly above the (allowed + 1)-th largest negative: ties with it would exceed the rate.
  const value = rateAbove(Math.floor(falsePositiveRate * n + 1e-9) + 1);
  const low = strict === undefined ? 0 : Math.min(value, rateAbove(strict));
  const high = loose === undefined ? 1 : Math.max(value, rateAbove(loose));
  const fixed = wilson(Math.round(value * positives.length), positives.length, { level }).interval;
  return {
    kind: "estimate",
    value,
    interval: [
      Math.max(0, value - Math.hypot(value - low, value - fixed[0])),
      Math.min(1, value + Math.hypot(high - value, fixed[1] - value)),
    ],
    level,
    n: n + positives.length,
    method: "order statistics of negatives, Wilson",
  };
}

/**
 * Ranks (1 is the largest) of the negatives between which the threshold of a false-positive rate lies: above the
 * first the rate is at most, above the second at least the wanted one, each with probability (1 + level) / 2.
 */
function thresholdRanks(rate: number, n: number, level: number): [number | undefined, number | undefined] {
  const tail = (1 - level) / 2;
  const around = Math.floor(rate * n + 1e-9);
  let strict: number | undefined;
  for (let k = around + 1; k >= 1 && strict === undefined; k--) {
    if (k <= n && betaQuantile(1 - tail, k, n - k + 1) <= rate) strict = k;
  }
  let loose: number | undefined;
  for (let k = Math.max(1, around); k <= n && loose === undefined; k++) {
    if (betaQuantile(tail, k, n - k + 1) >= rate) loose = k;
  }
  return [strict, loose];
}

const shareAbove = (threshold: number, scores: Float64Array): number =>
  scores.reduce((count, score) => count + Number(score > threshold), 0) / scores.length;
