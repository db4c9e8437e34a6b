/** Logistic probes of few examples with many features: one unknown for each example in place of each feature. */
import { choleskyFactor, multiply, solveLower, solveLowerTransposed } from "../linalg/index.js";
import type { Optimum, Targeted } from "./preconditioned.js";

const MAX_STEPS = 80;
/** A factor is kept as long as a step with it shrinks the residual by this factor. */
const FAST = 0.2;

/**
 * Minimises sum of log losses + l2/2 |w|² over weights and intercept, for n examples of at least as many features.
 *
 * At the optimum w = Xᵀα with l2 α = -(p - y) and sum α = 0, X centred. So only the Gram matrix K = X Xᵀ enters:
 * Newton steps solve with l2 + √W K √W, which is never singular, W = p (1 - p). A factor serves several steps while
 * they converge fast; the residual of each is exact, and so is the optimum.
 *
 * @param l2 Above 0.
 * @returns Nothing if it does not get there.
 */
export function dualOptimum({ n, d, data, targets }: Targeted, l2: number): Optimum | undefined {
  const mean = new Float64Array(d);
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) mean[j]! += data[i * d + j]! / n;
  const centred = new Float64Array(n * d);
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) centred[i * d + j] = data[i * d + j]! - mean[j]!;
  const examples = { rows: n, columns: d, data: centred };
  const gram = multiply(examples, examples, { transposeB: true }).data;
  const positives = targets.reduce((sum, target) => sum + target, 0);
  let place = placeAt(
    new Float64Array(n),
    new Float64Array(n),
    Math.log(positives / (n - positives)),
    targets,
    l2,
  );
  let factor: Factor | undefined;
  for (let step = 1; step <= MAX_STEPS; step++) {
    factor ??= factorAt(gram, place, n, l2);
    if (factor === undefined) return undefined;
    const { change, shift } = newtonStep(factor, place, l2);
    const moved = times(gram, change, n);
    const next = search(place, { change, shift, moved }, targets, l2);
    if (next === undefined) {
      // An old factor may point wrong; a fresh one may not.
      if (factor.at === place) return undefined;
      factor = undefined;
      continue;
    }
    const size = Math.max(largest(moved), Math.abs(shift)) * next.fraction;
    const isDone = size <= 1e-14 * Math.max(1, largest(place.logits)) || next.place.residual === 0;
    if (next.fraction < 1 || next.place.residual > FAST * place.residual) factor = undefined;
    const isStalled =
      next.place.residual >= place.residual && size <= 1e-11 * Math.max(1, largest(place.logits));
    place = next.place.residual < place.residual || !isStalled ? next.place : place;
    if (isDone || isStalled) {
      const weights = multiply({ rows: 1, columns: n, data: place.alpha }, examples).data;
      const offset = weights.reduce((sum, weight, j) => sum + weight * mean[j]!, 0);
      return { weights, intercept: place.intercept - offset, iterations: step };
    }
  }
  return undefined;
}

/** A point, and what the loss is there. */
interface Place {
  readonly alpha: Float64Array;
  /** K α. */
  readonly image: Float64Array;
  readonly intercept: number;
  readonly logits: Float64Array;
  readonly loss: number;
  /** p - y + l2 α: zero at the optimum. */
  readonly rest: Float64Array;
  /** Largest of them, or of |sum α|. */
  readonly residual: number;
  /** √(p (1 - p)). */
  readonly root: Float64Array;
}

function placeAt(
  alpha: Float64Array,
  image: Float64Array,
  intercept: number,
  targets: Uint8Array,
  l2: number,
): Place {
  const n = alpha.length;
  const [logits, rest, root] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  let loss = 0;
  let sum = 0;
  let residual = 0;
  for (let i = 0; i < n; i++) {
    const logit = image[i]! + intercept;
    const margin = targets[i] ? logit : -logit;
    const miss = 1 / (1 + Math.exp(margin));
    logits[i] = logit;
    loss += Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin))) + (l2 / 2) * alpha[i]! * image[i]!;
    rest[i] = (targets[i] ? -miss : miss) + l2 * alpha[i]!;
    root[i] = Math.sqrt(Math.max(miss * (1 - miss), 1e-300));
    sum += alpha[i]!;
    residual = Math.max(residual, Math.abs(rest[i]!));
  }
  return {
    alpha,
    image,
    intercept,
    logits,
    loss,
    rest,
    residual: Math.max(residual, l2 * Math.abs(sum)),
    root,
  };
}

interface Factor {
  readonly at: Place;
  readonly lower: Float64Array;
  /** Solution for √W 1, and √W 1 times it. */
  readonly constant: Float64Array;
  readonly weight: number;
}

/** The Cholesky factor of l2 + √W K √W. */
function factorAt(gram: Float64Array, at: Place, n: number, l2: number): Factor | undefined {
  const { root } = at;
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k <= i; k++) matrix[i * n + k] = root[i]! * gram[i * n + k]! * root[k]!;
    matrix[i * n + i]! += l2;
  }
  const lower = choleskyFactor(matrix, n);
  if (typeof lower === "number") return undefined;
  const constant = solved(lower, root.slice());
  return { at, lower, constant, weight: dot(root, constant) };
}

/** Changes of α and of the intercept. */
function newtonStep({ at, lower, constant, weight }: Factor, place: Place, l2: number) {
  const { root } = at;
  const first = solved(
    lower,
    place.rest.map((value, i) => -value / root[i]!),
  );
  const total = place.alpha.reduce((sum, value) => sum + value, 0);
  const shift = (dot(root, first) + total) / weight;
  const change = first.map((value, i) => root[i]! * (value - shift * constant[i]!));
  return Number.isFinite(shift) && l2 > 0 ? { change, shift } : { change: change.fill(0), shift: 0 };
}

/** The first of the halved steps that lowers the loss, or changes it by rounding only. */
function search(
  place: Place,
  step: { readonly change: Float64Array; readonly shift: number; readonly moved: Float64Array },
  targets: Uint8Array,
  l2: number,
): { place: Place; fraction: number } | undefined {
  for (let fraction = 1; fraction > 1e-8; fraction /= 2) {
    const next = placeAt(
      place.alpha.map((value, i) => value + fraction * step.change[i]!),
      place.image.map((value, i) => value + fraction * step.moved[i]!),
      place.intercept + fraction * step.shift,
      targets,
      l2,
    );
    if (next.loss <= place.loss + 1e-13 * Math.abs(place.loss)) return { place: next, fraction };
  }
  return undefined;
}

function solved(lower: Float64Array, right: Float64Array): Float64Array {
  solveLower(lower, right.length, right);
  solveLowerTransposed(lower, right.length, right);
  return right;
}

/** K times a vector. */
function times(gram: Float64Array, vector: Float64Array, n: number): Float64Array {
  const image = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let [s0, s1] = [0, 0];
    let k = 0;
    for (const row = i * n; k + 1 < n; k += 2) {
      s0 += gram[row + k]! * vector[k]!;
      s1 += gram[row + k + 1]! * vector[k + 1]!;
    }
    if (k < n) s0 += gram[i * n + k]! * vector[k]!;
    image[i] = s0 + s1;
  }
  return image;
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

const largest = (values: Float64Array): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
