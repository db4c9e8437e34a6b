/** Singular value decomposition: eigenvectors of the Gram matrix, then Jacobi rotations for the digits they lack. */
import { AssayError } from "../errors.js";
import { symmetricEigen } from "./eigen/symmetric-eigen.js";
import { topEigen } from "./eigen/top-eigen.js";
import { type Matrix, multiply } from "./multiply.js";

/** A thin singular value decomposition a = Σ valueₖ leftₖ rightₖᵀ. */
export interface Svd {
  /** Falling, at least 0. */
  readonly values: Float64Array;
  /** [k, rows of a]: **row** k is a unit left vector. */
  readonly left: Matrix;
  /** [k, columns of a]: **row** k is a unit right vector. */
  readonly right: Matrix;
}

/** Cosine of two columns below which they count as orthogonal. */
const ORTHOGONAL = 1e-15;
const MAX_SWEEPS = 40;

/**
 * All singular values and vectors of a matrix.
 *
 * Values are exact to rounding of the largest one, small ones too: the Gram matrix only gives a start, which
 * one-sided Jacobi rotations finish on the matrix itself. Of a well-conditioned matrix they have nothing to do.
 *
 * @returns k = min(rows, columns) values; vectors of zero values complete the basis.
 * @throws AssayError NOT_FINITE naming the first entry that is NaN or infinite.
 * @see J. Demmel, K. Veselić (1992), Jacobi's method is more accurate than QR. SIAM J. Matrix Analysis 13.
 * @example
 * svd({ rows: n, columns: d, data }).values
 */
export function svd(a: Matrix): Svd {
  const wrong = a.data.findIndex((entry) => !Number.isFinite(entry));
  if (wrong >= 0) {
    const [row, column] = [Math.floor(wrong / a.columns), wrong % a.columns];
    throw new AssayError("NOT_FINITE", `svd: the entry at ${row}, ${column} is ${a.data[wrong]}.`, {
      row,
      column,
    });
  }
  if (a.rows < a.columns) {
    const { values, left, right } = svd(transposed(a));
    return { values, left: right, right: left };
  }
  const d = a.columns;
  // Columns of a as rows, so that rotations read memory in order. Powers of two keep squares in range and digits.
  const scale = 2 ** -Math.floor(Math.log2(a.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1));
  const columns = transposed({ ...a, data: a.data.map((value) => value * scale) });
  const gram = multiply(columns, columns, { transposeB: true });
  const right = symmetricEigen(gram.data, d).vectors;
  const images = multiply({ rows: d, columns: d, data: right }, columns).data;
  rotate(images, right, d, a.rows);
  return sorted(images, right, d, a.rows, 1 / scale);
}

/**
 * The `count` largest singular values with their vectors, from the largest eigenvalues of the smaller Gram matrix.
 *
 * Fast for few of many. A value's error is about 1e-16 · largest² / value: use {@link svd} for small ones.
 *
 * @throws AssayError INVALID_ARGUMENT unless 1 <= count <= min(rows, columns); NOT_FINITE.
 */
export function topSvd(a: Matrix, count: number): Svd {
  if (a.rows < a.columns) {
    const { values, left, right } = topSvd(transposed(a), count);
    return { values, left: right, right: left };
  }
  const gram = multiply(a, a, { transposeA: true });
  const { vectors } = topEigen(gram.data, a.columns, count);
  const right = { rows: count, columns: a.columns, data: vectors };
  const images = multiply(right, a, { transposeB: true });
  return sorted(images.data, vectors, a.columns, a.rows, 1);
}

/** One-sided Jacobi: turns pairs of rows of `images` until all are orthogonal, and `right` alike. */
function rotate(images: Float64Array, right: Float64Array, d: number, n: number): void {
  const tolerance = ORTHOGONAL * Math.sqrt(n);
  const squares = new Float64Array(d);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    const products = multiply(
      { rows: d, columns: n, data: images },
      { rows: d, columns: n, data: images },
      { transposeB: true },
    ).data;
    for (let i = 0; i < d; i++) squares[i] = products[i * d + i]!;
    const largest = Math.max(...squares);
    // What is this much smaller than the largest value is nothing but its rounding.
    const least = largest * (Number.EPSILON * d) ** 2;
    let turned = false;
    for (let i = 0; i < d; i++) {
      for (let j = i + 1; j < d; j++) {
        const bound = tolerance * Math.sqrt(squares[i]! * squares[j]!);
        if (sweep === 0 && !turned && Math.abs(products[i * d + j]!) <= bound) continue;
        if (squares[i]! <= least && squares[j]! <= least) continue;
        const product = dot(images, i * n, j * n, n);
        if (Math.abs(product) <= bound) continue;
        turned = true;
        turn(images, right, i, j, squares, product, d, n);
      }
    }
    if (!turned) return;
  }
}

function turn(
  images: Float64Array,
  right: Float64Array,
  i: number,
  j: number,
  squares: Float64Array,
  product: number,
  d: number,
  n: number,
): void {
  const zeta = (squares[j]! - squares[i]!) / (2 * product);
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const c = 1 / Math.hypot(1, t);
  const s = c * t;
  for (const [rows, width] of [
    [images, n],
    [right, d],
  ] as const) {
    for (let k = 0, p = i * width, q = j * width; k < width; k++, p++, q++) {
      const [x, y] = [rows[p]!, rows[q]!];
      rows[p] = c * x - s * y;
      rows[q] = s * x + c * y;
    }
  }
  squares[i] = dot(images, i * n, i * n, n);
  squares[j] = dot(images, j * n, j * n, n);
}

function sorted(images: Float64Array, right: Float64Array, d: number, n: number, scale: number): Svd {
  const count = images.length / n;
  const lengths = Float64Array.from({ length: count }, (_, k) => Math.sqrt(dot(images, k * n, k * n, n)));
  const order = [...lengths.keys()].sort((p, q) => lengths[q]! - lengths[p]!);
  const left: Matrix = { rows: count, columns: n, data: new Float64Array(count * n) };
  const turned: Matrix = { rows: count, columns: d, data: new Float64Array(count * d) };
  const least = lengths[order[0]!]! * Number.EPSILON * Math.max(n, d);
  order.forEach((from, to) => {
    turned.data.set(right.subarray(from * d, (from + 1) * d), to * d);
    const length = lengths[from]!;
    if (length > least) {
      for (let i = 0; i < n; i++) left.data[to * n + i] = images[from * n + i]! / length;
    } else complete(left.data, to, n);
  });
  return { values: Float64Array.from(order, (k) => lengths[k]! * scale), left, right: turned };
}

/** A unit row orthogonal to the `count` rows before it, from the unit vector that lies farthest from them. */
function complete(rows: Float64Array, count: number, n: number): void {
  const inside = new Float64Array(n);
  for (let k = 0; k < count; k++) for (let i = 0; i < n; i++) inside[i]! += rows[k * n + i]! ** 2;
  const axis = inside.indexOf(Math.min(...inside));
  const row = rows.subarray(count * n, (count + 1) * n);
  row[axis] = 1;
  for (let pass = 0; pass < 2; pass++) {
    for (let k = 0; k < count; k++) {
      const share = dot(rows, k * n, count * n, n);
      for (let i = 0; i < n; i++) row[i]! -= share * rows[k * n + i]!;
    }
  }
  const length = Math.sqrt(dot(rows, count * n, count * n, n));
  for (let i = 0; i < n; i++) row[i]! /= length;
}

function dot(rows: Float64Array, p: number, q: number, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += rows[p + i]! * rows[q + i]!;
  return sum;
}

function transposed({ rows, columns, data }: Matrix): Matrix {
  const result = new Float64Array(data.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j]!;
  return { rows: columns, columns: rows, data: result };
}
