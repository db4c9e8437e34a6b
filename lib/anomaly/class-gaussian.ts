/** Gaussian scores that know the classes: one centre per class, one covariance for all. */
import { AssayError } from "../errors.js";
import { type Moments, meanOf, momentsOf } from "../linalg/index.js";
import { integerLabels, type Labels, type Rows, rows, type Tensor, takeRows } from "../tensor/index.js";
import { type Detector, detectorOf } from "./detector.js";
import { type Gaussian, type GaussianOptions, gaussianOf } from "./gaussian.js";

/**
 * Squared Mahalanobis distance to the nearest class centre, with one covariance within classes ("tied").
 *
 * Better than one cloud where classes lie far apart; needs labels (or the model's own answers) of clean examples.
 *
 * @throws AssayError INVALID_ARGUMENT if a class has fewer than 2 examples; as `fitGaussian`.
 * @see K. Lee et al. (2018), A simple unified framework for detecting out-of-distribution samples. NeurIPS.
 */
export function fitClassGaussian(x: Tensor, labels: Labels, options: GaussianOptions = {}): Detector {
  const table = rows(x, "fitClassGaussian");
  const { within, offsets } = tied(table, labels, options);
  return detectorOf(
    `class-conditional Gaussian (${offsets.length} classes, ${within.method})`,
    table,
    (y) => nearest(y, within, offsets),
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
export function fitRelativeGaussian(x: Tensor, labels: Labels, options: GaussianOptions = {}): Detector {
  const table = rows(x, "fitRelativeGaussian");
  const { within, offsets } = tied(table, labels, options);
  const background = gaussianOf(momentsOf(table), options.shrinkage ?? "ledoit-wolf");
  const warning =
    "Relative distances can point the wrong way on wide layers: check against the plain distance.";
  return detectorOf(
    `relative Mahalanobis (${offsets.length} classes)`,
    table,
    (y) => {
      const whole = background.mahalanobis(tensorOf(y));
      return nearest(y, within, offsets).map((distance, i) => distance - whole[i]!);
    },
    [warning, ...within.warnings],
  );
}

function tied(
  table: Rows,
  labels: Labels,
  { shrinkage = "ledoit-wolf" }: GaussianOptions,
): { within: Gaussian; offsets: Float64Array[] } {
  const { n, d } = table;
  const values = integerLabels(labels, n, "fitClassGaussian");
  const classes = [...new Set(values)].sort((a, b) => a - b);
  const residuals = new Float64Array(n * d);
  const offsets: Float64Array[] = [];
  for (const label of classes) {
    const members = [...values.keys()].filter((i) => values[i] === label);
    if (members.length < 2) {
      throw new AssayError(
        "INVALID_ARGUMENT",
        `fitClassGaussian: class ${label} has ${members.length} example; each class needs at least 2.`,
        { label },
      );
    }
    const centre = meanOf(takeRows(table, members));
    offsets.push(centre);
    for (const i of members) {
      for (let j = 0; j < d; j++) residuals[i * d + j] = table.data[i * d + j]! - centre[j]!;
    }
  }
  const moments: Moments = momentsOf({ n, d, data: residuals });
  return { within: gaussianOf(moments, shrinkage), offsets };
}

/** Smallest distance to a class centre. */
function nearest(y: Rows, within: Gaussian, offsets: readonly Float64Array[]): Float64Array {
  const best = new Float64Array(y.n).fill(Number.POSITIVE_INFINITY);
  const moved = new Float64Array(y.n * y.d);
  for (const centre of offsets) {
    for (let at = 0; at < moved.length; at++) moved[at] = y.data[at]! - centre[at % y.d]!;
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
