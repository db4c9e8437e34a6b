/** Principal directions of clean examples, for whitening and for what they leave over. */
import { AssayError } from "../errors.js";
import {
  eachChunk,
  type Matrix,
  type Moments,
  momentsOf,
  multiply,
  symmetricEigen,
  topEigen,
} from "../linalg/index.js";
import type { Rows } from "../tensor/index.js";

/** Directions of largest variance first. */
export interface PrincipalDirections {
  readonly mean: Float64Array;
  /** Row-major [k, d], orthonormal rows. */
  readonly directions: Matrix;
  /** Variance along each, falling. */
  readonly variances: Float64Array;
  /** Sum of all variances, kept or not. */
  readonly total: number;
}

/** Directions whose variance is at least `smallest` times the largest one. */
export function principalDirections(moments: Moments, smallest = 1e-5): PrincipalDirections {
  const { d, mean, covariance } = moments;
  const { values, vectors } = symmetricEigen(covariance, d);
  const largest = values[d - 1]!;
  if (!(largest > 0)) throw constantFeatures(d);
  const kept = values.filter((value) => value >= smallest * largest).length;
  const data = new Float64Array(kept * d);
  for (let k = 0; k < kept; k++) data.set(vectors.subarray((d - 1 - k) * d, (d - k) * d), k * d);
  return {
    mean,
    directions: { rows: kept, columns: d, data },
    variances: values.slice(d - kept).reverse(),
    total: values.reduce((sum, value) => sum + Math.max(0, value), 0),
  };
}

/** The `count` directions of largest variance only: much faster where they are few of many. */
export function leadingDirections(moments: Moments, count: number): PrincipalDirections {
  const { d, mean, covariance } = moments;
  const { values, vectors } = topEigen(covariance, d, Math.min(count, d));
  let total = 0;
  for (let j = 0; j < d; j++) total += covariance[j * d + j]!;
  if (!(values[0]! > 0)) throw constantFeatures(d);
  const directions = { rows: values.length, columns: d, data: vectors };
  return { mean, directions, variances: values.map((value) => Math.max(0, value)), total };
}

/** As many leading directions as explain a share of the variance. */
export function explainingDirections(moments: Moments, share: number): PrincipalDirections {
  for (let count = 16; ; count *= 4) {
    const { variances, directions, ...rest } = leadingDirections(moments, count);
    let kept = 0;
    let sum = 0;
    while (kept < variances.length && sum < share * rest.total * (1 - 1e-12)) sum += variances[kept++]!;
    if (sum < share * rest.total * (1 - 1e-12) && variances.length < moments.d) continue;
    const data = directions.data.slice(0, kept * moments.d);
    return { ...rest, variances: variances.slice(0, kept), directions: { ...directions, rows: kept, data } };
  }
}

function constantFeatures(d: number): AssayError {
  return new AssayError(
    "SINGULAR_COVARIANCE",
    `the ${d} features of the examples do not vary at all: fit on other examples or at another tap.`,
    {
      d,
    },
  );
}

/** The directions, each over its standard deviation: [k, d]. */
export function whiteningOf({ directions, variances }: PrincipalDirections): Matrix {
  const d = directions.columns;
  const data = directions.data.map((value, at) => value / Math.sqrt(variances[Math.floor(at / d)]!));
  return { ...directions, data };
}

/** Rows in coordinates in which the clean examples have mean 0 and the identity as covariance. */
export function whiten(table: Rows, frame: PrincipalDirections): Matrix {
  const turn = whiteningOf(frame);
  const k = turn.rows;
  const whitened = new Float64Array(table.n * k);
  eachChunk(table, frame.mean, (block, start) => {
    whitened.set(multiply(block, turn, { transposeB: true }).data, start * k);
  });
  return { rows: table.n, columns: k, data: whitened };
}

/** A matrix as a table of examples. */
export const asRows = ({ rows, columns, data }: Matrix): Rows => ({ n: rows, d: columns, data });

/** Moments of a matrix of examples. */
export const momentsOfMatrix = (matrix: Matrix): Moments => momentsOf(asRows(matrix));
