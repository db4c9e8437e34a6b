/** Gaussian scores that know the classes: one centre per class, one covariance for all. */
import { AssayError } from "../errors.js";
import { type ClassMean, classMeans, momentsOfChunks, momentsWithinClasses } from "../linalg/index.js";
import {
  type Examples,
  type Labels,
  labelledChunks,
  type Rows,
  rowChunks,
  type Tensor,
} from "../tensor/index.js";
import { type Detector, detectorOf } from "./detector.js";
import { type Gaussian, type GaussianOptions, gaussianOf } from "./gaussian.js";

/**
 * Squared Mahalanobis distance to the nearest class centre, with one covariance within classes ("tied").
 *
 * Better than one cloud where classes lie far apart; needs labels (or the model's own answers) of clean examples.
 *
 * @param x Clean activations [n, ...], or chunks of them, which are read twice.
 * @throws AssayError INVALID_ARGUMENT if a class has fewer than 2 examples; as `fitGaussian`.
 * @see K. Lee et al. (2018), A simple unified framework for detecting out-of-distribution samples. NeurIPS.
 */
export function fitClassGaussian(x: Examples, labels: Labels, options: GaussianOptions = {}): Detector {
  const { within, classes } = tied(x, labels, options);
  return detectorOf(
    `class-conditional Gaussian (${classes.length} classes, ${within.method})`,
    within,
    (y) => nearest(y, within, classes),
    within.warnings,
  );
}

/**
 * Relative Mahalanobis distance: to the nearest class centre, less that to the centre of everything.
 *
 * Warning: where the two terms are nearly equal (many features, few examples) their difference is noise, and
 * on wide layers the score even points the wrong way: on 14 backdoored image classifiers its mean AUROC was
 * 0.07 at a layer of 784 features and 0.93 at one of 32. Never use it without a check on known anomalies.
 *
 * @see J. Ren et al. (2021), A simple fix to Mahalanobis distance for improving near-OOD detection.
 */
export function fitRelativeGaussian(x: Examples, labels: Labels, options: GaussianOptions = {}): Detector {
  const { within, classes } = tied(x, labels, options);
  const moments = momentsOfChunks(rowChunks(x, "fitRelativeGaussian"));
  const background = gaussianOf(moments, options.shrinkage ?? "ledoit-wolf");
  const warning =
    "Relative distances can point the wrong way on wide layers: check against the plain distance.";
  return detectorOf(
    `relative Mahalanobis (${classes.length} classes)`,
    within,
    (y) => {
      const whole = background.mahalanobis(tensorOf(y));
      return nearest(y, within, classes).map((distance, i) => distance - whole[i]!);
    },
    [warning, ...within.warnings],
  );
}

function tied(
  x: Examples,
  labels: Labels,
  { shrinkage = "ledoit-wolf" }: GaussianOptions,
): { within: Gaussian; classes: readonly ClassMean[] } {
  const chunks = labelledChunks(x, labels, "fitClassGaussian");
  const classes = classMeans(chunks);
  const small = classes.find(({ count }) => count < 2);
  if (small !== undefined) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `fitClassGaussian: class ${small.label} has ${small.count} example; each class needs at least 2.`,
      { label: small.label },
    );
  }
  return { within: gaussianOf(momentsWithinClasses(chunks, classes), shrinkage), classes };
}

/** Smallest distance to a class centre. */
function nearest(y: Rows, within: Gaussian, classes: readonly ClassMean[]): Float64Array {
  const best = new Float64Array(y.n).fill(Number.POSITIVE_INFINITY);
  const moved = new Float64Array(y.n * y.d);
  for (const { mean } of classes) {
    for (let at = 0; at < moved.length; at++) moved[at] = y.data[at]! - mean[at % y.d]!;
    const distances = within.mahalanobis({ type: "float64", dims: [y.n, y.d], data: moved });
    for (let i = 0; i < y.n; i++) best[i] = Math.min(best[i]!, distances[i]!);
  }
  return best;
}

const tensorOf = ({ n, d, data }: Rows): Tensor => ({
  type: "float64",
  dims: [n, d],
  data: Float64Array.from(data),
});
