/** How many examples an answer needs, asked before they are collected. */
import { AssayError } from "../errors.js";
import type { Estimate } from "./estimate.js";
import { checkLevel, clopperPearson, type IntervalOptions, upperLimit, wilson } from "./proportion.js";
import { betaQuantile } from "./special.js";

/**
 * What seeing no event in n trials proves: the rate lies below 3/n, more exactly below 1 - 0.05^(1/n).
 *
 * @example
 * ruleOfThree(20).interval[1]   // 0.139: twenty games without a miss claim "below 14 %"
 */
export const ruleOfThree = (n: number, options: IntervalOptions = {}): Estimate => upperLimit(0, n, options);

/**
 * How many trials are needed so that seeing at most `allowed` events puts the upper limit of the rate below `rate`.
 *
 * @param rate The rate to exclude, between 0 and 1.
 * @param options.allowed Number of events that may be seen. Default 0.
 * @example
 * trialsForUpperLimit(0.01)   // 299
 */
export function trialsForUpperLimit(
  rate: number,
  options: IntervalOptions & { readonly allowed?: number } = {},
): number {
  const { allowed = 0 } = options;
  const level = checkLevel("trialsForUpperLimit", options.level);
  if (!(rate > 0 && rate < 1) || !Number.isInteger(allowed) || allowed < 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `trialsForUpperLimit: expected 0 < rate < 1 and a whole number of allowed events, got ${rate} and ${allowed}.`,
      { rate, allowed },
    );
  }
  return smallest(allowed + 1, (n) => betaQuantile(level, allowed + 1, n - allowed) <= rate);
}

/**
 * How many trials bring the interval of a rate down to a half-width, if the rate is what is expected.
 *
 * @param halfWidth Half the length of the interval that is wanted, between 0 and 0.5.
 * @param options.rate Expected rate. Default 0.5, which needs most.
 * @param options.method Interval. Default "Wilson".
 * @example
 * trialsForWidth(0.05)                   // 381
 * trialsForWidth(0.02, { rate: 0.97 })   // 302
 */
export function trialsForWidth(
  halfWidth: number,
  options: IntervalOptions & { readonly rate?: number; readonly method?: "Wilson" | "Clopper-Pearson" } = {},
): number {
  const { rate = 0.5, method = "Wilson" } = options;
  const level = checkLevel("trialsForWidth", options.level);
  if (!(halfWidth > 0 && halfWidth < 0.5) || !(rate >= 0 && rate <= 1)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `trialsForWidth: expected 0 < halfWidth < 0.5 and a rate in [0, 1], got ${halfWidth} and ${rate}.`,
      { halfWidth, rate },
    );
  }
  const interval = method === "Wilson" ? wilson : clopperPearson;
  return smallest(1, (n) => {
    const [low, high] = interval(Math.round(rate * n), n, { level }).interval;
    return high - low <= 2 * halfWidth;
  });
}

/**
 * How many clean scores a threshold needs: from this number on, with probability `level`, no more than `limit` of
 * new clean examples are flagged when the threshold aims at `falsePositiveRate`.
 *
 * @param falsePositiveRate What `conformalThreshold` is asked for.
 * @param limit The rate that must not be exceeded, above `falsePositiveRate`.
 * @example
 * cleanScoresForThreshold(0.01, 0.02)   // 313
 */
export function cleanScoresForThreshold(
  falsePositiveRate: number,
  limit: number,
  options: IntervalOptions = {},
): number {
  const level = checkLevel("cleanScoresForThreshold", options.level);
  if (!(falsePositiveRate > 0 && falsePositiveRate < limit && limit < 1)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `cleanScoresForThreshold: expected 0 < falsePositiveRate < limit < 1, got ${falsePositiveRate} and ${limit}.`,
      { falsePositiveRate, limit },
    );
  }
  // With n scores a = floor((n + 1) rate) of them lie above the threshold. Each step of a lets more through, so the
  // limit is kept from some n on only if it is kept where a steps up.
  const stepsUp = (a: number): number => Math.ceil(a / falsePositiveRate - 1 - 1e-9);
  const isKept = (a: number, n: number): boolean => betaQuantile(level, a, n + 1 - a) <= limit;
  const safe = smallest(1, (a) => isKept(a, stepsUp(a)));
  if (safe === 1) return stepsUp(1);
  return smallest(stepsUp(safe - 1), (n) => n >= stepsUp(safe) || isKept(safe - 1, n));
}

/** The least n from `start` on that suffices, where more is better except for rounding. */
function smallest(start: number, isEnough: (n: number) => boolean): number {
  let high = start;
  while (!isEnough(high)) high *= 2;
  let low = Math.max(start, Math.floor(high / 2));
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle + 1;
  }
  return high;
}
