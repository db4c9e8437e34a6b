/** Examples written in coordinates of the space that they span: few-shot probes then cost n², not d². */
import { multiply } from "../../linalg/index.js";

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

/** Rows that are freed of all earlier directions at once, by native products. */
const BLOCK_ROWS = 16;

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
  const r = basis.length / d;
  const coordinates = multiply(
    { rows: n, columns: d, data: centred },
    { rows: r, columns: d, data: basis },
    { transposeB: true },
  ).data;
  const toFeatures = (direction: Float64Array): Float64Array => {
    const features = new Float64Array(d);
    for (let k = 0; k < r; k++) addTo(features, direction[k]!, basis, k * d);
    return features;
  };
  return { n, r, data: coordinates, mean, toFeatures };
}

/**
 * Gram-Schmidt by blocks of rows, every projection done twice: once loses digits where rows are nearly parallel.
 *
 * @returns Row-major [r, d].
 */
function orthonormalBasis(data: Float64Array, n: number, d: number): Float64Array {
  const basis = new Float64Array(n * d);
  let r = 0;
  for (let start = 0; start < n; start += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, n - start);
    const block = data.slice(start * d, (start + rows) * d);
    const before = r;
    for (let pass = 0; pass < 2; pass++) freeOf(block, rows, basis.subarray(0, before * d), d);
    for (let i = 0; i < rows; i++) {
      const row = block.subarray(i * d, (i + 1) * d);
      const first = lengthOf(row, 0, d);
      for (let pass = 0; pass < 2; pass++) {
        for (let k = before; k < r; k++) addTo(row, -dotAt(row, basis, k * d), basis, k * d);
      }
      // What cancelled within the block has left rounding errors along earlier directions that now count more.
      if (lengthOf(row, 0, d) < 0.1 * first) {
        for (let k = 0; k < r; k++) addTo(row, -dotAt(row, basis, k * d), basis, k * d);
      }
      const length = lengthOf(row, 0, d);
      if (!(length > 1e-13 * lengthOf(data, (start + i) * d, d))) continue;
      for (let j = 0; j < d; j++) basis[r * d + j] = row[j]! / length;
      r++;
    }
  }
  return basis.slice(0, r * d);
}

/** Takes off the parts of rows that lie along orthonormal directions. */
function freeOf(block: Float64Array, rows: number, directions: Float64Array, d: number): void {
  const r = directions.length / d;
  if (r === 0) return;
  const basis = { rows: r, columns: d, data: directions };
  const shares = multiply({ rows, columns: d, data: block }, basis, { transposeB: true });
  const parts = multiply(shares, basis).data;
  for (let at = 0; at < parts.length; at++) block[at]! -= parts[at]!;
}

function addTo(into: Float64Array, factor: number, from: Float64Array, start: number): void {
  for (let j = 0; j < into.length; j++) into[j]! += factor * from[start + j]!;
}

function dotAt(row: Float64Array, from: Float64Array, start: number): number {
  let sum = 0;
  for (let j = 0; j < row.length; j++) sum += row[j]! * from[start + j]!;
  return sum;
}

function lengthOf(data: Float64Array, start: number, d: number): number {
  let sum = 0;
  for (let j = start; j < start + d; j++) sum += data[j]! ** 2;
  return Math.sqrt(sum);
}
