/** Householder's reduction of a symmetric matrix to tridiagonal form, in panels: most of the work is native products. */
import { type Matrix, multiply } from "../multiply.js";

/** Columns that are reduced before the rest of the matrix is brought up to date. */
const PANEL = 32;

/** A = Q T Qᵀ with T tridiagonal and Q a product of reflections 1 - τ v vᵀ, first reflection first. */
export interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** [d - 1], beside the diagonal. */
  readonly beside: Float64Array;
  /** Row-major [d, d]: row j is the vector of reflection j, zero up to and including place j. */
  readonly reflections: Float64Array;
  readonly factors: Float64Array;
}

/**
 * Reduces a symmetric matrix [d, d].
 *
 * @see J. Dongarra, D. Sorensen, S. Hammarling (1989), Block reduction of matrices to condensed forms for eigenvalue
 *   computations. J. Computational and Applied Mathematics 27.
 */
export function tridiagonalised(matrix: Float64Array, d: number): Tridiagonal {
  const result: Tridiagonal = {
    diagonal: new Float64Array(d),
    beside: new Float64Array(Math.max(0, d - 1)),
    reflections: new Float64Array(d * d),
    factors: new Float64Array(d),
  };
  let rest: Matrix = { rows: d, columns: d, data: matrix };
  for (let start = 0; start < d; start += PANEL) {
    const width = Math.min(PANEL, d - start);
    const { v, w } = panel(rest, start, width, result);
    if (start + width < d) rest = updated(rest, v, w, width);
  }
  return result;
}

/** Reduces the first columns of what is left; returns, row after row, the vectors v and w of its change -v wᵀ - w vᵀ. */
function panel(rest: Matrix, start: number, width: number, result: Tridiagonal): { v: Matrix; w: Matrix } {
  const m = rest.rows;
  const v = { rows: width, columns: m, data: new Float64Array(width * m) };
  const w = { rows: width, columns: m, data: new Float64Array(width * m) };
  const column = new Float64Array(m);
  for (let i = 0; i < width; i++) {
    // The matrix is symmetric: its row is the column, and is read in order.
    column.set(rest.data.subarray(i * m, (i + 1) * m));
    for (let k = 0; k < i; k++) subtractPair(column, v.data, w.data, k * m, i, m);
    result.diagonal[start + i] = column[i]!;
    if (i + 1 >= m) break;
    const reflection = v.data.subarray(i * m, (i + 1) * m);
    const { factor, size } = reflect(column, i + 1, reflection);
    result.beside[start + i] = size;
    result.factors[start + i] = factor;
    const d = result.diagonal.length;
    result.reflections.set(reflection.subarray(i + 1), (start + i) * d + start + i + 1);
    if (factor !== 0) companion(rest, v.data, w.data, i, factor);
  }
  return { v, w };
}

/** column - v (wᵢ) - w (vᵢ) from place i on. */
function subtractPair(
  column: Float64Array,
  v: Float64Array,
  w: Float64Array,
  from: number,
  i: number,
  m: number,
): void {
  const [vi, wi] = [v[from + i]!, w[from + i]!];
  for (let j = i; j < m; j++) column[j]! -= v[from + j]! * wi + w[from + j]! * vi;
}

/** The reflection that turns x[from…] into (size, 0, …): its vector with 1 in front, and its factor τ. */
function reflect(x: Float64Array, from: number, vector: Float64Array): { factor: number; size: number } {
  let scale = 0;
  for (let j = from + 1; j < x.length; j++) scale = Math.max(scale, Math.abs(x[j]!));
  const head = x[from]!;
  if (scale === 0) return { factor: 0, size: head };
  let sum = (head / scale) ** 2;
  for (let j = from + 1; j < x.length; j++) sum += (x[j]! / scale) ** 2;
  const size = (head > 0 ? -1 : 1) * scale * Math.sqrt(sum);
  vector[from] = 1;
  for (let j = from + 1; j < x.length; j++) vector[j] = x[j]! / (head - size);
  return { factor: (size - head) / size, size };
}

/** w = τ (A v - V (W v) - W (V v)), less half its share of v: the change by the reflection is then -v wᵀ - w vᵀ. */
function companion(rest: Matrix, v: Float64Array, w: Float64Array, i: number, factor: number): void {
  const m = rest.rows;
  const at = i * m;
  const own = { rows: m, columns: 1, data: v.subarray(at, at + m) };
  const image = multiply(rest, own).data;
  for (let k = 0; k < i; k++) {
    let [alongV, alongW] = [0, 0];
    for (let j = i + 1; j < m; j++) {
      alongV += v[k * m + j]! * v[at + j]!;
      alongW += w[k * m + j]! * v[at + j]!;
    }
    for (let j = i + 1; j < m; j++) image[j]! -= v[k * m + j]! * alongW + w[k * m + j]! * alongV;
  }
  let share = 0;
  for (let j = i + 1; j < m; j++) share += image[j]! * v[at + j]!;
  const half = (factor * factor * share) / 2;
  for (let j = i + 1; j < m; j++) w[at + j] = factor * image[j]! - half * v[at + j]!;
}

/** What is left behind the panel's columns. */
function updated(rest: Matrix, v: Matrix, w: Matrix, width: number): Matrix {
  const m = rest.rows;
  const size = m - width;
  const [left, right] = [new Float64Array(2 * width * size), new Float64Array(2 * width * size)];
  for (let k = 0; k < width; k++) {
    const [from, other] = [v.data, w.data].map((data) => data.subarray(k * m + width, (k + 1) * m));
    left.set(from!, k * size);
    left.set(other!, (width + k) * size);
    right.set(other!, k * size);
    right.set(from!, (width + k) * size);
  }
  const both = 2 * width;
  const change = multiply(
    { rows: both, columns: size, data: left },
    { rows: both, columns: size, data: right },
    { transposeA: true },
  ).data;
  for (let i = 0; i < size; i++) {
    const from = (width + i) * m + width;
    for (let j = 0; j < size; j++) change[i * size + j] = rest.data[from + j]! - change[i * size + j]!;
  }
  return { rows: size, columns: size, data: change };
}

/** Rows z in the coordinates of T as rows Q z in those of A. In place. */
export function turnedBack(rows: Float64Array, { reflections, factors }: Tridiagonal): void {
  const d = factors.length;
  const width = 2 * PANEL;
  const last = Math.floor((d - 1) / width) * width;
  for (let start = last; start >= 0; start -= width) {
    const count = Math.min(width, d - start);
    const first = start + 1;
    const size = d - first;
    if (size <= 0) continue;
    const v = { rows: count, columns: size, data: new Float64Array(count * size) };
    for (let k = 0; k < count; k++) {
      v.data.set(reflections.subarray((start + k) * d + first, (start + k + 1) * d), k * size);
    }
    const z = { rows: d, columns: size, data: columnsFrom(rows, d, first) };
    // z - (z Vᵀ) Tᵀ V with the triangular T of the block.
    const shares = multiply(multiply(z, v, { transposeB: true }), triangle(v, factors, start), {
      transposeB: true,
    });
    const change = multiply(shares, v).data;
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < size; j++) rows[i * d + first + j]! -= change[i * size + j]!;
    }
  }
}

function columnsFrom(rows: Float64Array, d: number, first: number): Float64Array {
  const size = d - first;
  const part = new Float64Array(d * size);
  for (let i = 0; i < d; i++) part.set(rows.subarray(i * d + first, (i + 1) * d), i * size);
  return part;
}

/** The upper triangular T of a product of reflections 1 - V T Vᵀ. */
function triangle(v: Matrix, factors: Float64Array, start: number): Matrix {
  const count = v.rows;
  const products = multiply(v, v, { transposeB: true }).data;
  const t = new Float64Array(count * count);
  for (let k = 0; k < count; k++) {
    const factor = factors[start + k]!;
    t[k * count + k] = factor;
    for (let i = 0; i < k; i++) {
      let sum = 0;
      for (let j = i; j < k; j++) sum += t[i * count + j]! * products[j * count + k]!;
      t[i * count + k] = -factor * sum;
    }
  }
  return { rows: count, columns: count, data: t };
}
