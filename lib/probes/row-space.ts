/** Examples written in coordinates of the space that they span: few-shot probes then cost n², not d². */

/** Centred examples in an orthonormal basis of at most d directions. */
export interface Coordinates {
  readonly n: number;
  /** Number of coordinates. */
  readonly r: number;
  /** Row-major [n, r]. */
  readonly data: Float64Array;
  /** Feature means that were subtracted. */
  readonly mean: Float64Array;
  /** Turns a direction in coordinates into one in features. */
  toFeatures(direction: Float64Array): Float64Array;
}

/**
 * Centres examples, and where there are fewer of them than features, keeps only the directions they span.
 *
 * An L2 penalty makes the optimal direction lie in that span and keeps its length, so nothing is lost.
 */
export function coordinatesOf(n: number, d: number, data: Float32Array | Float64Array): Coordinates {
  const mean = new Float64Array(d);
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) mean[j]! += data[i * d + j]!;
  for (let j = 0; j < d; j++) mean[j]! /= n;
  const centred = new Float64Array(n * d);
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) centred[i * d + j] = data[i * d + j]! - mean[j]!;
  if (n > d) return { n, r: d, data: centred, mean, toFeatures: (direction) => direction };

  const basis = orthonormalBasis(centred, n, d);
  const r = basis.length;
  const coordinates = new Float64Array(n * r);
  for (let i = 0; i < n; i++) {
    const row = centred.subarray(i * d, (i + 1) * d);
    for (let k = 0; k < r; k++) coordinates[i * r + k] = dot(row, basis[k]!);
  }
  const toFeatures = (direction: Float64Array): Float64Array => {
    const features = new Float64Array(d);
    for (let k = 0; k < r; k++) for (let j = 0; j < d; j++) features[j]! += direction[k]! * basis[k]![j]!;
    return features;
  };
  return { n, r, data: coordinates, mean, toFeatures };
}

/** Gram-Schmidt, each row orthogonalised twice: once loses digits where rows are nearly parallel. */
function orthonormalBasis(data: Float64Array, n: number, d: number): Float64Array[] {
  const basis: Float64Array[] = [];
  for (let i = 0; i < n; i++) {
    const row = data.slice(i * d, (i + 1) * d);
    const before = Math.sqrt(dot(row, row));
    for (let pass = 0; pass < 2; pass++) {
      for (const direction of basis) {
        const share = dot(row, direction);
        for (let j = 0; j < d; j++) row[j]! -= share * direction[j]!;
      }
    }
    const after = Math.sqrt(dot(row, row));
    if (after > 1e-13 * before) basis.push(row.map((value) => value / after));
  }
  return basis;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}
