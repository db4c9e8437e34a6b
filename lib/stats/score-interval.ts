/** Score intervals: how far a mean may lie from what was seen, if the variance moves with it. */
import { AssayError } from "../errors.js";
import type { Estimate } from "./estimate.js";
import { checkLevel, type IntervalOptions } from "./proportion.js";
import { normalQuantile, studentQuantile } from "./special.js";

/**
 * The reach d of a score interval on one side: the solution of d² = c (s² + d · room - d²).
 *
 * Wilson's interval solves it for a proportion, where s² = p (1 - p), room = 1 - 2 p and c = z² / n. For other
 * means of bounded values `room` says how the variance grows when mass moves to the end on that side, so that
 * the interval knows of rare values that a small sample has not shown.
 */
export function scoreReach(c: number, variance: number, room: number): number {
  return (c * room + Math.sqrt((c * room) ** 2 + 4 * (1 + c) * c * variance)) / (2 * (1 + c));
}

/** Options of {@link meanEstimate}. */
export interface MeanOptions extends IntervalOptions {
  /** Lowest and highest value that can occur. Default: none, Student's interval. */
  readonly bounds?: readonly [number, number];
}

/**
 * The mean of some values with its interval.
 *
 * Without bounds the interval is Student's: exact for normal values, but at n = 10 it covers the mean of an
 * exponential distribution with 0.90 only, and a mean that rests on rare large values with less than one half.
 * With `bounds` it is a score interval that allows for values the sample has not shown; see {@link scoreReach}. On
 * values that are mostly 0 and on powers of uniform ones, n = 10 to 1,000, level 0.95 covers with 0.977 on average, at
 * worst with 0.94 (simulated).
 *
 * @throws AssayError INVALID_ARGUMENT for fewer than 2 values, NaN, or values outside the bounds.
 * @example
 * meanEstimate([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], { bounds: [0, 1] }).interval   // [0, 0.278]
 */
export function meanEstimate(values: ArrayLike<number>, options: MeanOptions = {}): Estimate {
  const level = checkLevel("meanEstimate", options.level);
  const x = Float64Array.from(values);
  if (x.length < 2 || x.some(Number.isNaN)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `meanEstimate: expected at least 2 numbers, got ${x.length}, NaN not allowed.`,
      { n: x.length },
    );
  }
  const { bounds } = options;
  const outside = bounds ? x.findIndex((value) => value < bounds[0] || value > bounds[1]) : -1;
  if (outside >= 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `meanEstimate: value ${outside} is ${x[outside]}, outside the bounds [${bounds!.join(", ")}].`,
      { index: outside },
    );
  }
  return bounds ? boundedMean(x, bounds, level) : student(x, level);
}

function student(x: Float64Array, level: number): Estimate {
  const { value, variance } = momentsOf(x);
  const half = studentQuantile(0.5 + level / 2, x.length - 1) * Math.sqrt(variance / x.length);
  const interval = [value - half, value + half] as const;
  return { kind: "estimate", value, interval, level, n: x.length, method: "Student" };
}

/** The score interval of a mean between bounds. */
function boundedMean(x: Float64Array, [low, high]: readonly [number, number], level: number): Estimate {
  const { value, variance } = momentsOf(x);
  const c = normalQuantile(0.5 + level / 2) ** 2 / x.length;
  const room = high - value - (value - low);
  // On the side away from the far end the variance is not let shrink: that would hold for two-valued data only.
  const [down, up] = [
    scoreReach(c, variance, Math.max(0, -room)),
    scoreReach(c, variance, Math.max(0, room)),
  ];
  const interval = [
    Math.min(value, Math.max(low, value - down)),
    Math.max(value, Math.min(high, value + up)),
  ] as const;
  return { kind: "estimate", value, interval, level, n: x.length, method: "score, bounded" };
}

/** Mean and sample variance. */
export function momentsOf(x: Float64Array): { value: number; variance: number } {
  const value = x.reduce((sum, v) => sum + v, 0) / x.length;
  return { value, variance: x.reduce((sum, v) => sum + (v - value) ** 2, 0) / (x.length - 1) };
}
