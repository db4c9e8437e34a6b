/** From anomaly scores to flags, with the threshold set on clean scores only. */
import {
  clopperPearson,
  conformalPValues,
  conformalThreshold,
  type Estimate,
  type RocCurve,
  rocCurve,
} from "../stats/index.js";

/** Which suspect examples stand out, and how often clean ones would. */
export interface Detection {
  readonly kind: "detection";
  /** Suspect scores as positives against clean ones. Says how well they separate if all suspects are anomalous. */
  readonly roc: RocCurve;
  /** Score above which an example is flagged; set on clean scores only. */
  readonly threshold: number;
  readonly falsePositiveRate: Estimate;
  /** Share of suspects that is flagged. */
  readonly truePositiveRate: Estimate;
  /** Conformal p-value of each suspect. */
  readonly pValues: Float64Array;
  readonly clean: Float64Array;
  readonly suspect: Float64Array;
  readonly warnings: readonly string[];
}

/**
 * Flags suspects whose score no clean example explains.
 *
 * @param scores.clean Scores of clean examples that the detector was **not** fitted on; higher is more anomalous.
 * @param scores.suspect Scores to judge.
 * @param options.falsePositiveRate Largest share of clean examples that may be flagged. Default 0.05.
 * @throws AssayError INVALID_ARGUMENT if there are too few clean scores to promise that rate.
 * @example
 * const detection = anomaly.detect({ clean: gaussian.mahalanobis(heldOut), suspect: gaussian.mahalanobis(batch) }, { falsePositiveRate: 0.01 });
 */
export function detect(
  scores: { readonly clean: ArrayLike<number>; readonly suspect: ArrayLike<number> },
  options: { readonly falsePositiveRate?: number } = {},
): Detection {
  const clean = Float64Array.from(scores.clean);
  const suspect = Float64Array.from(scores.suspect);
  const roc = rocCurve({ negatives: clean, positives: suspect });
  const { threshold, falsePositiveRate } = conformalThreshold(clean, options.falsePositiveRate ?? 0.05);
  const flagged = suspect.reduce((count, score) => count + Number(score > threshold), 0);
  const warnings: string[] = [];
  if (falsePositiveRate.interval[1] > 2 * falsePositiveRate.value) {
    warnings.push(`${clean.length} clean scores fix the false-positive rate only within a factor of two.`);
  }
  return {
    kind: "detection",
    roc,
    threshold,
    falsePositiveRate,
    truePositiveRate: clopperPearson(flagged, suspect.length),
    pValues: conformalPValues(clean, suspect),
    clean,
    suspect,
    warnings,
  };
}
