/** The area under the part of a ROC curve where false positives are few. */
import { AssayError } from "../errors.js";
import type { Estimate } from "./estimate.js";
import { checkLevel, type IntervalOptions } from "./proportion.js";
import { checkSamples, type TwoSamples } from "./roc.js";
import { scoreReach } from "./score-interval.js";
import { betaQuantile, normalQuantile, studentQuantile } from "./special.js";

/**
 * Area under the ROC curve up to `maxFalsePositiveRate`, rescaled so that chance is 0.5 and perfect is 1
 * (McClish's standardisation, as scikit-learn's `roc_auc_score(max_fpr=...)`).
 *
 * The interval rests on DeLong's placements, cut at the threshold of that rate with the threshold's own error, on
 * the logit of the mean true-positive rate, with Student's t of as many degrees of freedom as negatives count.
 * With fewer than 10 negatives beyond the threshold it comes from their order statistics, joined by squares with
 * the positives' error, and is conservative.
 *
 * Simulated for normal scores, rates 0.01 to 0.2, 20 to 1,000 negatives, 50 to 500 positives and AUROC 0.6 to 0.98:
 * level 0.95 covers with 0.95 to 0.97 on average, at worst with 0.90, where 10 negatives decide beside 500
 * positives; below 10 negatives it never fell under 0.97.
 *
 * @throws AssayError INVALID_ARGUMENT if the rate is not in (0, 1].
 * @see D. K. McClish (1989), Medical Decision Making 9. D. D. Zhang et al. (2002), Statistics in Medicine 21.
 * @example
 * partialAuroc(0.1, { negatives: clean, positives: suspect })
 */
export function partialAuroc(
  maxFalsePositiveRate: number,
  samples: TwoSamples,
  options: IntervalOptions = {},
): Estimate {
  const rate = maxFalsePositiveRate;
  if (!(rate > 0 && rate <= 1)) {
    throw new AssayError("INVALID_ARGUMENT", `partialAuroc: the rate must lie in (0, 1], got ${rate}.`, {
      maxFalsePositiveRate,
    });
  }
  const level = checkLevel("partialAuroc", options.level);
  const { negatives, positives } = checkSamples("partialAuroc", samples);
  const groups: Sorted = {
    falling: Float64Array.from(negatives).sort().reverse(),
    rising: Float64Array.from(positives).sort(),
  };
  const mean = partialArea(groups, rate) / rate;
  const isEnough = rate * negatives.length >= 10 && mean > 0 && mean < 1;
  const [low, high] = (isEnough ? placementInterval : orderInterval)(groups, rate, mean, level);
  // The mean true-positive rate over the range has 0 at worst; chance has rate / 2.
  const standard = (share: number): number => 0.5 * (1 + (share - rate / 2) / (1 - rate / 2));
  return {
    kind: "estimate",
    value: standard(mean),
    interval: [standard(Math.min(low, mean)), standard(Math.max(high, mean))],
    level,
    n: negatives.length + positives.length,
    method: isEnough ? "placements, logit" : "order statistics of negatives",
  };
}

interface Sorted {
  readonly falling: Float64Array;
  readonly rising: Float64Array;
}

/** Area under the curve drawn through one point per distinct score, up to a rate. */
function partialArea({ falling, rising }: Sorted, rate: number): number {
  const [n, m] = [falling.length, rising.length];
  let [area, x, y] = [0, 0, 0];
  for (let i = 0, j = m; x < rate && (i < n || j > 0); ) {
    const threshold = Math.max(
      falling[i] ?? Number.NEGATIVE_INFINITY,
      rising[j - 1] ?? Number.NEGATIVE_INFINITY,
    );
    while (i < n && falling[i]! === threshold) i++;
    while (j > 0 && rising[j - 1]! === threshold) j--;
    const [nextX, nextY] = [i / n, (m - j) / m];
    const right = Math.min(nextX, rate);
    const height = nextX === x ? nextY : y + ((nextY - y) * (right - x)) / (nextX - x);
    area += ((right - x) * (y + height)) / 2;
    [x, y] = [nextX, nextY];
  }
  return area;
}

/** Interval of the mean true-positive rate from the placements of both groups. */
function placementInterval(groups: Sorted, rate: number, mean: number, level: number): [number, number] {
  const { falling, rising } = groups;
  const [n, m] = [falling.length, rising.length];
  const weight = weightOf(rate * n);
  // The last negative that counts, in part: the estimated threshold.
  const atThreshold = shareAbove(falling[Math.min(n - 1, Math.floor(rate * n + 1e-9))]!, rising);
  const ofNegatives = Float64Array.from(
    falling,
    (score, i) => weight(i) * (shareAbove(score, rising) - atThreshold),
  );
  const a = varianceOf(countedBelow(groups, rate)) / m;
  const b = varianceOf(ofNegatives) / n;
  const degrees = (a + b) ** 2 / (a ** 2 / (m - 1) + b ** 2 / Math.ceil(rate * n));
  const half =
    (studentQuantile(0.5 + level / 2, Math.max(1, degrees)) * Math.sqrt(a + b)) / rate / (mean * (1 - mean));
  const logit = Math.log(mean / (1 - mean));
  if (!Number.isFinite(half)) return [0, 1];
  return [1 / (1 + Math.exp(half - logit)), 1 / (1 + Math.exp(-half - logit))];
}

/** The same where few negatives count: their false-positive rates at both ends of what they may be. */
function orderInterval(groups: Sorted, rate: number, mean: number, level: number): [number, number] {
  const { falling, rising } = groups;
  const [n, m] = [falling.length, rising.length];
  const tail = (1 - level) / 2;
  const steps = (quantile: number, fromBelow: boolean): number => {
    let [area, x, y] = [0, 0, 0];
    for (let k = 1; k <= n && x < rate; k++) {
      const next = Math.min(rate, betaQuantile(quantile, k, n - k + 1));
      const height = shareStrictlyAbove(falling[k - 1]!, rising);
      area += (next - x) * (fromBelow ? y : height);
      [x, y] = [next, height];
    }
    return (area + (rate - x) * (fromBelow ? y : 1)) / rate;
  };
  const c = normalQuantile(1 - tail) ** 2 / m;
  const spread = varianceOf(countedBelow(groups, rate)) / rate ** 2;
  const [down, up] = [scoreReach(c, spread, 2 * mean - 1), scoreReach(c, spread, 1 - 2 * mean)];
  return [
    Math.max(0, mean - Math.hypot(Math.max(0, mean - steps(1 - tail, true)), down)),
    Math.min(1, mean + Math.hypot(Math.max(0, steps(tail, false) - mean), up)),
  ];
}

/** For each positive, the share of all negatives that count and lie below it. */
function countedBelow({ falling, rising }: Sorted, rate: number): Float64Array {
  const weight = weightOf(rate * falling.length);
  const counted = Math.min(falling.length, Math.ceil(rate * falling.length - 1e-9));
  return rising.map((score) => {
    let sum = 0;
    for (let i = 0; i < counted; i++) {
      const other = falling[i]!;
      sum += weight(i) * (other < score ? 1 : other === score ? 0.5 : 0);
    }
    return sum / falling.length;
  });
}

/** How much the i-th largest negative counts when `count` of them do. */
const weightOf =
  (count: number) =>
  (i: number): number =>
    Math.min(1, Math.max(0, count - i));

/** Share of rising scores above a value, ties one half. */
const shareAbove = (value: number, rising: Float64Array): number =>
  (shareStrictlyAbove(value, rising) + (rising.length - firstAtLeast(rising, value)) / rising.length) / 2;

function shareStrictlyAbove(value: number, rising: Float64Array): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return (rising.length - low) / rising.length;
}

function firstAtLeast(rising: Float64Array, value: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Sample variance (n - 1); 0 for a single value. */
function varianceOf(values: Float64Array): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}
