/** The optimum of a large logistic probe by L-BFGS: gradients in doubles, curvature in floats as preconditioner. */
import {
  cholesky,
  type LogisticLoss,
  logisticCurvature,
  logisticLoss,
  solveLower,
  solveLowerTransposed,
} from "../linalg/index.js";
import type { Rows } from "../tensor/index.js";

/** Examples with targets of 0 or 1. */
export interface Targeted extends Rows {
  readonly targets: Uint8Array;
}

/** Where the loss is least. */
export interface Optimum {
  readonly weights: Float64Array;
  readonly intercept: number;
  readonly iterations: number;
}

/** Step of the weights, relative to the largest, after which what is left is far below 1e-8. */
const TOLERANCE = 1e-10;
/** Enough of a start for a larger set. */
const START_TOLERANCE = 0.02;
const MAX_ITERATIONS = 60;
/** A step longer than this part of the one before asks for the curvature where it is now. */
const SLOW = 0.2;
/** The sample that a start is fitted to is this part of the examples, if it has enough for each feature. */
const SAMPLE_PART = 8;
const SAMPLE_PER_FEATURE = 4;

/**
 * Minimises sum of log losses + l2/2 |w|² over weights and intercept.
 *
 * Starts at the optimum of a sample. A pass over all examples costs two products with a vector, the curvature
 * hundreds of them: it is taken afresh only where steps do not shrink fast, and between that corrected by
 * differences of gradients (L-BFGS). The gradient is exact, and so is the optimum.
 *
 * @param l2 Above 0.
 * @returns Nothing if it does not get there: features too nearly dependent for floats.
 */
export function preconditioned(
  set: Targeted,
  centre: Float64Array,
  l2: number,
  tolerance = TOLERANCE,
): Optimum | undefined {
  const objective = objectiveOf(set, centre, l2);
  let at = objective.at(startOf(set, centre, l2));
  let lengthBefore = Number.POSITIVE_INFINITY;
  let model: Quadratic | undefined;
  for (let iterations = 1; iterations <= MAX_ITERATIONS; iterations++) {
    let step = model?.step(at.gradient);
    if (model === undefined || !(maxAbs(step!) < SLOW * lengthBefore)) {
      model = quadratic(objective.curvature(at));
      if (model === undefined) return undefined;
      step = model.step(at.gradient);
    }
    const next = descend(objective, at, step!);
    if (next === undefined) return undefined;
    lengthBefore = maxAbs(minus(next.point, at.point));
    model.learn(minus(next.point, at.point), minus(next.gradient, at.gradient));
    at = next;
    if (lengthBefore <= tolerance * maxAbs(at.point)) {
      const { weights, intercept } = objective.inFeatures(at.point);
      return { weights, intercept, iterations };
    }
  }
  return undefined;
}

/** The optimum of every eighth example of each class, in the point that `objective` takes; else no weights. */
function startOf(set: Targeted, centre: Float64Array, l2: number): Float64Array {
  const { n, d, data, targets } = set;
  const start = new Float64Array(d + 1);
  const positives = targets.reduce((sum, target) => sum + target, 0);
  start[d] = Math.log(positives / (n - positives));
  if (n < SAMPLE_PART * SAMPLE_PER_FEATURE * d) return start;
  const seen: [number, number] = [0, 0];
  const chosen: number[] = [];
  targets.forEach((target, i) => {
    if (seen[target as 0 | 1]++ % SAMPLE_PART === 0) chosen.push(i);
  });
  const part =
    data instanceof Float32Array ? new Float32Array(chosen.length * d) : new Float64Array(chosen.length * d);
  chosen.forEach((i, k) => {
    part.set(data.subarray(i * d, (i + 1) * d), k * d);
  });
  const sample = { n: chosen.length, d, data: part, targets: Uint8Array.from(chosen, (i) => targets[i]!) };
  const found = preconditioned(sample, centre, (l2 * chosen.length) / n, START_TOLERANCE);
  if (found === undefined) return start;
  start.set(found.weights);
  start[d] = found.intercept + dot(found.weights, centre);
  return start;
}

interface Place {
  /** Weights, then the intercept of centred examples. */
  readonly point: Float64Array;
  readonly loss: number;
  readonly gradient: Float64Array;
  readonly logits: Float64Array;
}

interface Objective {
  at(point: Float64Array): Place;
  curvature(place: Place): Float64Array;
  inFeatures(point: Float64Array): { readonly weights: Float64Array; readonly intercept: number };
}

function objectiveOf(set: Targeted, centre: Float64Array, l2: number): Objective {
  const { d } = set;
  const inFeatures: Objective["inFeatures"] = (point) => {
    const weights = point.slice(0, d);
    return { weights, intercept: point[d]! - dot(weights, centre) };
  };
  return {
    inFeatures,
    at(point) {
      const { weights, intercept } = inFeatures(point);
      const found: LogisticLoss = logisticLoss(set, set.targets, weights, intercept);
      const gradient = new Float64Array(d + 1);
      for (let j = 0; j < d; j++) {
        gradient[j] = found.gradient[j]! - centre[j]! * found.residuals + l2 * weights[j]!;
      }
      gradient[d] = found.residuals;
      return { point, loss: found.loss + (l2 / 2) * dot(weights, weights), gradient, logits: found.logits };
    },
    curvature({ logits }) {
      const curvature = logisticCurvature(set, centre, logits);
      // Floats do not tell entries below 1e-7 of the diagonal from rounding.
      for (let j = 0; j <= d; j++) {
        const k = j * (d + 2);
        curvature[k] = curvature[k]! * (1 + 1e-6) + (j < d ? l2 : 0);
      }
      return curvature;
    },
  };
}

/** Halves the step until the loss falls; undefined if it never does. */
function descend(objective: Objective, at: Place, step: Float64Array): Place | undefined {
  const decrement = dot(at.gradient, step);
  if (!(decrement >= 0)) return undefined;
  // Below this decrement rounding hides the decrease of the loss, and full steps are safe.
  const isClose = decrement < 1e-9 * (1 + at.loss);
  for (let size = 1; size > 1e-10; size /= 2) {
    const next = objective.at(at.point.map((value, j) => value - size * step[j]!));
    if (isClose || next.loss <= at.loss - 1e-4 * size * decrement) return next;
  }
  return undefined;
}

interface Quadratic {
  /** Inverse curvature times the gradient. */
  step(gradient: Float64Array): Float64Array;
  /** Corrects the curvature by a step that was taken and what it did to the gradient. */
  learn(moved: Float64Array, changed: Float64Array): void;
}

/** A quadratic model by the two-loop recursion of J. Nocedal (1980), Math. Comp. 35, from a curvature. */
function quadratic(curvature: Float64Array): Quadratic | undefined {
  const size = Math.sqrt(curvature.length);
  const decomposition = cholesky(curvature, size);
  if (typeof decomposition === "number") return undefined;
  const { factor } = decomposition;
  const pairs: { readonly moved: Float64Array; readonly changed: Float64Array; readonly rho: number }[] = [];
  return {
    step(gradient) {
      const q = gradient.slice();
      const shares = pairs.map(() => 0);
      for (let k = pairs.length - 1; k >= 0; k--) {
        const { moved, changed, rho } = pairs[k]!;
        shares[k] = rho * dot(moved, q);
        addScaled(q, changed, -shares[k]!);
      }
      solveLower(factor, size, q);
      solveLowerTransposed(factor, size, q);
      pairs.forEach(({ moved, changed, rho }, k) => {
        addScaled(q, moved, shares[k]! - rho * dot(changed, q));
      });
      return q;
    },
    learn(moved, changed) {
      const product = dot(moved, changed);
      if (product > 0) pairs.push({ moved, changed, rho: 1 / product });
    },
  };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}

function addScaled(to: Float64Array, values: Float64Array, factor: number): void {
  for (let j = 0; j < to.length; j++) to[j]! += factor * values[j]!;
}

const minus = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, j) => value - b[j]!);

const maxAbs = (values: Float64Array): number =>
  values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
