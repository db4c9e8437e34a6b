/** Removing what a linear probe could read: least-squares concept erasure. */
import { AssayError } from "../errors.js";
import {
  type ClassMean,
  classMeans,
  type Moments,
  momentsOfChunks,
  symmetricEigen,
} from "../linalg/index.js";
import { type Examples, type Labels, rows, type Tensor, tensor } from "../tensor/index.js";
import { twoClassChunks } from "./probe.js";

/** A change of activations after which no linear probe can tell two classes apart. */
export interface Eraser {
  readonly kind: "eraser";
  /** Number of features. */
  readonly d: number;
  /** Activations [n, ...] without the concept, of the same shape. */
  apply(y: Tensor): Tensor<"float64">;
}

/**
 * LEACE for two classes: the smallest change (in the covariance's own metric) that makes the covariance of
 * activations and label zero, so that on these examples no linear probe of any kind does better than a constant.
 *
 * If a behaviour survives the erasure, it does not run through the probe's direction.
 *
 * Features that never vary or depend on others are left alone: the inverse is taken within the span of the examples.
 *
 * @param x Activations [n, ...], or chunks of them, which are read twice.
 * @throws AssayError INVALID_ARGUMENT unless there are exactly two classes.
 * @see N. Belrose et al. (2023), LEACE: perfect linear concept erasure in closed form. NeurIPS.
 * @example
 * const erased = probes.fitEraser(x, labels).apply(x);   // class means are equal now
 */
export function fitEraser(x: Examples, labels: Labels): Eraser {
  const { chunks, counts } = twoClassChunks(x, labels, "fitEraser");
  const moments = momentsOfChunks(chunks);
  const [low, high] = classMeans(chunks) as [ClassMean, ClassMean];
  const { n, d } = moments;
  // The covariance of features and label, for a label of 0 and 1.
  const share = (counts[0] / n) * (counts[1] / n);
  const cross = high.mean.map((value, j) => share * (value - low.mean[j]!));
  // P x = x - c (S⁻¹ c)ᵀ (x - mean) / (cᵀ S⁻¹ c), with c the covariance of features and label.
  const direction = applyInverse(moments, cross);
  const scale = cross.reduce((sum, value, j) => sum + value * direction[j]!, 0);
  return {
    kind: "eraser",
    d,
    apply: (y) => {
      const table = rows(y, "eraser");
      if (table.d !== d) {
        throw new AssayError(
          "SHAPE_MISMATCH",
          `eraser: fitted on ${d} features, examples of [${y.dims.join(", ")}] have ${table.d}.`,
          {
            expected: d,
            dims: y.dims,
          },
        );
      }
      const erased = Float64Array.from(table.data);
      for (let i = 0; i < table.n && scale > 0; i++) {
        let along = 0;
        for (let j = 0; j < d; j++) along += direction[j]! * (table.data[i * d + j]! - moments.mean[j]!);
        for (let j = 0; j < d; j++) erased[i * d + j]! -= (cross[j]! * along) / scale;
      }
      return tensor("float64", y.dims, erased);
    },
  };
}

/** S⁻¹ c on the span of the examples: directions with less than 1e-12 of the largest variance do not count. */
function applyInverse({ covariance, d }: Moments, c: Float64Array): Float64Array {
  const { values, vectors } = symmetricEigen(covariance, d);
  const result = new Float64Array(d);
  for (let k = d - 1; k >= 0 && values[k]! > 1e-12 * values[d - 1]!; k--) {
    const vector = vectors.subarray(k * d, (k + 1) * d);
    let share = 0;
    for (let j = 0; j < d; j++) share += vector[j]! * c[j]!;
    for (let j = 0; j < d; j++) result[j]! += (share / values[k]!) * vector[j]!;
  }
  return result;
}
