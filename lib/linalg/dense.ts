/** Small dense matrices in plain doubles, row after row: for sizes where a call to onnxruntime would cost more. */

/**
 * Cholesky factor of a symmetric positive definite matrix: the lower L with L Lᵀ = a.
 *
 * @param a Row-major [d, d]; only its lower triangle is read.
 * @returns L with zeros above the diagonal, or the index of the first pivot that is not positive.
 */
export function denseCholesky(a: Float64Array, d: number): Float64Array | number {
  const l = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    const row = i * d;
    for (let j = 0; j <= i; j++) {
      const other = j * d;
      const sum = a[row + j]! - dot(l, row, other, j);
      if (i !== j) {
        l[row + j] = sum / l[other + j]!;
        continue;
      }
      // Relative to the entry itself: what remains below rounding is not a pivot.
      if (!(sum > 4 * d * Number.EPSILON * a[row + i]!)) return i;
      l[row + i] = Math.sqrt(sum);
    }
  }
  return l;
}

/** Sum of products of two runs of one array: four sums at once, since one would wait for each addition. */
function dot(l: Float64Array, first: number, second: number, count: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < count; k += 4) {
    s0 += l[first + k]! * l[second + k]!;
    s1 += l[first + k + 1]! * l[second + k + 1]!;
    s2 += l[first + k + 2]! * l[second + k + 2]!;
    s3 += l[first + k + 3]! * l[second + k + 3]!;
  }
  for (; k < count; k++) s0 += l[first + k]! * l[second + k]!;
  return s0 + s1 + (s2 + s3);
}

/** Solves L z = b in place for a lower triangular L. */
export function solveLower(l: Float64Array, d: number, b: Float64Array): void {
  for (let i = 0; i < d; i++) {
    const row = i * d;
    let [s0, s1, s2, s3] = [b[i]!, 0, 0, 0];
    let k = 0;
    for (; k + 3 < i; k += 4) {
      s0 -= l[row + k]! * b[k]!;
      s1 -= l[row + k + 1]! * b[k + 1]!;
      s2 -= l[row + k + 2]! * b[k + 2]!;
      s3 -= l[row + k + 3]! * b[k + 3]!;
    }
    for (; k < i; k++) s0 -= l[row + k]! * b[k]!;
    b[i] = (s0 + s1 + (s2 + s3)) / l[row + i]!;
  }
}

/** Solves Lᵀ z = b in place for a lower triangular L. */
export function solveLowerTransposed(l: Float64Array, d: number, b: Float64Array): void {
  for (let i = d - 1; i >= 0; i--) {
    const value = b[i]! / l[i * d + i]!;
    b[i] = value;
    // Row i of L times the value, so that memory is read in order.
    for (let k = 0; k < i; k++) b[k]! -= l[i * d + k]! * value;
  }
}

/** The inverse of a lower triangular matrix. */
export function invertLower(l: Float64Array, d: number): Float64Array {
  const inverse = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    const row = i * d;
    // Row i of the inverse from the rows above it, so that memory is read in order.
    for (let k = 0; k < i; k++) {
      const factor = l[row + k]!;
      for (let j = 0; j <= k; j++) inverse[row + j]! -= factor * inverse[k * d + j]!;
    }
    const pivot = l[row + i]!;
    for (let j = 0; j < i; j++) inverse[row + j]! /= pivot;
    inverse[row + i] = 1 / pivot;
  }
  return inverse;
}
