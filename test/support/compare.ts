/** Comparing tensors with a reference. */
import assert from "node:assert/strict";
import type { Tensor } from "../../lib/tensor/index.js";

/** Elements of a numeric tensor as numbers, in row-major order. */
export function numbers(tensor: Tensor): Float64Array {
  return Float64Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/**
 * Largest absolute difference over the largest absolute reference value: the maximum norm of the error,
 * relative to that of the reference. Where the reference is all but zero (below `floor`), relative to `floor`.
 * NaN equals NaN, and an infinity itself, since a model may produce them on purpose.
 */
export function relativeError(actual: Tensor, expected: Tensor, floor = 1e-3): number {
  const a = numbers(actual);
  const b = numbers(expected);
  let difference = 0;
  let size = floor;
  for (let i = 0; i < b.length; i++) {
    if (Object.is(a[i], b[i]) || a[i] === b[i]) {
      if (Number.isFinite(b[i])) size = Math.max(size, Math.abs(b[i]!));
      continue;
    }
    const gap = Math.abs(a[i]! - b[i]!);
    difference = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(difference, gap);
    size = Math.max(size, Number.isFinite(b[i]) ? Math.abs(b[i]!) : 0);
  }
  return difference / size;
}

/** Fails unless dims are equal and `relativeError` is at most `tolerance`. */
export function assertClose(
  actual: Tensor | undefined,
  expected: Tensor,
  tolerance: number,
  what: string,
): void {
  assert.ok(actual, `${what}: missing`);
  assert.deepEqual([...actual.dims], [...expected.dims], `${what}: dims`);
  const error = relativeError(actual, expected);
  assert.ok(error <= tolerance, `${what}: relative error ${error.toExponential(2)} > ${tolerance}`);
}
