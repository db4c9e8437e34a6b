/** Eigenvalues and eigenvectors of tridiagonal matrices by divide and conquer. */
import { type Matrix, multiply } from "../multiply.js";
import { secularRoots } from "./secular.js";

/** Solves a small problem: values in any order, with their vectors as rows. */
type Leaf = (diagonal: Float64Array, beside: Float64Array) => Eigenpairs;

/** Values rising, row k of `vectors` [n, n] for value k. */
export interface Eigenpairs {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/** Below this size rotations are faster. */
const SMALL = 48;

/**
 * Eigenpairs of the symmetric tridiagonal matrix with this diagonal and these entries beside it.
 *
 * The matrix is two of half its size plus one of rank one. Eigenvectors of the halves that the change does not touch
 * are kept (deflation), the others follow from the roots of the secular equation, with which the change is first
 * made exact, so that vectors are orthogonal however close values lie. What is left is native products.
 *
 * @see J. Cuppen (1981), Numerische Mathematik 36. M. Gu, S. Eisenstat (1995), A divide-and-conquer algorithm for the
 *   symmetric tridiagonal eigenproblem. SIAM J. Matrix Analysis 16.
 */
export function divideAndConquer(diagonal: Float64Array, beside: Float64Array, leaf: Leaf): Eigenpairs {
  const n = diagonal.length;
  if (n <= SMALL) return leaf(diagonal, beside);
  const half = n >> 1;
  const coupling = beside[half - 1]!;
  const size = Math.abs(coupling);
  const upper = diagonal.slice(0, half);
  const lower = diagonal.slice(half);
  upper[half - 1]! -= size;
  lower[0]! -= size;
  const first = divideAndConquer(upper, beside.subarray(0, half - 1), leaf);
  const second = divideAndConquer(lower, beside.subarray(half), leaf);
  return joined(first, second, size, coupling < 0 ? -1 : 1);
}

/** Eigenpairs of diag(first, second) + size · u uᵀ, with u = (0 … 1, sign … 0). */
function joined(first: Eigenpairs, second: Eigenpairs, size: number, sign: number): Eigenpairs {
  const n1 = first.values.length;
  const n2 = second.values.length;
  const n = n1 + n2;
  const values = new Float64Array(n);
  values.set(first.values);
  values.set(second.values, n1);
  const rows = new Float64Array(n * n);
  const z = new Float64Array(n);
  // u has length √2: z is kept at length 1, and the size doubles.
  for (let k = 0; k < n1; k++) {
    rows.set(first.vectors.subarray(k * n1, (k + 1) * n1), k * n);
    z[k] = first.vectors[k * n1 + n1 - 1]! * Math.SQRT1_2;
  }
  for (let k = 0; k < n2; k++) {
    rows.set(second.vectors.subarray(k * n2, (k + 1) * n2), (n1 + k) * n + n1);
    z[n1 + k] = sign * second.vectors[k * n2]! * Math.SQRT1_2;
  }
  const { kept, left } = deflated(values, z, rows, 2 * size);
  if (kept.length === 0) return inOrder(values, rows, n);
  const poles = Float64Array.from(kept, (k) => values[k]!);
  const weights = Float64Array.from(kept, (k) => z[k]!);
  const { roots, vectors } = secularRoots(poles, weights, 2 * size);
  const basis: Matrix = { rows: kept.length, columns: n, data: new Float64Array(kept.length * n) };
  kept.forEach((from, to) => {
    basis.data.set(rows.subarray(from * n, (from + 1) * n), to * n);
  });
  const made = multiply({ rows: kept.length, columns: kept.length, data: vectors }, basis).data;
  const all = new Float64Array(n);
  const allRows = new Float64Array(n * n);
  all.set(roots);
  allRows.set(made);
  left.forEach((from, i) => {
    all[kept.length + i] = values[from]!;
    allRows.set(rows.subarray(from * n, (from + 1) * n), (kept.length + i) * n);
  });
  return inOrder(all, allRows, n);
}

/**
 * Which values the change of rank one moves, rising, and which it leaves: those with no weight, and one of each two
 * that are equal to rounding, after a rotation that gives the other its weight.
 */
function deflated(
  values: Float64Array,
  z: Float64Array,
  rows: Float64Array,
  size: number,
): { readonly kept: number[]; readonly left: number[] } {
  const n = values.length;
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  let largest = 0;
  for (let k = 0; k < n; k++) largest = Math.max(largest, Math.abs(values[k]!), Math.abs(z[k]!));
  const tolerance = 8 * Number.EPSILON * largest;
  const kept: number[] = [];
  const left: number[] = [];
  let before = -1;
  for (const k of order) {
    if (size * Math.abs(z[k]!) <= tolerance) {
      left.push(k);
      continue;
    }
    if (before >= 0) {
      const length = Math.hypot(z[k]!, z[before]!);
      const c = z[k]! / length;
      const s = -z[before]! / length;
      const gap = values[k]! - values[before]!;
      if (Math.abs(gap * c * s) <= tolerance) {
        z[k] = length;
        z[before] = 0;
        rotate(rows, before * n, k * n, n, c, s);
        const moved = values[before]! * c * c + values[k]! * s * s;
        values[k] = values[before]! * s * s + values[k]! * c * c;
        values[before] = moved;
        left.push(before);
      } else kept.push(before);
    }
    before = k;
  }
  if (before >= 0) kept.push(before);
  return { kept, left };
}

function rotate(rows: Float64Array, p: number, q: number, n: number, c: number, s: number): void {
  for (let i = 0; i < n; i++) {
    const [x, y] = [rows[p + i]!, rows[q + i]!];
    rows[p + i] = c * x + s * y;
    rows[q + i] = c * y - s * x;
  }
}

function inOrder(values: Float64Array, rows: Float64Array, n: number): Eigenpairs {
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    vectors.set(rows.subarray(from * n, (from + 1) * n), to * n);
  });
  return { values: Float64Array.from(order, (k) => values[k]!), vectors };
}
