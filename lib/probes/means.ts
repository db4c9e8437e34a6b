/** Probes from class means: the plain difference, and the difference corrected by the covariance (LDA). */
import { AssayError } from "../errors.js";
import {
  type ClassMean,
  choleskyFactor,
  classMeans,
  momentsWithinClasses,
  type Shrinkage,
  shrink,
  shrinkageIntensity,
  solveLower,
  solveLowerTransposed,
} from "../linalg/index.js";
import type { Examples, Labels, Tensor } from "../tensor/index.js";
import { type LinearProbe, linearProbe, type TwoClassChunks, twoClassChunks } from "./probe.js";

/**
 * The difference of the two class means, with the threshold half-way between them.
 *
 * Needs no fit and one example of each class, but weighs loud features most: with few labels
 * {@link fitLda} is far better (AUROC 1.000 against 0.891 with four, on layers of 784 features).
 *
 * @param x Activations [n, ...], or chunks of them, which are read once.
 * @throws AssayError INVALID_ARGUMENT unless there are exactly two classes.
 */
export function fitDifferenceOfMeans(x: Examples, labels: Labels): LinearProbe {
  const set = twoClassChunks(x, labels, "fitDifferenceOfMeans");
  const { weights, middle } = differenceOf(classMeans(set.chunks));
  return linearProbe("difference of means", weights, -dot(weights, middle), set);
}

/** Options of {@link fitLda}. */
export interface LdaOptions {
  /**
   * Covariance [d, d] to correct by, e.g. `anomaly.fitGaussian(clean).covariance`. Unlabelled clean examples are
   * usually many, so this is the way with few labels. Default: within the two classes, shrunk.
   */
  readonly covariance?: Tensor;
  /** Shrinkage of the covariance within classes, when none is given. Default "ledoit-wolf". */
  readonly shrinkage?: Shrinkage;
}

/**
 * Linear discriminant: the difference of means times the inverse covariance; logits are log odds if both classes
 * are Gaussian with that covariance.
 *
 * @param x Activations [n, ...], or chunks of them, which are read twice (once if a covariance is given).
 * @throws AssayError INVALID_ARGUMENT unless there are exactly two classes; SINGULAR_COVARIANCE; SHAPE_MISMATCH.
 * @example
 * probes.fitLda(x, labels, { covariance: anomaly.fitGaussian(clean).covariance })
 */
export function fitLda(x: Examples, labels: Labels, options: LdaOptions = {}): LinearProbe {
  const set = twoClassChunks(x, labels, "fitLda");
  const means = classMeans(set.chunks);
  const { weights, middle } = differenceOf(means);
  const d = weights.length;
  const factor = choleskyFactor(covarianceOf(set, means, options), d);
  if (typeof factor === "number") {
    throw new AssayError(
      "SINGULAR_COVARIANCE",
      `fitLda: the covariance of ${d} features is singular; shrink it ("ledoit-wolf") or give that of many clean examples.`,
      { d, pivot: factor },
    );
  }
  solveLower(factor, d, weights);
  solveLowerTransposed(factor, d, weights);
  const odds = Math.log(set.counts[1] / set.counts[0]);
  return linearProbe("LDA", weights, odds - dot(weights, middle), set);
}

function covarianceOf(
  { chunks }: TwoClassChunks,
  means: readonly ClassMean[],
  { covariance, shrinkage = "ledoit-wolf" }: LdaOptions,
): Float64Array {
  if (covariance) {
    const d = means[0]!.mean.length;
    if (covariance.dims.length !== 2 || covariance.dims[0] !== d || covariance.dims[1] !== d) {
      throw new AssayError(
        "SHAPE_MISMATCH",
        `fitLda: the covariance is [${covariance.dims.join(", ")}], features are ${d}.`,
        { dims: covariance.dims, d },
      );
    }
    return Float64Array.from(covariance.data as ArrayLike<number>);
  }
  const moments = momentsWithinClasses(chunks, means);
  return shrink(moments, shrinkageIntensity(moments, shrinkage));
}

function differenceOf(means: readonly ClassMean[]): { weights: Float64Array; middle: Float64Array } {
  const [low, high] = means.map(({ mean }) => mean) as [Float64Array, Float64Array];
  return {
    weights: high.map((value, j) => value - low[j]!),
    middle: high.map((value, j) => (value + low[j]!) / 2),
  };
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, j) => sum + value * b[j]!, 0);
