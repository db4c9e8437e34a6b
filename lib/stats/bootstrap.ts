/** Bootstrap intervals for any statistic of one or more samples. */
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";
import type { Estimate } from "./estimate.js";
import { checkLevel } from "./proportion.js";
import { normalCdf, normalQuantile } from "./special.js";

/** What is drawn again, and how often. */
export interface BootstrapOptions {
  readonly seed: number;
  /** Number of resamples. Default 2,000. */
  readonly resamples?: number;
  /** Nominal coverage. Default 0.95. */
  readonly level?: number;
}

/**
 * Bias-corrected and accelerated (BCa) bootstrap interval.
 *
 * Each sample is resampled on its own, with replacement, so group sizes stay as they are.
 *
 * Simulated on AUROCs of 0.6 to 0.95 with 20 to 200 examples per group, level 0.95 covers with 0.949 on average, at
 * worst with 0.90 (30 positives at 0.95), from 50 of each on with 0.93 to 0.97. What rests on a few extreme examples,
 * such as a rate at a small false-positive rate, it covers far worse: use the function made for it.
 *
 * @param samples One or more groups of numbers; each needs at least 2.
 * @param statistic Computes the number of interest from the groups, in their order.
 * @throws AssayError INVALID_ARGUMENT for groups that are too small, NOT_FINITE if the statistic is NaN.
 * @see B. Efron (1987), Better bootstrap confidence intervals. JASA 82.
 *
 * @example
 * bootstrap([negatives, positives], ([n, p]) => auroc({ negatives: n, positives: p }).value, { seed: 1 })
 */
export function bootstrap(
  samples: readonly ArrayLike<number>[],
  statistic: (samples: readonly Float64Array[]) => number,
  options: BootstrapOptions,
): Estimate {
  const { resamples = 2000 } = options;
  const level = checkLevel("bootstrap", options.level);
  const groups = samples.map((sample) => Float64Array.from(sample));
  if (groups.length === 0 || groups.some((group) => group.length < 2) || !(resamples >= 100)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `bootstrap: expected groups of at least 2 values and at least 100 resamples, got groups of ${groups.map((group) => group.length).join(", ")} and ${resamples}.`,
      { sizes: groups.map((group) => group.length), resamples },
    );
  }
  const value = finite(statistic(groups));
  const draws = resample(groups, statistic, resamples, options.seed);
  const quantile = biasCorrected(value, draws, acceleration(groups, statistic));
  const tail = (1 - level) / 2;
  return {
    kind: "estimate",
    value,
    interval: [quantile(tail), quantile(1 - tail)],
    level,
    n: groups.reduce((sum, group) => sum + group.length, 0),
    method: `BCa bootstrap, ${resamples} resamples, seed ${options.seed}`,
  };
}

function resample(
  groups: readonly Float64Array[],
  statistic: (samples: readonly Float64Array[]) => number,
  resamples: number,
  seed: number,
): Float64Array {
  const random = generator(seed).split("bootstrap");
  const drawn = groups.map((group) => new Float64Array(group.length));
  const values = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    groups.forEach((group, g) => {
      const into = drawn[g]!;
      for (let i = 0; i < into.length; i++) into[i] = group[random.integer(group.length)]!;
    });
    values[r] = finite(statistic(drawn));
  }
  return values.sort();
}

/** Turns a wanted tail into the quantile of the draws that has it, after BCa's two corrections. */
function biasCorrected(value: number, draws: Float64Array, a: number): (tail: number) => number {
  const count = draws.length;
  let below = 0;
  for (const draw of draws) below += draw < value ? 1 : draw === value ? 0.5 : 0;
  // All draws on one side leave no finite correction; half a draw is the smallest shift that they support.
  const z0 = normalQuantile(Math.min(Math.max(below, 0.5), count - 0.5) / count);
  return (tail) => {
    const z = z0 + normalQuantile(tail);
    const position = normalCdf(z0 + z / (1 - a * z)) * (count + 1) - 1;
    const low = Math.min(Math.max(Math.floor(position), 0), count - 1);
    const high = Math.min(low + 1, count - 1);
    const share = Math.min(Math.max(position - low, 0), 1);
    return draws[low]! * (1 - share) + draws[high]! * share;
  };
}

/** Skewness of the statistic's influence, from leaving out one value at a time in each group. */
function acceleration(
  groups: readonly Float64Array[],
  statistic: (samples: readonly Float64Array[]) => number,
): number {
  let cubes = 0;
  let squares = 0;
  groups.forEach((group, g) => {
    const without = group.slice(1);
    const left = groups.map((other, index) => (index === g ? without : other));
    const values = new Float64Array(group.length);
    for (let i = 0; i < group.length; i++) {
      values[i] = finite(statistic(left));
      if (i < without.length) without[i] = group[i]!;
    }
    const centre = values.reduce((sum, value) => sum + value, 0) / values.length;
    const { length } = group;
    for (const value of values) {
      // Influence per observation, on the scale of its group's share in the statistic's variance.
      const influence = ((centre - value) * (length - 1)) / length;
      cubes += influence ** 3;
      squares += influence ** 2;
    }
  });
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new AssayError("NOT_FINITE", `bootstrap: the statistic gave ${value} on a resample.`, { value });
}
