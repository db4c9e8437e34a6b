/** Mean and covariance of a table of examples, in doubles. */
import type { Rows } from "../tensor/index.js";

/** Mean, covariance and the one fourth moment that shrinkage needs. */
export interface Moments {
  readonly n: number;
  readonly d: number;
  readonly mean: Float64Array;
  /** Row-major [d, d], divided by n (maximum likelihood, as scikit-learn's covariance estimators). */
  readonly covariance: Float64Array;
  /** Mean over examples of |x - mean|⁴. */
  readonly fourthMoment: number;
}

/** Rows handled at a time: their doubles stay in the cache while the products are formed. */
const chunkRows = 64;

/** Two passes: the mean first, then products of centred rows, so that a large common offset costs no digits. */
export function momentsOf({ n, d, data }: Rows): Moments {
  const mean = new Float64Array(d);
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) mean[j]! += data[i * d + j]!;
  for (let j = 0; j < d; j++) mean[j]! /= n;

  const covariance = new Float64Array(d * d);
  const block = new Float64Array(chunkRows * d);
  let fourth = 0;
  for (let start = 0; start < n; start += chunkRows) {
    const count = Math.min(chunkRows, n - start);
    for (let i = 0; i < count; i++) {
      let norm2 = 0;
      for (let j = 0; j < d; j++) {
        const value = data[(start + i) * d + j]! - mean[j]!;
        // Feature after feature, so that the product below reads memory in order.
        block[j * chunkRows + i] = value;
        norm2 += value * value;
      }
      fourth += norm2 * norm2;
    }
    addProducts(covariance, block, d, count);
  }
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      const value = covariance[i * d + j]! / n;
      covariance[i * d + j] = value;
      covariance[j * d + i] = value;
    }
  }
  return { n, d, mean, covariance, fourthMoment: fourth / n };
}

/** Adds block · blockᵀ to the lower triangle. */
function addProducts(into: Float64Array, block: Float64Array, d: number, count: number): void {
  for (let i = 0; i < d; i++) {
    const a = i * chunkRows;
    for (let j = 0; j <= i; j++) {
      const b = j * chunkRows;
      let sum = 0;
      for (let k = 0; k < count; k++) sum += block[a + k]! * block[b + k]!;
      into[i * d + j]! += sum;
    }
  }
}
