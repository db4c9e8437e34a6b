/** Eigenvalues and eigenvectors of symmetric matrices: Householder's tridiagonal form, divide and conquer, implicit QL. */
import { AssayError } from "../../errors.js";
import { divideAndConquer, type Eigenpairs } from "./divide.js";
import { tridiagonalised, turnedBack } from "./tridiagonal.js";

/** An eigen-decomposition. */
export interface SymmetricEigen {
  /** Rising. */
  readonly values: Float64Array;
  /** Row-major [d, d]: **row** j is the unit eigenvector of value j. */
  readonly vectors: Float64Array;
}

/**
 * Eigen-decomposition of a symmetric matrix [d, d], row-major. Backward stable.
 *
 * The matrix is reduced to tridiagonal form in panels and solved by divide and conquer, both on native products:
 * 0.2 s of one thread at d = 768. For a few of the largest values {@link topEigen} is faster.
 *
 * @throws AssayError NOT_FINITE if an entry is NaN or infinite, NOT_CONVERGED.
 * @see J. H. Wilkinson, C. Reinsch (1971), Handbook for Automatic Computation II, tql2, for the smallest parts.
 */
export function symmetricEigen(matrix: Float64Array, d: number): SymmetricEigen {
  const wrong = matrix.findIndex((entry) => !Number.isFinite(entry));
  if (wrong >= 0) {
    throw new AssayError("NOT_FINITE", `symmetricEigen: entry ${wrong} is ${matrix[wrong]}.`, {
      index: wrong,
    });
  }
  // A power of two changes no digit and keeps squares in range.
  let largest = 0;
  for (const entry of matrix) largest = Math.max(largest, Math.abs(entry));
  const scale = largest === 0 ? 1 : 2 ** -Math.floor(Math.log2(largest));
  const reduced = tridiagonalised(scale === 1 ? matrix : matrix.map((entry) => entry * scale), d);
  const { values, vectors } = divideAndConquer(reduced.diagonal, reduced.beside, byRotations);
  turnedBack(vectors, reduced);
  return { values: values.map((value) => value / scale), vectors };
}

/** Implicit QL on a tridiagonal matrix. */
function byRotations(diagonal: Float64Array, beside: Float64Array): Eigenpairs {
  const n = diagonal.length;
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  const off = new Float64Array(n);
  off.set(beside.subarray(0, n - 1), 1);
  const values = diagonal.slice();
  implicitQl(v, n, values, off);
  return inOrder(values, v, n);
}

function inOrder(diagonal: Float64Array, v: Float64Array, d: number): SymmetricEigen {
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[i]! - diagonal[j]!);
  const vectors = new Float64Array(d * d);
  order.forEach((from, to) => {
    vectors.set(v.subarray(from * d, (from + 1) * d), to * d);
  });
  return { values: Float64Array.from(order, (i) => diagonal[i]!), vectors };
}

function implicitQl(v: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  for (let i = 1; i < n; i++) e[i - 1] = e[i]!;
  e[n - 1] = 0;
  let shift = 0;
  let largest = 0;
  for (let l = 0; l < n; l++) {
    largest = Math.max(largest, Math.abs(d[l]!) + Math.abs(e[l]!));
    let m = l;
    while (m < n - 1 && Math.abs(e[m]!) > Number.EPSILON * largest) m++;
    for (let iteration = 0; m > l && Math.abs(e[l]!) > Number.EPSILON * largest; iteration++) {
      if (iteration > 60 || !Number.isFinite(d[l]!)) {
        throw new AssayError(
          "NOT_CONVERGED",
          "symmetricEigen: the matrix holds NaN or infinite entries.",
          {},
        );
      }
      shift += sweep(v, n, d, e, l, m);
    }
    d[l]! += shift;
    e[l] = 0;
  }
}

/** One implicit QL sweep from m down to l; returns the shift that it took. */
function sweep(v: Float64Array, n: number, d: Float64Array, e: Float64Array, l: number, m: number): number {
  const g0 = d[l]!;
  let p = (d[l + 1]! - g0) / (2 * e[l]!);
  const r0 = p < 0 ? -Math.hypot(p, 1) : Math.hypot(p, 1);
  d[l] = e[l]! / (p + r0);
  d[l + 1] = e[l]! * (p + r0);
  const dl1 = d[l + 1]!;
  const h0 = g0 - d[l]!;
  for (let i = l + 2; i < n; i++) d[i]! -= h0;
  p = d[m]!;
  let [c, c2, c3, s, s2] = [1, 1, 1, 0, 0];
  const el1 = e[l + 1]!;
  for (let i = m - 1; i >= l; i--) {
    c3 = c2;
    c2 = c;
    s2 = s;
    const g = c * e[i]!;
    const h = c * p;
    const r = Math.hypot(p, e[i]!);
    e[i + 1] = s * r;
    s = e[i]! / r;
    c = p / r;
    p = c * d[i]! - s * g;
    d[i + 1] = h + s * (c * g + s * d[i]!);
    const [a, b] = [i * n, (i + 1) * n];
    for (let k = 0; k < n; k++) {
      const high = v[b + k]!;
      const low = v[a + k]!;
      v[b + k] = s * low + c * high;
      v[a + k] = c * low - s * high;
    }
  }
  p = (-s * s2 * c3 * el1 * e[l]!) / dl1;
  e[l] = s * p;
  d[l] = c * p;
  return h0;
}
