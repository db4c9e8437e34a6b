/** The optimum of a logistic probe whose examples do not fit in memory: Newton's method in passes over chunks. */
import { AssayError } from "../../errors.js";
import {
  cholesky,
  featureMoments,
  logisticCurvature,
  logisticLoss,
  solveLower,
  solveLowerTransposed,
} from "../../linalg/index.js";
import { joinRows, type LabelledRows, type Rows } from "../../tensor/index.js";
import type { TwoClassChunks, TwoClasses } from "../probe.js";
import type { Optimum } from "./preconditioned.js";

/** Elements of all chunks up to which they are put together: 128 MB of floats. */
const GATHERED = 2 ** 25;
/** Features beyond which the curvature of all pairs does not fit either. */
const MAX_FEATURES = 8192;
const MAX_PASSES = 60;
/** A step this much smaller than the weights leaves, by a curvature in floats, less than 1e-10 of them. */
const LAST_STEP = 1e-6;

/** All chunks as one table, or nothing if they are too large together. */
export function gathered(
  { chunks, ...labels }: TwoClassChunks,
  most: number = GATHERED,
): TwoClasses | undefined {
  const parts: Rows[] = [];
  let size = 0;
  for (const table of chunks) {
    parts.push(table);
    size += table.data.length;
    if (size > most) return undefined;
  }
  return { ...(parts.length === 1 ? parts[0]! : joinRows(parts)), ...labels };
}

/**
 * Minimises sum of log losses + l2/2 |w|² over weights and intercept, with one chunk in memory at a time.
 *
 * Each pass gives the loss and its gradient in doubles and the curvature in floats; six to ten passes are usual.
 *
 * @throws AssayError TOO_LARGE for more than 8192 features; NOT_CONVERGED where l2 is 0 and there is no optimum, or
 *   features are too nearly dependent.
 */
export function streamedOptimum({ chunks, counts }: Omit<TwoClassChunks, "classes">, l2: number): Optimum {
  const { mean: centre } = featureMoments(chunks);
  const d = centre.length;
  if (d > MAX_FEATURES) {
    throw new AssayError(
      "TOO_LARGE",
      `fitLogistic: ${d} features in chunks are more than ${MAX_FEATURES}. Use a narrower tap, or pool positions first.`,
      { d },
    );
  }
  let point = new Float64Array(d + 1);
  point[d] = Math.log(counts[1] / counts[0]);
  let at = pass(chunks, centre, point, l2);
  for (let iterations = 1; iterations <= MAX_PASSES; iterations++) {
    const step = newtonStep(at, l2);
    const decrement = at.gradient.reduce((sum, value, j) => sum + value * step[j]!, 0);
    const moved = (size: number): Float64Array<ArrayBuffer> =>
      point.map((value, j) => value - size * step[j]!);
    if (maxAbs(step) <= LAST_STEP * maxAbs(point)) return inFeatures(moved(1), centre, iterations);
    // Below this decrement rounding hides the decrease of the loss, and full steps are safe.
    const isClose = decrement < 1e-9 * (1 + at.loss);
    for (let size = 1; ; size /= 2) {
      const next = moved(size);
      const there = pass(chunks, centre, next, l2);
      if (isClose || there.loss <= at.loss - 1e-4 * size * decrement || size < 1e-8) {
        point = next;
        at = there;
        break;
      }
    }
    if (l2 === 0 && at.loss < 1e-6) break;
  }
  throw new AssayError(
    "NOT_CONVERGED",
    l2 === 0
      ? "fitLogistic: without a penalty there is no finite optimum, because the classes can be separated. Set l2 above 0, e.g. { l2: 1 }."
      : `fitLogistic: no optimum after ${MAX_PASSES} passes over the chunks. Scale the features, or raise l2.`,
    { l2 },
  );
}

interface Place {
  readonly loss: number;
  /** By the weights, then by the intercept of centred examples. */
  readonly gradient: Float64Array;
  /** Row-major [d + 1, d + 1]. */
  readonly curvature: Float64Array;
}

function pass(chunks: Iterable<LabelledRows>, centre: Float64Array, point: Float64Array, l2: number): Place {
  const d = centre.length;
  const { weights, intercept } = inFeatures(point, centre, 0);
  const gradient = new Float64Array(d + 1);
  const curvature = new Float64Array((d + 1) ** 2);
  let loss = 0;
  for (const table of chunks) {
    const found = logisticLoss(table, Uint8Array.from(table.labels), weights, intercept);
    loss += found.loss;
    for (let j = 0; j < d; j++) gradient[j]! += found.gradient[j]! - centre[j]! * found.residuals;
    gradient[d]! += found.residuals;
    const own = logisticCurvature(table, centre, found.logits);
    for (let i = 0; i < own.length; i++) curvature[i]! += own[i]!;
  }
  for (let j = 0; j < d; j++) {
    loss += (l2 / 2) * weights[j]! ** 2;
    gradient[j]! += l2 * weights[j]!;
  }
  return { loss, gradient, curvature };
}

function newtonStep({ gradient, curvature }: Place, l2: number): Float64Array {
  const size = gradient.length;
  for (let j = 0; j < size; j++) {
    const k = j * (size + 1);
    // Floats do not tell entries below 1e-7 of the diagonal from rounding.
    curvature[k] = curvature[k]! * (1 + 1e-6) + (j < size - 1 ? l2 : 0);
  }
  const decomposition = cholesky(curvature, size);
  if (typeof decomposition === "number") {
    throw new AssayError(
      "NOT_CONVERGED",
      `fitLogistic: feature ${decomposition} depends on earlier ones, or the classes can be separated. Raise l2.`,
      { feature: decomposition, l2 },
    );
  }
  const step = gradient.slice();
  solveLower(decomposition.factor, size, step);
  solveLowerTransposed(decomposition.factor, size, step);
  return step;
}

function inFeatures(point: Float64Array, centre: Float64Array, iterations: number): Optimum {
  const d = centre.length;
  const weights = point.slice(0, d);
  const intercept = point[d]! - weights.reduce((sum, value, j) => sum + value * centre[j]!, 0);
  return { weights, intercept, iterations };
}

const maxAbs = (values: Float64Array): number =>
  values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
