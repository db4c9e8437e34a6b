/** Small dense matrices in plain doubles, row after row: for sizes where a call to onnxruntime would cost more. */

/**
 * Cholesky factor of a symmetric positive definite matrix: the lower L with L Lᵀ = a.
 *
 * @param a Row-major [d, d]; only its lower triangle is read.
 * @returns L with zeros above the diagonal, or the index of the first pivot that is not positive.
 */
export function choleskyFactor(a: Float64Array, d: number): Float64Array | number {
  const l = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    const row = i * d;
    for (let j = 0; j <= i; j++) {
      const other = j * d;
      let sum = a[row + j]!;
      for (let k = 0; k < j; k++) sum -= l[row + k]! * l[other + k]!;
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

/** Solves L z = b in place for a lower triangular L. */
export function solveLower(l: Float64Array, d: number, b: Float64Array): void {
  for (let i = 0; i < d; i++) {
    const row = i * d;
    let sum = b[i]!;
    for (let k = 0; k < i; k++) sum -= l[row + k]! * b[k]!;
    b[i] = sum / l[row + i]!;
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

/** Eigenvalues, rising, and eigenvectors (column j belongs to value j) of a symmetric matrix. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  /** Row-major [d, d]. */
  readonly vectors: Float64Array;
}

/**
 * Eigen-decomposition of a symmetric matrix by cyclic Jacobi rotations: the most accurate method, and fast
 * enough up to about 200 rows.
 */
export function symmetricEigen(matrix: Float64Array, d: number): SymmetricEigen {
  const a = matrix.slice();
  const v = new Float64Array(d * d);
  for (let i = 0; i < d; i++) v[i * d + i] = 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let offDiagonal = 0;
    let scale = 0;
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < i; j++) offDiagonal += a[i * d + j]! ** 2;
      scale += a[i * d + i]! ** 2;
    }
    if (offDiagonal <= 1e-30 * (scale + offDiagonal)) break;
    for (let p = 0; p < d - 1; p++) for (let q = p + 1; q < d; q++) rotate(a, v, d, p, q);
  }
  const order = Array.from({ length: d }, (_, i) => i).sort((i, j) => a[i * d + i]! - a[j * d + j]!);
  return {
    values: Float64Array.from(order, (i) => a[i * d + i]!),
    vectors: Float64Array.from({ length: d * d }, (_, at) => v[Math.floor(at / d) * d + order[at % d]!]!),
  };
}

/** One Jacobi rotation that makes entry (p, q) zero. */
function rotate(a: Float64Array, v: Float64Array, d: number, p: number, q: number): void {
  const apq = a[p * d + q]!;
  if (apq === 0) return;
  const theta = (a[q * d + q]! - a[p * d + p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < d; k++) {
    const kp = a[k * d + p]!;
    const kq = a[k * d + q]!;
    a[k * d + p] = c * kp - s * kq;
    a[k * d + q] = s * kp + c * kq;
    const vp = v[k * d + p]!;
    const vq = v[k * d + q]!;
    v[k * d + p] = c * vp - s * vq;
    v[k * d + q] = s * vp + c * vq;
  }
  for (let k = 0; k < d; k++) {
    const pk = a[p * d + k]!;
    const qk = a[q * d + k]!;
    a[p * d + k] = c * pk - s * qk;
    a[q * d + k] = s * pk + c * qk;
  }
}
