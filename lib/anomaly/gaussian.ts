/** Gaussian anomaly scores: log density and squared Mahalanobis distance of activations. */
import { AssayError } from "../errors.js";
import {
  cholesky,
  type Moments,
  momentsOfChunks,
  type Shrinkage,
  shrink,
  shrinkageIntensity,
  squaredLengths,
} from "../linalg/index.js";
import { type Examples, type Rows, rowChunks, scoreChunks, type Tensor, tensor } from "../tensor/index.js";

/** A Gaussian fitted to clean activations. */
export interface Gaussian {
  readonly kind: "gaussian";
  /** float64 [d]. */
  readonly mean: Tensor<"float64">;
  /** float64 [d, d], after shrinkage, divided by n. */
  readonly covariance: Tensor<"float64">;
  /** How the covariance was shrunk. */
  readonly method: string;
  /** Share of the shrinkage target in the covariance, from 0 to 1. */
  readonly shrinkage: number;
  /** Natural logarithm of the covariance's determinant. */
  readonly logDeterminant: number;
  /** Number of examples that it was fitted to. */
  readonly n: number;
  /** Number of features. */
  readonly d: number;
  /** What a reader of its scores should know. */
  readonly warnings: readonly string[];
  /** Natural logarithm of the density at each example of `y` [n, ...]; lower is more anomalous. */
  logDensity(y: Examples): Float64Array;
  /** Squared Mahalanobis distance of each example of `y` [n, ...] from the mean; higher is more anomalous. */
  mahalanobis(y: Examples): Float64Array;
}

/** Options of {@link fitGaussian}. */
export interface GaussianOptions {
  /** Default "ledoit-wolf". */
  readonly shrinkage?: Shrinkage;
}

/**
 * Fits a Gaussian to clean activations.
 *
 * Shows how far a new activation lies from what clean data produce. It misleads when clean data are not one
 * cloud (use a class-conditional one), and it fires on harmless novelty as on triggers: an anomaly is not a
 * backdoor. Set thresholds on clean examples that were not used for fitting; see {@link detect}.
 *
 * Everything is computed in doubles and equals scikit-learn's `LedoitWolf`, `OAS`, `EmpiricalCovariance` and
 * `ShrunkCovariance` to 1e-9. Time grows as n d² for the fit and d² per scored example.
 *
 * @param x Clean activations [n, ...]; every axis after the first is flattened into d features. Chunks of them, such
 *   as `cache.chunks(tap)`, are read once and need not be in memory at once.
 * @throws AssayError SINGULAR_COVARIANCE if it cannot be inverted, with the option that helps; SHAPE_MISMATCH,
 *   NOT_FINITE.
 * @example
 * const gaussian = anomaly.fitGaussian(await model.activations(clean.inputs, { at: "relu_2" }));
 * const distances = gaussian.mahalanobis(await model.activations(suspect.inputs, { at: "relu_2" }));
 */
export function fitGaussian(x: Examples, options: GaussianOptions = {}): Gaussian {
  const { shrinkage = "ledoit-wolf" } = options;
  const moments = momentsOfChunks(rowChunks(x, "fitGaussian"));
  const { n } = moments;
  if (n < 2) {
    throw new AssayError(
      "SINGULAR_COVARIANCE",
      `fitGaussian: a covariance needs at least 2 examples, got ${n}.`,
      { n },
    );
  }
  return gaussianOf(moments, shrinkage);
}

/** The Gaussian with given moments. */
export function gaussianOf(moments: Moments, shrinkage: Shrinkage): Gaussian {
  const { n, d, mean } = moments;
  const intensity = shrinkageIntensity(moments, shrinkage);
  const covariance = shrink(moments, intensity);
  const decomposition = cholesky(covariance, d);
  if (typeof decomposition === "number") throw singular(moments, shrinkage, decomposition);
  const { inverse, logDeterminant } = decomposition;
  const mahalanobis = (y: Examples): Float64Array => squaredDistances(y, mean, inverse);
  return {
    kind: "gaussian",
    mean: tensor("float64", [d], mean),
    covariance: tensor("float64", [d, d], covariance),
    method: typeof shrinkage === "number" ? "fixed shrinkage" : shrinkage,
    shrinkage: intensity,
    logDeterminant,
    n,
    d,
    warnings: warningsOf(moments),
    mahalanobis,
    logDensity: (y) => mahalanobis(y).map((distance) => -0.5 * (d * LOG_2PI + logDeterminant + distance)),
  };
}

const LOG_2PI = Math.log(2 * Math.PI);

/** |L⁻¹ (y - mean)|² for each example. */
function squaredDistances(y: Examples, mean: Float64Array, inverse: Float64Array): Float64Array {
  return scoreChunks(y, "mahalanobis", (table) => {
    checkFeatures(table, mean.length, "mahalanobis");
    return squaredLengths(table, mean, inverse);
  });
}

/** Refuses activations with another number of features than the detector was fitted on. */
export function checkFeatures({ n, d }: Rows, expected: number, who: string): void {
  if (d === expected) return;
  throw new AssayError(
    "SHAPE_MISMATCH",
    `${who}: it was fitted on ${expected} features, examples of [${n}, ${d}] have ${d}. Score activations of the tap it was fitted on, as [n, ...].`,
    { expected, found: d },
  );
}

function warningsOf({ n, d, covariance }: Moments): string[] {
  const warnings: string[] = [];
  let constant = 0;
  for (let i = 0; i < d; i++) constant += Number(covariance[i * d + i] === 0);
  if (constant > 0)
    warnings.push(`${constant} of ${d} features never vary: their variance comes from shrinkage alone.`);
  if (n <= d)
    warnings.push(
      `${n} examples for ${d} features: directions that they do not span rest on shrinkage alone.`,
    );
  return warnings;
}

function singular({ n, d }: Moments, shrinkage: Shrinkage, pivot: number): AssayError {
  const help =
    shrinkage === "none" || typeof shrinkage === "number"
      ? 'use shrinkage: "ledoit-wolf"'
      : "the features do not vary at all: fit on other examples or at another tap";
  return new AssayError(
    "SINGULAR_COVARIANCE",
    `fitGaussian: the covariance of ${n} examples with ${d} features is singular (feature ${pivot} depends on earlier ones); ${help}.`,
    { n, d, pivot, shrinkage },
  );
}
