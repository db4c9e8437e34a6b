/** Two ways to write the weights of a logistic probe: feature by feature, or example by example. */
import {
  type Centred,
  choleskyFactor,
  type Matrix,
  multiply,
  solveLower,
  solveLowerTransposed,
  transposed,
  weightedProducts,
} from "../../linalg/index.js";
import type { Curvature, Geometry } from "./place.js";
import { dot } from "./quadratic-model.js";

/** A probe's weights as they are. */
export function featureGeometry(x: Centred): (l2: number) => Geometry {
  // A product with a column is three times as fast as one with a row.
  const turned = transposed(x);
  return (l2) => ({
    l2,
    dual: (w) => w,
    image: (w) => times(x, w),
    gradient: (residuals) => times(turned, residuals),
    curvature: (weights) => featureCurvature(x, l2, weights),
  });
}

/** xᵀ W x + l2, bordered by the intercept. */
function featureCurvature(x: Centred, l2: number, weights: Float64Array): Curvature | undefined {
  const { rows: n, columns: d } = x;
  const size = d + 1;
  const matrix = new Float64Array(size * size);
  const { products, sums } = weightedProducts(x, weights);
  matrix.set(sums, d * size);
  for (let i = 0; i < n; i++) matrix[d * size + d]! += weights[i]!;
  for (let j = 0; j < d; j++) {
    matrix.set(products.subarray(j * d, j * d + j + 1), j * size);
    matrix[j * size + j]! += l2;
  }
  const factor = choleskyFactor(matrix, size);
  if (typeof factor === "number") return undefined;
  return {
    solve(gradient, residual) {
      const solution = new Float64Array(size);
      solution.set(gradient);
      solution[d] = residual;
      solved(factor, solution);
      return { w: solution.slice(0, d), intercept: solution[d]! };
    },
  };
}

/** Weights as sums of the examples, which the optimum is: one unknown for each example in place of each feature. */
export function exampleGeometry(x: Centred): (l2: number) => Geometry {
  const gram = multiply(x, x, { transposeB: true });
  return (l2) => ({
    l2,
    dual: (w) => times(gram, w),
    image: (_, dual) => dual,
    gradient: (residuals) => residuals,
    curvature: (weights) => exampleCurvature(gram, l2, weights),
  });
}

/** W K + l2, bordered by the intercept, through the factor of l2 + √W K √W, which is never singular. */
function exampleCurvature(gram: Matrix, l2: number, weights: Float64Array): Curvature | undefined {
  const n = gram.rows;
  const root = weights.map((weight) => Math.sqrt(Math.max(weight, 1e-300)));
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const own = root[i]!;
    for (let k = 0; k <= i; k++) matrix[i * n + k] = own * gram.data[i * n + k]! * root[k]!;
    matrix[i * n + i]! += l2;
  }
  const factor = choleskyFactor(matrix, n);
  if (typeof factor === "number") return undefined;
  const constant = solved(factor, root.slice());
  const weight = dot(root, constant);
  return {
    solve(gradient, residual) {
      const w = new Float64Array(n);
      let sum = 0;
      for (let i = 0; i < n; i++) {
        w[i] = gradient[i]! / root[i]!;
        sum += gradient[i]!;
      }
      solved(factor, w);
      const intercept = (dot(root, w) - (sum - residual) / l2) / weight;
      for (let i = 0; i < n; i++) w[i] = root[i]! * (w[i]! - intercept * constant[i]!);
      return { w, intercept };
    },
  };
}

function solved(factor: Float64Array, right: Float64Array): Float64Array {
  solveLower(factor, right.length, right);
  solveLowerTransposed(factor, right.length, right);
  return right;
}

const times = (matrix: Matrix, vector: Float64Array): Float64Array =>
  multiply(matrix, { rows: vector.length, columns: 1, data: vector }).data;
