/** Whether a rewritten model still answers what it did, up to rounding. */

/** Largest difference of an output that rounding explains, relative to the largest output. */
const TOLERANCE = 1e-4;

/** True if all values agree up to rounding; NaN and infinities agree with their like only. */
export function agree(expected: Float64Array, found: ArrayLike<number>): boolean {
  if (expected.length !== found.length) return false;
  const scale = expected.reduce(
    (high, one) => (Number.isFinite(one) ? Math.max(high, Math.abs(one)) : high),
    1e-6,
  );
  return expected.every(
    (one, i) => Object.is(one, found[i]) || Math.abs(one - found[i]!) <= TOLERANCE * scale,
  );
}
