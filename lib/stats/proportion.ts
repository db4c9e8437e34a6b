/** Rates of yes-or-no outcomes with their intervals. */
import { AssayError } from "../errors.js";
import type { Estimate } from "./estimate.js";
import { betaQuantile, normalQuantile } from "./special.js";

/** How sure an interval is. */
export interface IntervalOptions {
  /** Nominal coverage, between 0 and 1. Default 0.95. */
  readonly level?: number;
}

/**
 * Wilson score interval of a proportion.
 *
 * Preferred to the normal interval because it stays inside [0, 1] and keeps its coverage for small n and for
 * rates near 0 or 1, where audits usually are. Coverage is nominal on average, not at every rate: at level
 * 0.95 and n = 10 to 1,000 its lowest value is 0.83, for rates near 1/(6n). Where a promise must hold at every
 * rate, use {@link clopperPearson}.
 *
 * @param successes Number of successes, an integer in [0, n].
 * @param n Number of trials, at least 1.
 * @returns The observed rate with its two-sided interval.
 * @throws AssayError INVALID_ARGUMENT if the counts are not integers with 0 <= successes <= n.
 * @see E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference. JASA 22.
 *
 * @example
 * wilson(8, 10).interval   // [0.490, 0.943]
 */
export function wilson(successes: number, n: number, options: IntervalOptions = {}): Estimate {
  checkCounts("wilson", successes, n);
  const level = checkLevel("wilson", options.level);
  const rate = successes / n;
  const z = normalQuantile(0.5 + level / 2);
  const z2 = z ** 2 / n;
  const centre = (rate + z2 / 2) / (1 + z2);
  const half = (z / (1 + z2)) * Math.sqrt((rate * (1 - rate)) / n + z2 / (4 * n));
  // At 0 and n the bound is exact; rounding would leave 1e-17 behind.
  const low = successes === 0 ? 0 : Math.min(centre - half, rate);
  const high = successes === n ? 1 : Math.max(centre + half, rate);
  return { kind: "estimate", value: rate, interval: [low, high], level, n, method: "Wilson" };
}

/**
 * Clopper-Pearson interval of a proportion: covers the true rate with at least `level` at every rate and n.
 *
 * @throws AssayError INVALID_ARGUMENT if the counts are not integers with 0 <= successes <= n.
 * @see C. J. Clopper, E. S. Pearson (1934), The use of confidence or fiducial limits. Biometrika 26.
 *
 * @example
 * clopperPearson(0, 100).interval   // [0, 0.0362]
 */
export function clopperPearson(successes: number, n: number, options: IntervalOptions = {}): Estimate {
  checkCounts("clopperPearson", successes, n);
  const level = checkLevel("clopperPearson", options.level);
  const tail = (1 - level) / 2;
  return {
    kind: "estimate",
    value: successes / n,
    interval: [
      successes === 0 ? 0 : betaQuantile(tail, successes, n - successes + 1),
      successes === n ? 1 : betaQuantile(1 - tail, successes + 1, n - successes),
    ],
    level,
    n,
    method: "Clopper-Pearson",
  };
}

/**
 * Upper confidence limit of a rate: with probability at least `level` the true rate lies below it.
 *
 * With no success seen this is the "rule of three": about 3/n at level 0.95.
 *
 * @returns An estimate whose interval is [0, limit].
 * @example
 * upperLimit(0, 300).interval[1]   // 0.00994: 300 clean inputs for "below 1 %"
 */
export function upperLimit(successes: number, n: number, options: IntervalOptions = {}): Estimate {
  checkCounts("upperLimit", successes, n);
  const level = checkLevel("upperLimit", options.level);
  const high = successes === n ? 1 : betaQuantile(level, successes + 1, n - successes);
  return {
    kind: "estimate",
    value: successes / n,
    interval: [0, high],
    level,
    n,
    method: "Clopper-Pearson, one-sided",
  };
}

function checkCounts(who: string, successes: number, n: number): void {
  if (Number.isInteger(successes) && Number.isInteger(n) && n >= 1 && successes >= 0 && successes <= n)
    return;
  throw new AssayError(
    "INVALID_ARGUMENT",
    `${who}: expected integers 0 <= successes <= n and n >= 1, got successes = ${successes}, n = ${n}.`,
    { successes, n },
  );
}

/** Checks a confidence level and fills in 0.95. */
export function checkLevel(who: string, level = 0.95): number {
  if (level > 0 && level < 1) return level;
  throw new AssayError("INVALID_ARGUMENT", `${who}: level must lie between 0 and 1, got ${level}.`, {
    level,
  });
}
