/** Systems with a triangular matrix and many right-hand sides: small leaves in a loop, the rest as native products. */
import { AssayError } from "../errors.js";
import { block, type Matrix, multiply } from "./multiply.js";

/** Below this size a loop is faster than a call. */
const LEAF = 64;

/** Which system is solved. */
export interface TriangularOptions {
  /** Solve Lᵀ z = b instead of L z = b. Default false. */
  readonly transpose?: boolean;
}

/**
 * Solves L z = b, or Lᵀ z = b, for a lower triangular L and all columns of b.
 *
 * @param factor Row-major [d, d]; what lies above its diagonal is not read.
 * @param b [d, columns].
 * @throws AssayError SHAPE_MISMATCH, or SINGULAR_MATRIX naming the first zero on the diagonal.
 * @example
 * solveTriangular(cholesky.factor, { rows: d, columns: 1, data: b })
 */
export function solveTriangular(
  factor: Float64Array,
  b: Matrix,
  { transpose = false }: TriangularOptions = {},
): Matrix {
  const d = b.rows;
  if (factor.length !== d * d) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `solveTriangular: a factor of ${factor.length} entries is not [${d}, ${d}], as ${d} rows of b need.`,
      { rows: d, entries: factor.length },
    );
  }
  for (let i = 0; i < d; i++) {
    if (factor[i * d + i] === 0) {
      throw new AssayError("SINGULAR_MATRIX", `solveTriangular: the diagonal is 0 at ${i}.`, { index: i });
    }
  }
  const z = b.data.slice();
  solve({ rows: d, columns: d, data: factor }, 0, d, z, b.columns, transpose);
  return { ...b, data: z };
}

/** Solves rows `from` up to, not including, `to` of z in place; what the other rows add has been taken off. */
function solve(
  l: Matrix,
  from: number,
  to: number,
  z: Float64Array,
  columns: number,
  transpose: boolean,
): void {
  if (to - from <= LEAF) {
    if (transpose) leafTransposed(l, from, to, z, columns);
    else leaf(l, from, to, z, columns);
    return;
  }
  const half = (from + to) >> 1;
  const [first, second] = transpose ? [half, to] : [from, half];
  const [start, stop] = transpose ? [from, half] : [half, to];
  solve(l, first, second, z, columns, transpose);
  const known = { rows: second - first, columns, data: z.subarray(first * columns, second * columns) };
  const corner = block(l, half, to, from, half);
  const shares = multiply(corner, known, { transposeA: transpose }).data;
  const offset = start * columns;
  for (let i = 0; i < shares.length; i++) z[offset + i]! -= shares[i]!;
  solve(l, start, stop, z, columns, transpose);
}

function leaf(
  { columns: d, data }: Matrix,
  from: number,
  to: number,
  z: Float64Array,
  columns: number,
): void {
  for (let i = from; i < to; i++) {
    for (let k = from; k < i; k++) subtract(z, i, k, data[i * d + k]!, columns);
    divide(z, i, data[i * d + i]!, columns);
  }
}

function leafTransposed(
  { columns: d, data }: Matrix,
  from: number,
  to: number,
  z: Float64Array,
  columns: number,
): void {
  for (let i = to - 1; i >= from; i--) {
    divide(z, i, data[i * d + i]!, columns);
    for (let k = from; k < i; k++) subtract(z, k, i, data[i * d + k]!, columns);
  }
}

/** Row `to` less a multiple of row `of`. */
function subtract(z: Float64Array, to: number, of: number, factor: number, columns: number): void {
  for (let j = 0; j < columns; j++) z[to * columns + j]! -= factor * z[of * columns + j]!;
}

function divide(z: Float64Array, row: number, by: number, columns: number): void {
  for (let j = row * columns; j < (row + 1) * columns; j++) z[j]! /= by;
}
