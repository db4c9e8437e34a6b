/** Probes from class means: the plain difference, and the difference corrected by the covariance (LDA). */
import { AssayError } from "../errors.js";
import {
  choleskyFactor,
  meanOf,
  momentsOf,
  type Shrinkage,
  shrink,
  shrinkageIntensity,
  solveLower,
  solveLowerTransposed,
} from "../linalg/index.js";
import { type Labels, type Tensor, takeRows } from "../tensor/index.js";
import { type LinearProbe, linearProbe, type TwoClasses, twoClasses } from "./probe.js";

/**
 * The difference of the two class means, with the threshold half-way between them.
 *
 * Needs no fit and one example of each class, but weighs loud features most: with few labels
 * {@link fitLda} is far better (AUROC 1.000 against 0.891 with four, on layers of 784 features).
 *
 * @throws AssayError INVALID_ARGUMENT unless there are exactly two classes.
 */
export function fitDifferenceOfMeans(x: Tensor, labels: Labels): LinearProbe {
  const set = twoClasses(x, labels, "fitDifferenceOfMeans");
  const { weights, middle } = differenceOf(set);
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
 * @throws AssayError INVALID_ARGUMENT unless there are exactly two classes; SINGULAR_COVARIANCE; SHAPE_MISMATCH.
 * @example
 * probes.fitLda(x, labels, { covariance: anomaly.fitGaussian(clean).covariance })
 */
export function fitLda(x: Tensor, labels: Labels, options: LdaOptions = {}): LinearProbe {
  const set = twoClasses(x, labels, "fitLda");
  const { weights, middle } = differenceOf(set);
  const factor = choleskyFactor(covarianceOf(set, options), set.d);
  if (typeof factor === "number") {
    throw new AssayError(
      "SINGULAR_COVARIANCE",
      `fitLda: the covariance of ${set.d} features is singular; shrink it ("ledoit-wolf") or give that of many clean examples.`,
      { d: set.d, pivot: factor },
    );
  }
  solveLower(factor, set.d, weights);
  solveLowerTransposed(factor, set.d, weights);
  const odds = Math.log(set.counts[1] / set.counts[0]);
  return linearProbe("LDA", weights, odds - dot(weights, middle), set);
}

function covarianceOf(set: TwoClasses, { covariance, shrinkage = "ledoit-wolf" }: LdaOptions): Float64Array {
  const { n, d } = set;
  if (covariance) {
    if (covariance.dims.length !== 2 || covariance.dims[0] !== d || covariance.dims[1] !== d) {
      throw new AssayError(
        "SHAPE_MISMATCH",
        `fitLda: the covariance is [${covariance.dims.join(", ")}], features are ${d}.`,
        {
          dims: covariance.dims,
          d,
        },
      );
    }
    return Float64Array.from(covariance.data as ArrayLike<number>);
  }
  const residuals = new Float64Array(n * d);
  for (const target of [0, 1]) {
    const members = membersOf(set, target);
    const centre = meanOf(takeRows(set, members));
    for (const i of members)
      for (let j = 0; j < d; j++) residuals[i * d + j] = set.data[i * d + j]! - centre[j]!;
  }
  const moments = momentsOf({ n, d, data: residuals });
  return shrink(moments, shrinkageIntensity(moments, shrinkage));
}

function differenceOf(set: TwoClasses): { weights: Float64Array; middle: Float64Array } {
  const [low, high] = [0, 1].map((target) => meanOf(takeRows(set, membersOf(set, target))));
  return {
    weights: high!.map((value, j) => value - low![j]!),
    middle: high!.map((value, j) => (value + low![j]!) / 2),
  };
}

const membersOf = ({ targets }: TwoClasses, target: number): number[] =>
  [...targets.keys()].filter((i) => targets[i] === target);

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, j) => sum + value * b[j]!, 0);
