/** Logistic probes, fitted to the exact optimum by Newton's method. */
import { AssayError } from "../../errors.js";
import { choleskyFactor, multiply, solveLower, solveLowerTransposed } from "../../linalg/index.js";
import { type Examples, isOneTensor, type Labels } from "../../tensor/index.js";
import { type LinearProbe, linearProbe, type TwoClasses, twoClassChunks } from "../probe.js";
import { type Optimum, preconditioned } from "./preconditioned.js";
import { type Coordinates, coordinatesOf } from "./row-space.js";
import { smallOptima } from "./small-logistic.js";
import { gathered, streamedOptimum } from "./streamed-logistic.js";

/** A logistic probe: its logits are log odds. */
export interface LogisticProbe extends LinearProbe {
  readonly l2: number;
  /** Newton steps that were taken. */
  readonly iterations: number;
  /** Probability of the second class for each example of `y` [n, ...]. */
  probabilities(y: Examples): Float64Array;
}

/** Options of {@link fitLogistic}. */
export interface LogisticOptions {
  /** Weight of the penalty l2/2 |w|². Default 1. 0 asks for the unpenalised optimum, which may not exist. */
  readonly l2?: number;
}

/**
 * Fits a logistic probe: minimises the sum of log losses + l2/2 |w|² over weights and a free intercept.
 *
 * Features are taken as given; scale them first if they should count alike. scikit-learn's
 * `LogisticRegression(C = 1 / l2)` has the same optimum, but its default solver stops up to 3e-4 away from it;
 * here the coefficients are within 1e-8 of it. Constant features get weight 0. With fewer examples than
 * features the work is done in the span of the examples.
 *
 * A probe says that a label *can* be read off linearly, not that the model uses it, nor that it reads the
 * cause: a probe for triggered inputs may read the trigger's own pixels or words. Draw controls beside it.
 *
 * @param x Activations [n, ...]; every axis after the first is flattened into features. Chunks of them are put
 *   together up to 128 MB of floats, and read in six to ten passes beyond.
 * @param labels n integers or booleans of exactly two classes; the larger is the positive one.
 * @throws AssayError INVALID_ARGUMENT for one class or more than two; NOT_CONVERGED if l2 is 0 and the classes
 *   are separable or features are linearly dependent; SHAPE_MISMATCH, TYPE_MISMATCH, NOT_FINITE.
 * @example
 * const probe = probes.fitLogistic(await model.activations(train.inputs, { at }), train.labels, { l2: 1 });
 * probes.evaluate(probe, await model.activations(heldOut.inputs, { at }), heldOut.labels)
 */
export function fitLogistic(x: Examples, labels: Labels, options: LogisticOptions = {}): LogisticProbe {
  const { l2 = 1 } = options;
  return fitLogistics(x, labels, [l2])[0]!;
}

/** One {@link fitLogistic} for each penalty, in less time. */
export function fitLogistics(x: Examples, labels: Labels, penalties: readonly number[]): LogisticProbe[] {
  const wrong = penalties.find((l2) => !(l2 >= 0 && Number.isFinite(l2)));
  if (wrong !== undefined) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `fitLogistic: l2 must be a number of at least 0, got ${wrong}.`,
      { l2: wrong },
    );
  }
  const set = twoClassChunks(x, labels, "fitLogistic");
  const whole = gathered(set, isOneTensor(x) ? Number.POSITIVE_INFINITY : undefined);
  const optima = whole ? optimaOf(whole, penalties) : penalties.map((l2) => streamedOptimum(set, l2));
  return optima.map(({ weights, intercept, iterations }, k) => {
    const probe = linearProbe("logistic", weights, intercept, set);
    return {
      ...probe,
      l2: penalties[k]!,
      iterations,
      probabilities: (y) => probe.logits(y).map((logit) => 1 / (1 + Math.exp(-logit))),
    };
  });
}

/** Elements of a table from which native passes are faster than copies in doubles. */
const LARGE = 200_000;

function optimaOf(set: TwoClasses, penalties: readonly number[]): Optimum[] {
  const isSmall = set.n <= set.d || set.n * set.d < LARGE * penalties.length;
  const found = penalties.includes(0)
    ? []
    : isSmall
      ? smallOptima(set, penalties)
      : penalties.map((l2) => preconditioned(set, l2));
  return penalties.map((l2, k) => found[k] ?? newtonOptimum(set, l2));
}

function newtonOptimum(set: TwoClasses, l2: number): Optimum {
  const coordinates = coordinatesOf(set.n, set.d, set.data);
  const { solution, iterations } = minimise(coordinates, set, l2);
  const weights = coordinates.toFeatures(solution.slice(0, coordinates.r));
  let intercept = solution[coordinates.r]!;
  for (let j = 0; j < set.d; j++) intercept -= weights[j]! * coordinates.mean[j]!;
  return { weights, intercept, iterations };
}

const maxIterations = 100;

/** Damped Newton on (weights, intercept); features are centred, so the two hardly interact. */
function minimise(
  { n, r, data }: Coordinates,
  { targets, counts }: TwoClasses,
  l2: number,
): { solution: Float64Array; iterations: number } {
  let solution = new Float64Array(r + 1);
  solution[r] = Math.log(counts[1] / counts[0]);
  let logits = logitsOf(solution, n, r, data);
  let loss = lossOf(solution, logits, targets, l2);
  for (let iteration = 1; iteration <= maxIterations; iteration++) {
    const { step, decrement } = newtonStep(solution, logits, { n, r, data }, targets, l2);
    let size = 1;
    let next = solution;
    // Below this decrement rounding hides the decrease of the loss, and full steps are safe.
    const isClose = decrement < 1e-9 * (1 + loss);
    for (; ; size /= 2) {
      const factor = size;
      next = solution.map((value, j) => value - factor * step[j]!);
      logits = logitsOf(next, n, r, data);
      const nextLoss = lossOf(next, logits, targets, l2);
      if (isClose || nextLoss <= loss - 1e-4 * size * decrement || size < 1e-10) {
        loss = nextLoss;
        break;
      }
    }
    const change = maxAbs(step) * size;
    solution = next;
    if (l2 === 0 && loss < 1e-6) throw noOptimum("the classes can be separated perfectly");
    if (change <= 1e-13 * Math.max(maxAbs(solution), 1e-300) || (isClose && decrement < 1e-26 * (1 + loss))) {
      return { solution, iterations: iteration };
    }
  }
  if (l2 === 0) throw noOptimum(`the weights still grow after ${maxIterations} Newton steps`);
  return { solution, iterations: maxIterations };
}

function newtonStep(
  solution: Float64Array,
  logits: Float64Array,
  { n, r, data }: Pick<Coordinates, "n" | "r" | "data">,
  targets: Uint8Array,
  l2: number,
): { step: Float64Array; decrement: number } {
  const size = r + 1;
  const gradient = new Float64Array(size);
  const hessian = new Float64Array(size * size);
  for (let j = 0; j < r; j++) {
    gradient[j] = l2 * solution[j]!;
    hessian[j * size + j] = l2;
  }
  const scaled = new Float64Array(n * r);
  for (let i = 0; i < n; i++) {
    const p = 1 / (1 + Math.exp(-logits[i]!));
    const residual = targets[i] ? -1 / (1 + Math.exp(logits[i]!)) : p;
    const curvature = p / (1 + Math.exp(logits[i]!));
    const root = Math.sqrt(curvature);
    gradient[r]! += residual;
    hessian[r * size + r]! += curvature;
    for (let j = 0, at = i * r; j < r; j++, at++) {
      const value = data[at]!;
      gradient[j]! += residual * value;
      hessian[r * size + j]! += curvature * value;
      scaled[at] = root * value;
    }
  }
  const block = { rows: n, columns: r, data: scaled };
  const products = multiply(block, block, { transposeA: true }).data;
  for (let j = 0; j < r; j++) for (let k = 0; k <= j; k++) hessian[j * size + k]! += products[j * r + k]!;
  const factor = choleskyFactor(hessian, size);
  if (typeof factor === "number") {
    throw noOptimum("the features of the examples are linearly dependent, or the classes can be separated");
  }
  const step = gradient.slice();
  solveLower(factor, size, step);
  solveLowerTransposed(factor, size, step);
  return { step, decrement: gradient.reduce((sum, value, j) => sum + value * step[j]!, 0) };
}

function logitsOf(solution: Float64Array, n: number, r: number, data: Float64Array): Float64Array {
  const logits = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = solution[r]!;
    for (let j = 0, at = i * r; j < r; j++) sum += solution[j]! * data[at + j]!;
    logits[i] = sum;
  }
  return logits;
}

function lossOf(solution: Float64Array, logits: Float64Array, targets: Uint8Array, l2: number): number {
  let sum = 0;
  for (let j = 0; j < solution.length - 1; j++) sum += (l2 / 2) * solution[j]! ** 2;
  for (let i = 0; i < logits.length; i++) {
    const margin = targets[i] ? logits[i]! : -logits[i]!;
    // log(1 + exp(-margin)) without overflow.
    sum += Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin)));
  }
  return sum;
}

const maxAbs = (values: Float64Array): number =>
  values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);

function noOptimum(why: string): AssayError {
  return new AssayError(
    "NOT_CONVERGED",
    `fitLogistic: without a penalty there is no finite optimum, because ${why}. Set l2 above 0, e.g. { l2: 1 }.`,
    { l2: 0 },
  );
}
