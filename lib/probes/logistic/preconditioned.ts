/** The optimum of a large logistic probe: near it in floats, then by Newton steps whose gradients are doubles. */
import {
  cholesky,
  curvatureTimes,
  type FloatLoss,
  type FloatTable,
  floatLoss,
  type LogisticLoss,
  logisticCurvature,
  logisticLoss,
  meanOf,
  solveLower,
  solveLowerTransposed,
} from "../../linalg/index.js";
import { type Rows, takeRows } from "../../tensor/index.js";
import {
  conjugateGradients,
  dot,
  LEFT,
  maxAbs,
  minus,
  type Operator,
  type Quadratic,
  quadratic,
} from "./quadratic-model.js";

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

/** What may be left of the way to the optimum, relative to the largest weight. */
const TOLERANCE = 1e-10;
const MAX_ITERATIONS = 100;
/** Step relative to the largest weight at which floats are left: noise begins at 1e-6. */
const FLOAT_TOLERANCE = 1e-4;
/** Products after which a solution would have been cheaper with the curvature of all rows. */
const MANY_PRODUCTS = 30;
/** Steps that shrink by less than this over three ask for the curvature where they are. */
const SLOW = 0.2;
/** Features up to which the curvature of a sample costs less than the passes that it saves. */
const DENSE = 512;
/** The sample is this part of the rows, or as many per feature. */
const SAMPLE_PART = 4;
const SAMPLE_PER_FEATURE = 8;

/**
 * Minimises sum of log losses + l2/2 |w|² over weights and intercept.
 *
 * A pass over the examples in floats costs a quarter of one in doubles, the curvature of all rows a dozen. So
 * L-BFGS comes near the optimum in floats: from the curvature of a sample without weights (its diagonal, where
 * features are many), and from that of all rows where it is only where steps do not shrink fast, as with
 * classes that are nearly separable. Then Newton steps, solved by conjugate gradients on products with the
 * curvature in floats, refine it. The gradient of each is exact, and so is the optimum; as a rule two are enough.
 *
 * @param l2 Above 0.
 * @returns Nothing if it does not get there: features too nearly dependent for floats.
 */
export function preconditioned(set: Targeted, l2: number): Optimum | undefined {
  const { n, d } = set;
  const sample = sampleOf(set);
  const centre = meanOf(sample);
  const start = startOf(set);
  const first =
    d <= DENSE
      ? denseModel(sample, n, centre, l2, new Float64Array(sample.n).fill(start[d]!))
      : diagonalModel(sample, n, centre, l2, start[d]!);
  const modelAt = (place: Place): Quadratic | undefined => denseModel(set, n, centre, l2, place.logits);
  const floats = floatTable(set, centre);
  const near = approach(floatObjective(floats, l2), start, first, modelAt);
  if (near === undefined) return undefined;
  const found = refine(exactObjective(set, centre, l2), floats, l2, near.point, near.model, modelAt);
  if (found === undefined) return undefined;
  const weights = found.point.slice(0, d);
  return { weights, intercept: found.point[d]! - dot(weights, centre), iterations: found.iterations };
}

/** No weights, and the log odds of the classes. */
function startOf({ n, d, targets }: Targeted): Float64Array {
  const start = new Float64Array(d + 1);
  const positives = targets.reduce((sum, target) => sum + target, 0);
  start[d] = Math.log(positives / (n - positives));
  return start;
}

/** Rows spread over the table; all, where a copy would be nearly as large. */
function sampleOf(set: Rows): Rows {
  const { n, d } = set;
  const every = Math.floor(n / Math.max(SAMPLE_PER_FEATURE * Math.min(d, DENSE), n / SAMPLE_PART));
  if (every <= 1) return set;
  return takeRows(
    set,
    Uint32Array.from({ length: Math.floor(n / every) }, (_, i) => i * every),
  );
}

/** Weights, then the intercept of centred examples; what the loss is there. */
interface Place {
  readonly point: Float64Array;
  readonly loss: number;
  readonly gradient: Float64Array;
  readonly logits: Float64Array;
}

type Objective = (point: Float64Array) => Place;

function exactObjective(set: Targeted, centre: Float64Array, l2: number): Objective {
  return (point) => {
    const weights = point.subarray(0, set.d);
    const intercept = point[set.d]! - dot(weights, centre);
    return placeOf(point, logisticLoss(set, set.targets, weights, intercept), centre, l2);
  };
}

/** The table in floats; of doubles a centred copy. */
interface Floats extends FloatTable {
  readonly centre: Float64Array;
}

function floatTable({ n, d, data, targets }: Targeted, centre: Float64Array): Floats {
  if (data instanceof Float32Array) return { n, d, data, targets, centre };
  const copy = new Float32Array(n * d);
  for (let i = 0, at = 0; i < n; i++) for (let j = 0; j < d; j++, at++) copy[at] = data[at]! - centre[j]!;
  return { n, d, data: copy, targets, centre: new Float64Array(d) };
}

function floatObjective(table: Floats, l2: number): Objective {
  const { d, centre } = table;
  return (point) => {
    const weights = point.subarray(0, d);
    return placeOf(point, floatLoss(table, weights, point[d]! - dot(weights, centre)), centre, l2);
  };
}

function placeOf(
  point: Float64Array,
  found: FloatLoss | LogisticLoss,
  centre: Float64Array,
  l2: number,
): Place {
  const d = centre.length;
  const gradient = new Float64Array(d + 1);
  let squares = 0;
  for (let j = 0; j < d; j++) {
    gradient[j] = found.gradient[j]! - centre[j]! * found.residuals + l2 * point[j]!;
    squares += point[j]! * point[j]!;
  }
  gradient[d] = found.residuals;
  return { point, loss: found.loss + (l2 / 2) * squares, gradient, logits: found.logits };
}

/** A model of the loss over n rows from the curvature of all or some of them at their logits. */
function denseModel(
  sample: Rows,
  n: number,
  centre: Float64Array,
  l2: number,
  logits: Float64Array,
): Quadratic | undefined {
  const { d } = sample;
  const curvature = logisticCurvature(sample, centre, logits);
  for (let k = 0; k < curvature.length; k++) curvature[k]! *= n / sample.n;
  // Floats do not tell entries below 1e-7 of the diagonal from rounding.
  for (let j = 0; j <= d; j++) {
    const k = j * (d + 2);
    curvature[k] = curvature[k]! * (1 + 1e-6) + (j < d ? l2 : 0);
  }
  const decomposition = cholesky(curvature, d + 1);
  if (typeof decomposition === "number") return undefined;
  const { factor } = decomposition;
  return quadratic((vector) => {
    solveLower(factor, d + 1, vector);
    solveLowerTransposed(factor, d + 1, vector);
  });
}

/** A model from the variances of the features. */
function diagonalModel(
  sample: Rows,
  n: number,
  centre: Float64Array,
  l2: number,
  intercept: number,
): Quadratic {
  const { d } = sample;
  const share = 1 / (2 + 2 * Math.cosh(intercept));
  const curvature = new Float64Array(d + 1);
  for (let i = 0, at = 0; i < sample.n; i++) {
    for (let j = 0; j < d; j++, at++) curvature[j]! += (sample.data[at]! - centre[j]!) ** 2;
  }
  for (let j = 0; j < d; j++) curvature[j] = (share * n * curvature[j]!) / sample.n + l2;
  curvature[d] = share * n;
  return quadratic((vector) => {
    for (let j = 0; j <= d; j++) vector[j]! /= curvature[j]!;
  });
}

/** L-BFGS until floats stop telling steps from noise, with the model that it ends with. */
function approach(
  objective: Objective,
  start: Float64Array,
  first: Quadratic | undefined,
  modelAt: (place: Place) => Quadratic | undefined,
): { readonly point: Float64Array; readonly model: Quadratic } | undefined {
  let at = objective(start);
  let model = first;
  let lengths: number[] = [];
  for (let iteration = 0; iteration < MAX_ITERATIONS && model !== undefined; iteration++) {
    const next = descend(objective, at, model.step(at.gradient), 1e-6);
    if (next === undefined) {
      if (lengths.length === 0) break;
    } else {
      const moved = minus(next.point, at.point);
      model.learn(moved, minus(next.gradient, at.gradient));
      at = next;
      lengths.push(maxAbs(moved));
      if (lengths.at(-1)! <= FLOAT_TOLERANCE * maxAbs(at.point)) break;
      if (lengths.length <= 3 || lengths.at(-1)! <= SLOW * lengths.at(-4)!) continue;
    }
    model = modelAt(at);
    lengths = [];
  }
  return model && { point: at.point, model };
}

/** Newton steps with exact gradients, until the last one leaves less than the tolerance. */
function refine(
  objective: Objective,
  floats: Floats,
  l2: number,
  start: Float64Array,
  first: Quadratic,
  modelAt: (place: Place) => Quadratic | undefined,
): { readonly point: Float64Array; readonly iterations: number } | undefined {
  let at = objective(start);
  let model: Quadratic | undefined = first;
  let before = Number.POSITIVE_INFINITY;
  for (let iterations = 1; iterations <= MAX_ITERATIONS && model !== undefined; iterations++) {
    const solved = conjugateGradients(curvatureOf(floats, l2, at.logits), model, at.gradient);
    if (solved === undefined) return undefined;
    const { solution: step, products } = solved;
    const length = maxAbs(step);
    // What a step leaves: as much as the one before did, or as its solution was allowed to.
    if (length * Math.max(LEFT, length / before) <= TOLERANCE * maxAbs(at.point)) {
      return { point: minus(at.point, step), iterations };
    }
    const next = descend(objective, at, step, 1e-9);
    if (next === undefined) return undefined;
    at = next;
    before = length;
    if (products > MANY_PRODUCTS) model = modelAt(at);
  }
  return undefined;
}

/** Second derivatives of the loss in the coordinates of a place, as their action on a direction. */
function curvatureOf(floats: Floats, l2: number, logits: Float64Array): Operator {
  const { d, centre } = floats;
  const curvature = new Float32Array(logits.length);
  for (let i = 0; i < curvature.length; i++) {
    const e = Math.exp(-Math.abs(logits[i]!));
    curvature[i] = e / ((1 + e) * (1 + e));
  }
  return (direction) => {
    const weights = direction.subarray(0, d);
    const { product, sum } = curvatureTimes(floats, curvature, weights, direction[d]! - dot(weights, centre));
    const result = new Float64Array(d + 1);
    for (let j = 0; j < d; j++) result[j] = product[j]! - centre[j]! * sum + l2 * weights[j]!;
    result[d] = sum;
    return result;
  };
}

/** Halves the step until the loss falls; undefined if it never does. `noise` is the loss's own, relative. */
function descend(objective: Objective, at: Place, step: Float64Array, noise: number): Place | undefined {
  const decrement = dot(at.gradient, step);
  if (!(decrement >= 0)) return undefined;
  // Below this decrement rounding hides the decrease of the loss, and full steps are safe.
  const isClose = decrement < noise * (1 + at.loss);
  for (let size = 1; size > 1e-10; size /= 2) {
    const next = objective(at.point.map((value, j) => value - size * step[j]!));
    if (isClose || next.loss <= at.loss - 1e-4 * size * decrement) return next;
  }
  return undefined;
}
