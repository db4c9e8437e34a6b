/** Mean and covariance of a table of examples, in doubles. */

import type { Rows } from "../tensor/index.js";
import { columnSums, crossProducts } from "./chunks.js";
import type { Matrix } from "./multiply.js";

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

/** Rows handled at a time: enough for a fast product, little enough to need no second copy of the data. */
const chunkRows = 1024;

/** Two passes: the mean first, then products of centred rows, so that a large common offset costs no digits. */
export function momentsOf(table: Rows): Moments {
  const { n, d } = table;
  const mean = meanOf(table);
  const { products, squaredNorms } = crossProducts(table, mean);
  let fourth = 0;
  for (const norm of squaredNorms) fourth += norm * norm;
  return { n, d, mean, covariance: products.map((sum) => sum / n), fourthMoment: fourth / n };
}

/** Mean of each feature. */
export const meanOf = (table: Rows): Float64Array => columnSums(table).map((sum) => sum / table.n);

/** Rows `from` up to, not including, `to`, in doubles, less the mean. */
export function centredRows({ d, data }: Rows, mean: Float64Array, from: number, to: number): Matrix {
  const centred = new Float64Array((to - from) * d);
  for (let i = from; i < to; i++) {
    for (let j = 0; j < d; j++) centred[(i - from) * d + j] = data[i * d + j]! - mean[j]!;
  }
  return { rows: to - from, columns: d, data: centred };
}

/** Calls `use` with one chunk of centred rows after the other. */
export function eachChunk(
  table: Rows,
  mean: Float64Array,
  use: (block: Matrix, start: number) => void,
): void {
  for (let start = 0; start < table.n; start += chunkRows) {
    use(centredRows(table, mean, start, Math.min(table.n, start + chunkRows)), start);
  }
}

/** Sum of squares of each row. */
export function squaredNorms({ rows, columns, data }: Matrix): Float64Array {
  const norms = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = i * columns; j < (i + 1) * columns; j++) sum += data[j]! ** 2;
    norms[i] = sum;
  }
  return norms;
}
