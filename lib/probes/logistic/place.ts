/** Where a logistic probe stands: its weights, written one way or another, and the loss there with its gradient. */
import { dot } from "./quadratic-model.js";

/** How the weights w of a probe are written as numbers, and what is known of the loss in that writing. */
export interface Geometry {
  /** Weight of the penalty l2/2 |w|². */
  readonly l2: number;
  /** The numbers whose dot product with another w, or with a gradient, is their inner product. */
  dual(w: Float64Array): Float64Array;
  /** The inner product of w with each example. */
  image(w: Float64Array, dual: Float64Array): Float64Array;
  /** Sum of the examples, each times its residual: a gradient. */
  gradient(residuals: Float64Array): Float64Array;
  /** The loss's second derivatives where an example adds `weights` to them; nothing if they are singular in doubles. */
  curvature(weights: Float64Array): Curvature | undefined;
}

/** Second derivatives by w and the intercept. */
export interface Curvature {
  /** Their inverse times a gradient by w and by the intercept. */
  solve(gradient: Float64Array, residual: number): Point;
}

/** A w, and the intercept beside it. */
export interface Point {
  readonly w: Float64Array;
  readonly intercept: number;
}

/** A w with what follows from it. */
export interface Written extends Point {
  readonly dual: Float64Array;
  /** Logits without the intercept. */
  readonly image: Float64Array;
}

/** A w with the loss there. */
export interface Place extends Written {
  readonly loss: number;
  readonly gradient: Float64Array;
  /** The gradient by the intercept. */
  readonly residual: number;
}

/** The loss at a w. */
export function placeOf(geometry: Geometry, targets: Uint8Array, { w, intercept }: Point): Place {
  const dual = geometry.dual(w);
  return placeAt(geometry, targets, { w, intercept, dual, image: geometry.image(w, dual) });
}

/** The loss at a w whose inner products are known. */
export function placeAt(geometry: Geometry, targets: Uint8Array, at: Written): Place {
  const { l2 } = geometry;
  const residuals = new Float64Array(targets.length);
  let loss = (l2 / 2) * dot(at.w, at.dual);
  let residual = 0;
  // The logarithm of a product in place of the sum of logarithms, which take as long as all else here.
  let product = 1;
  for (let i = 0; i < targets.length; i++) {
    const logit = at.image[i]! + at.intercept;
    const margin = targets[i] ? logit : -logit;
    // e = exp(-|margin|) serves the loss and the residual, and never overflows.
    const e = Math.exp(-Math.abs(margin));
    if (margin < 0) loss -= margin;
    product *= 1 + e;
    if (product > 1e200) {
      loss += Math.log(product);
      product = 1;
    }
    const miss = (margin < 0 ? 1 : e) / (1 + e);
    residuals[i] = targets[i] ? -miss : miss;
    residual += residuals[i]!;
  }
  loss += Math.log(product);
  const gradient = geometry.gradient(residuals);
  for (let j = 0; j < gradient.length; j++) gradient[j]! += l2 * at.w[j]!;
  return { ...at, loss, gradient, residual };
}

/** p (1 - p) of each example. */
export function weightsAt({ image, intercept }: Written): Float64Array {
  const weights = new Float64Array(image.length);
  for (let i = 0; i < weights.length; i++) {
    const e = Math.exp(-Math.abs(image[i]! + intercept));
    weights[i] = e / ((1 + e) * (1 + e));
  }
  return weights;
}

/** The difference of the class means, at about the length that serves best: steepest descent from no weights. */
export function meansApart(geometry: Geometry, targets: Uint8Array): Place {
  const n = targets.length;
  let positives = 0;
  for (let i = 0; i < n; i++) positives += targets[i]!;
  const intercept = Math.log(positives / (n - positives));
  const shares = Float64Array.from(targets, (target) => target - positives / n);
  const w = geometry.gradient(shares);
  const dual = geometry.dual(w);
  const image = geometry.image(w, dual);
  const square = geometry.l2 * dot(w, dual);
  let factor = 0;
  for (let round = 0; round < 6; round++) {
    let slope = factor * square;
    let bend = square;
    for (let i = 0; i < n; i++) {
      const p = 1 / (1 + Math.exp(-(factor * image[i]! + intercept)));
      slope += (p - targets[i]!) * image[i]!;
      bend += p * (1 - p) * image[i]! * image[i]!;
    }
    if (!(bend > 0)) break;
    // A step that leads past the least is too long where the loss flattens.
    factor = Math.min(
      Math.max(factor - slope / bend, factor / 4),
      factor === 0 ? Number.POSITIVE_INFINITY : 4 * factor,
    );
  }
  const scaled = (values: Float64Array) => values.map((value) => factor * value);
  const [sw, sd] = [scaled(w), scaled(dual)];
  return placeAt(geometry, targets, {
    w: sw,
    dual: dual === w ? sw : sd,
    image: image === dual ? sd : scaled(image),
    intercept,
  });
}
