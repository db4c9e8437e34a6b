/** Precision and recall: what a flag is worth where positives are rare. */

import { type BootstrapOptions, bootstrap } from "./bootstrap.js";
import type { Estimate } from "./estimate.js";
import { checkSamples, type TwoSamples } from "./roc.js";

/** A precision-recall curve, from the strictest threshold to the loosest. */
export interface PrecisionRecallCurve {
  readonly kind: "precision-recall-curve";
  readonly recalls: Float64Array;
  readonly precisions: Float64Array;
  readonly thresholds: Float64Array;
  /** Mean precision over recall steps, as scikit-learn's `average_precision_score`. */
  readonly averagePrecision: Estimate;
  /** Share of positives: the precision of flagging everything. */
  readonly baseRate: number;
  readonly negatives: number;
  readonly positives: number;
}

/**
 * Precision against recall.
 *
 * Unlike a ROC curve it depends on the share of positives: quote the base rate with it.
 *
 * @param options Seed of the bootstrap interval of the average precision.
 */
export function precisionRecallCurve(samples: TwoSamples, options: BootstrapOptions): PrecisionRecallCurve {
  const { negatives, positives } = checkSamples("precisionRecallCurve", samples);
  const points = curve(negatives, positives);
  return {
    kind: "precision-recall-curve",
    recalls: Float64Array.from(points, (point) => point.recall),
    precisions: Float64Array.from(points, (point) => point.precision),
    thresholds: Float64Array.from(points, (point) => point.threshold),
    averagePrecision: bootstrap([negatives, positives], ([n, p]) => averagePrecision(n!, p!), options),
    baseRate: positives.length / (positives.length + negatives.length),
    negatives: negatives.length,
    positives: positives.length,
  };
}

function averagePrecision(negatives: Float64Array, positives: Float64Array): number {
  let sum = 0;
  let before = 0;
  for (const { recall, precision } of curve(negatives, positives)) {
    sum += (recall - before) * precision;
    before = recall;
  }
  return sum;
}

function curve(negatives: Float64Array, positives: Float64Array) {
  const high = Float64Array.from(positives).sort().reverse();
  const low = Float64Array.from(negatives).sort().reverse();
  const points: { recall: number; precision: number; threshold: number }[] = [];
  for (let i = 0, j = 0; i < high.length || j < low.length; ) {
    const threshold = Math.max(high[i] ?? Number.NEGATIVE_INFINITY, low[j] ?? Number.NEGATIVE_INFINITY);
    while (i < high.length && high[i]! === threshold) i++;
    while (j < low.length && low[j]! === threshold) j++;
    points.push({ recall: i / high.length, precision: i / (i + j), threshold });
  }
  return points;
}
