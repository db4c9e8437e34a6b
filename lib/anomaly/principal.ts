/** Principal directions of clean examples, for whitening and for what they leave over. */
import { AssayError } from "../errors.js";
import {
  eachChunk,
  type Matrix,
  type Moments,
  momentsOf,
  multiply,
  symmetricEigen,
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
  if (!(largest > 0)) {
    throw new AssayError("SINGULAR_COVARIANCE", "the features of the clean examples do not vary at all.", {
      d,
    });
  }
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
