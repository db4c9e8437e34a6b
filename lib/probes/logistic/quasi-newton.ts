/** Logistic losses to their optimum in doubles: Newton's method, with L-BFGS between one factorisation and the next. */
import {
  type Curvature,
  type Geometry,
  meansApart,
  type Place,
  type Point,
  placeAt,
  placeOf,
  type Written,
  weightsAt,
} from "./place.js";
import { dot } from "./quadratic-model.js";

/** Where a descent ended. */
export interface Descent extends Point {
  /** The last curvature, and the number of steps since it was true. */
  readonly curvature: Curvature;
  readonly age: number;
  readonly iterations: number;
}

const MAX_ITERATIONS = 150;
/** Length of a step beside that of w after which nothing is left to find. */
const LAST_STEP = 1e-11;
/** The same, where rounding hides what a step does to the loss. */
const LAST_ROUNDED = 1e-10;
/** Way left beside the length of w, as the gradient bounds it, at which small steps need no second opinion. */
const NEAR = 1e-9;
/** Steps over which the rate of convergence is measured. */
const SPAN = 4;
/** A factorisation costs as much as about so many steps, the ones that it then still takes included. */
const WORTH = 14;
/** Steps since a curvature was true after which another search does not begin with it. */
const OLD = 7;

/**
 * Minimises sum of log losses + l2/2 |w|² over w and the intercept, for centred examples.
 *
 * Steps are those of Newton's method with a curvature that was true some steps ago, corrected by L-BFGS. A step costs
 * a few products of a matrix with a vector, a factorisation ten times that: it is done where the way left, at the rate
 * of the last steps, is longer.
 *
 * @param targets 0 or 1 for each example.
 * @param start Where a similar problem ended. Default: the difference of the class means, scaled.
 * @returns Nothing if it does not get there.
 */
export function quasiNewton(geometry: Geometry, targets: Uint8Array, start?: Descent): Descent | undefined {
  let place = start ? placeOf(geometry, targets, start) : meansApart(geometry, targets);
  let model: Model | undefined =
    start && start.age <= OLD
      ? { curvature: start.curvature, isAt: undefined, pairs: [], lengths: [] }
      : modelAt(geometry, place);
  for (let iterations = 1; iterations <= MAX_ITERATIONS && model !== undefined; iterations++) {
    const { curvature, pairs, lengths } = model;
    const step = stepFrom(geometry, curvature, pairs, place);
    const decrement = -dot(place.gradient, step.dual) - place.residual * step.intercept;
    const ended = ({ w, intercept }: Point): Descent => ({
      w,
      intercept,
      curvature,
      age: lengths.length,
      iterations,
    });
    if (decrement === 0) return ended(place);
    const found = decrement > 0 ? search(geometry, targets, place, step, decrement) : undefined;
    if (found === undefined) {
      // An old curvature may point wrong; a fresh one may not.
      if (model.isAt === place) return undefined;
      model = modelAt(geometry, place);
      continue;
    }
    const { next, fraction } = found;
    const pair = pairOf(place, next, step, fraction);
    lengths.push(lengthOf(step, fraction, next));
    const limit = pair && next.loss < place.loss ? LAST_STEP : LAST_ROUNDED;
    place = next;
    if (pair) pairs.push(pair);
    if (lengths.at(-1)! <= limit) {
      const isTrue = model.isAt !== undefined && lengths.length <= SPAN;
      if (isTrue || isNear(geometry, place)) return ended(place);
      model = modelAt(geometry, place);
    } else if (wayLeft(lengths) > WORTH) model = modelAt(geometry, place);
  }
  return undefined;
}

/** A curvature, and what was learned since it was true. */
interface Model {
  readonly curvature: Curvature;
  /** Where it is true, if that was in this descent. */
  readonly isAt: Place | undefined;
  readonly pairs: Pair[];
  /** Of the steps since then. */
  readonly lengths: number[];
}

function modelAt(geometry: Geometry, place: Place): Model | undefined {
  const curvature = geometry.curvature(weightsAt(place));
  return curvature && { curvature, isAt: place, pairs: [], lengths: [] };
}

/** Whether the gradient bounds the way left: the loss bends at least by l2 in every direction. */
function isNear({ l2, dual }: Geometry, { w, dual: own, gradient }: Place): boolean {
  return Math.sqrt(dot(gradient, dual(gradient))) <= NEAR * l2 * Math.sqrt(dot(w, own));
}

/** A step that was taken, and what it did to the gradient. */
interface Pair extends Pick<Written, "w" | "dual" | "intercept"> {
  readonly gradient: Float64Array;
  readonly residual: number;
  readonly rho: number;
}

/** Steps that are left at the rate of the last ones. */
function wayLeft(lengths: readonly number[]): number {
  const last = lengths.length - 1;
  if (last < SPAN) return 0;
  const rate = Math.log(lengths[last - SPAN]! / lengths[last]!) / SPAN;
  return rate > 0 ? Math.log(lengths[last]! / LAST_STEP) / rate : Number.POSITIVE_INFINITY;
}

/** The step to the least of the model as the pairs correct it, by the two-loop recursion of J. Nocedal (1980). */
function stepFrom(geometry: Geometry, curvature: Curvature, pairs: readonly Pair[], place: Place): Written {
  const gradient = place.gradient.slice();
  let residual = place.residual;
  const shares = new Float64Array(pairs.length);
  for (let k = pairs.length - 1; k >= 0; k--) {
    const pair = pairs[k]!;
    const share = pair.rho * (dot(pair.dual, gradient) + pair.intercept * residual);
    shares[k] = share;
    add(gradient, pair.gradient, -share);
    residual -= share * pair.residual;
  }
  const solved = curvature.solve(gradient, residual);
  const { w } = solved;
  const dual = geometry.dual(w);
  let { intercept } = solved;
  for (let k = 0; k < pairs.length; k++) {
    const pair = pairs[k]!;
    const share = shares[k]! - pair.rho * (dot(pair.gradient, dual) + pair.residual * intercept);
    add(w, pair.w, share);
    if (dual !== w) add(dual, pair.dual, share);
    intercept += share * pair.intercept;
  }
  negate(w);
  if (dual !== w) negate(dual);
  return { w, dual, intercept: -intercept, image: geometry.image(w, dual) };
}

/** The first of the halved steps that lowers the loss enough. */
function search(
  geometry: Geometry,
  targets: Uint8Array,
  place: Place,
  step: Written,
  decrement: number,
): { readonly next: Place; readonly fraction: number } | undefined {
  // Below this decrement rounding hides the decrease of the loss, and full steps are safe.
  const isClose = decrement < 1e-9 * (1 + place.loss);
  for (let fraction = 1; fraction > 1e-6; fraction /= 2) {
    const w = moved(place.w, step.w, fraction);
    const dual = step.dual === step.w ? w : moved(place.dual, step.dual, fraction);
    const image = step.image === step.dual ? dual : moved(place.image, step.image, fraction);
    const intercept = place.intercept + fraction * step.intercept;
    const next = placeAt(geometry, targets, { w, dual, image, intercept });
    if (isClose || next.loss <= place.loss - 1e-4 * fraction * decrement) return { next, fraction };
  }
  return undefined;
}

function pairOf(place: Place, next: Place, step: Written, fraction: number): Pair | undefined {
  const gradient = moved(next.gradient, place.gradient, -1);
  const residual = next.residual - place.residual;
  const product = fraction * (dot(step.dual, gradient) + step.intercept * residual);
  if (!(product > 0)) return undefined;
  const scaled = (values: Float64Array) =>
    fraction === 1 ? values : values.map((value) => fraction * value);
  const w = scaled(step.w);
  const dual = step.dual === step.w ? w : scaled(step.dual);
  return { w, dual, intercept: fraction * step.intercept, gradient, residual, rho: 1 / product };
}

/** Length of a step beside that of w, in the norm of the penalty, or beside the intercept. */
function lengthOf(step: Written, fraction: number, next: Place): number {
  const [own, all] = [dot(step.w, step.dual), dot(next.w, next.dual)];
  const weights = own > 0 ? fraction * Math.sqrt(own / all) : 0;
  return Math.max(weights, (fraction * Math.abs(step.intercept)) / (1 + Math.abs(next.intercept)));
}

function moved(from: Float64Array, by: Float64Array, factor: number): Float64Array {
  const to = new Float64Array(from.length);
  for (let j = 0; j < to.length; j++) to[j] = from[j]! + factor * by[j]!;
  return to;
}

function add(to: Float64Array, values: Float64Array, factor: number): void {
  for (let j = 0; j < to.length; j++) to[j]! += factor * values[j]!;
}

function negate(values: Float64Array): void {
  for (let j = 0; j < values.length; j++) values[j] = -values[j]!;
}
