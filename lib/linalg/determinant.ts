/** The determinant of a square matrix, as sign and logarithm: the number itself overflows at a few hundred features. */
import { AssayError } from "../errors.js";

/** A determinant, sign · exp(logarithm). */
export interface LogDeterminant {
  /** -1, 0 or 1. */
  readonly sign: number;
  /** Natural logarithm of the absolute value; -Infinity where the sign is 0. */
  readonly logarithm: number;
}

/**
 * Sign and logarithm of the determinant of any square matrix [d, d], by elimination with row pivots.
 *
 * For a symmetric positive definite matrix `cholesky` gives it beside the factor, and faster.
 *
 * @throws AssayError SHAPE_MISMATCH, NOT_FINITE.
 * @example
 * logDeterminant(Float64Array.of(0, 2, 3, 0), 2)   // { sign: -1, logarithm: Math.log(6) }
 */
export function logDeterminant(matrix: Float64Array, d: number): LogDeterminant {
  if (matrix.length !== d * d) {
    throw new AssayError("SHAPE_MISMATCH", `logDeterminant: ${matrix.length} entries are not [${d}, ${d}].`, {
      d,
    });
  }
  const wrong = matrix.findIndex((entry) => !Number.isFinite(entry));
  if (wrong >= 0) {
    throw new AssayError("NOT_FINITE", `logDeterminant: entry ${wrong} is ${matrix[wrong]}.`, {
      index: wrong,
    });
  }
  const a = matrix.slice();
  const rows = Array.from({ length: d }, (_, i) => a.subarray(i * d, (i + 1) * d));
  let sign = 1;
  let logarithm = 0;
  for (let k = 0; k < d; k++) {
    let largest = k;
    for (let i = k + 1; i < d; i++) if (Math.abs(rows[i]![k]!) > Math.abs(rows[largest]![k]!)) largest = i;
    if (largest !== k) {
      [rows[k], rows[largest]] = [rows[largest]!, rows[k]!];
      sign = -sign;
    }
    const row = rows[k]!;
    const pivot = row[k]!;
    if (pivot === 0) return { sign: 0, logarithm: Number.NEGATIVE_INFINITY };
    if (pivot < 0) sign = -sign;
    logarithm += Math.log(Math.abs(pivot));
    for (let i = k + 1; i < d; i++) {
      const below = rows[i]!;
      const factor = below[k]! / pivot;
      if (factor !== 0) for (let j = k + 1; j < d; j++) below[j]! -= factor * row[j]!;
    }
  }
  return { sign, logarithm };
}
