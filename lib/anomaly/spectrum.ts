/**
 * The spectrum of clean activations beside that of pure noise: how many directions hold something.
 *
 * Needs at least some dozens of features. The law is one of many independent features with equal noise. It misleads
 * where they are few, and where standardising leaves unequal noise, as a strong signal in some features does: some
 * directions of the others then lie above the edge.
 */
import { AssayError } from "../errors.js";
import { momentsOfChunks, symmetricEigen } from "../linalg/index.js";
import { marchenkoPastur } from "../stats/index.js";
import { type Examples, rowChunks } from "../tensor/index.js";

/** Eigenvalues of a covariance, and what noise alone would give. */
export interface CovarianceSpectrum {
  readonly kind: "covariance-spectrum";
  /** Falling; as many as there are varying features. */
  readonly eigenvalues: Float64Array;
  /** Variance of the noise whose spectrum has the same median as this one. */
  readonly noiseVariance: number;
  /** Where the spectrum of that noise ends (Marchenko and Pastur): directions above it hold more than noise. */
  readonly noiseEdge: number;
  /** Number of eigenvalues above the edge. */
  readonly signals: number;
  /** Number of examples. */
  readonly n: number;
  /** Number of features that vary. */
  readonly d: number;
  /** True if every feature was divided by its standard deviation. */
  readonly isStandardised: boolean;
  readonly warnings: readonly string[];
}

/**
 * Eigenvalues of the covariance of activations against the Marchenko-Pastur law.
 *
 * @param x Activations [n, ...], or chunks of them.
 * @param options.standardise Divide each feature by its standard deviation. Default true; without it features of
 *   unequal variance look like signals.
 * @throws AssayError SINGULAR_COVARIANCE if nothing varies; as `fitGaussian`.
 * @example
 * anomaly.covarianceSpectrum(await model.activations(clean.inputs, { at })).signals
 */
export function covarianceSpectrum(
  x: Examples,
  { standardise = true }: { readonly standardise?: boolean } = {},
): CovarianceSpectrum {
  const moments = momentsOfChunks(rowChunks(x, "covarianceSpectrum"));
  const varying = Array.from({ length: moments.d }, (_, j) => j).filter(
    (j) => moments.covariance[j * moments.d + j]! > 0,
  );
  const { n } = moments;
  const d = varying.length;
  if (n < 3 || d === 0) {
    throw new AssayError(
      "SINGULAR_COVARIANCE",
      `covarianceSpectrum: expected at least 3 examples of features that vary, got ${n} of ${d}.`,
      { n, d },
    );
  }
  const entry = (i: number, j: number): number => moments.covariance[i * moments.d + j]!;
  const scale = varying.map((j) => (standardise ? Math.sqrt(entry(j, j)) : 1));
  const matrix = new Float64Array(d * d);
  varying.forEach((i, a) => {
    varying.forEach((j, b) => {
      matrix[a * d + b] = entry(i, j) / (scale[a]! * scale[b]!);
    });
  });
  const eigenvalues = symmetricEigen(matrix, d).values.reverse();
  // The mean takes one degree of freedom.
  const law = marchenkoPastur(d / (n - 1));
  const alive = eigenvalues.subarray(0, Math.min(d, n - 1));
  const noiseVariance = alive[alive.length >> 1]! / law.quantile(0.5);
  const noiseEdge = noiseVariance * law.range[1];
  const constant = moments.d - d;
  return {
    kind: "covariance-spectrum",
    eigenvalues,
    noiseVariance,
    noiseEdge,
    signals: eigenvalues.filter((value) => value > noiseEdge).length,
    n,
    d,
    isStandardised: standardise,
    warnings: [
      ...(constant > 0 ? [`${constant} of ${moments.d} features never vary and are left out.`] : []),
      ...(d < 20 ? [`${d} features are few for a law of many.`] : []),
    ],
  };
}
