/** Intervals that stay valid however often one looks and whenever one stops. */
import { AssayError } from "../errors.js";
import type { Estimate } from "./estimate.js";
import { checkLevel, type IntervalOptions } from "./proportion.js";
import { logGamma } from "./special.js";

/**
 * Anytime-valid interval of a rate: with probability at least `level` it covers the true rate at *every* n at
 * once, so a test may stop as soon as the answer is clear.
 *
 * It holds every rate p whose likelihood is at least (1 - level) times that of the uniform mixture of rates
 * (Ville's inequality). The price against Clopper-Pearson at a fixed n is a width about 1.5 times as large.
 *
 * @throws AssayError INVALID_ARGUMENT if the counts are not integers with 0 <= successes <= n.
 * @see H. Robbins (1970), Statistical methods related to the law of the iterated logarithm. Ann. Math. Stat. 41.
 * @example
 * anytimeInterval(0, 600).interval   // [0, 0.0156]
 */
export function anytimeInterval(successes: number, n: number, options: IntervalOptions = {}): Estimate {
  if (!Number.isInteger(successes) || !Number.isInteger(n) || n < 1 || successes < 0 || successes > n) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `anytimeInterval: expected integers 0 <= successes <= n and n >= 1, got successes = ${successes}, n = ${n}.`,
      { successes, n },
    );
  }
  const level = checkLevel("anytimeInterval", options.level);
  const failures = n - successes;
  const value = successes / n;
  const mixture = logGamma(successes + 1) + logGamma(failures + 1) - logGamma(n + 2);
  const bound = mixture + Math.log(1 - level);
  const isOutside = (p: number): boolean => {
    const likelihood =
      (successes === 0 ? 0 : successes * Math.log(p)) + (failures === 0 ? 0 : failures * Math.log1p(-p));
    return likelihood < bound;
  };
  return {
    kind: "estimate",
    value,
    interval: [isOutside(0) ? edge(0, value, isOutside) : 0, isOutside(1) ? edge(1, value, isOutside) : 1],
    level,
    n,
    method: "beta mixture, valid at any stop",
  };
}

/** The point between one outside and one inside the interval at which it begins, found from outside. */
function edge(outside: number, inside: number, isOutside: (p: number) => boolean): number {
  let far = outside;
  let near = inside;
  for (let i = 0; i < 100; i++) {
    const middle = (far + near) / 2;
    if (isOutside(middle)) far = middle;
    else near = middle;
  }
  return far;
}
