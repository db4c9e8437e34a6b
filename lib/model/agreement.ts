/** Whether a rewritten model still answers what it did, up to rounding. */

/** Largest difference of an output that rounding explains, relative to the largest output. */
const TOLERANCE = 1e-4;

/** True if all values agree up to rounding; NaN agrees with nothing. */
export function agree(expected: Float64Array, found: ArrayLike<number>): boolean {
  if (expected.length !== found.length) return false;
  const scale = expected.reduce((high, one) => Math.max(high, Math.abs(one)), 1e-6);
  return expected.every((one, i) => Math.abs(one - found[i]!) <= TOLERANCE * scale);
}
