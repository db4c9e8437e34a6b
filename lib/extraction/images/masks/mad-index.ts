/**
 * The anomaly index of Neural Cleanse, kept to show why it must not decide.
 *
 * The index counts how many (scaled) median absolute deviations the smallest mask lies below the median mask of
 * the same model. The published rule flags an index above 2 as "95 % outlier", but it tests the *minimum* of K
 * values with a scale taken from the same K values: on normal norms it fires on 33 % of clean ten-class models.
 */
import { AssayError } from "../../../errors.js";
import { generator } from "../../../random/index.js";
import type { Estimate } from "../../../stats/estimate.js";
import { wilson } from "../../../stats/index.js";
import { median } from "../../calibration.js";

/**
 * Anomaly index of the smallest of `norms`: `(median - min) / (1.4826 median |norm - median|)`.
 *
 * @returns Higher is more anomalous; Infinity when more than half of the norms are equal and one is smaller.
 * @see B. Wang et al. (2019), Neural Cleanse. IEEE S&P.
 */
export function madIndex(norms: ArrayLike<number>): number {
  if (norms.length < 3) {
    throw new AssayError("INVALID_ARGUMENT", `madIndex: needs at least 3 classes, got ${norms.length}.`, {
      classes: norms.length,
    });
  }
  const values = Float64Array.from(norms);
  const centre = median(values);
  const gap = centre - values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY);
  const spread = 1.4826 * median(values.map((value) => Math.abs(value - centre)));
  return gap === 0 ? 0 : gap / spread;
}

/**
 * How often "index above `threshold`" accuses a clean model, if its mask norms are normally distributed.
 *
 * @param classes Number of classes.
 * @param options.draws Simulated clean models. Default 20,000.
 * @example
 * extraction.madFalseAlarmRate(10, { seed: 1 })   // 0.33
 */
export function madFalseAlarmRate(
  classes: number,
  options: { seed: number; threshold?: number; draws?: number },
): Estimate {
  const { seed, threshold = 2, draws = 20_000 } = options;
  const random = generator(seed).split("mad");
  let alarms = 0;
  for (let draw = 0; draw < draws; draw++) {
    if (madIndex(Float64Array.from({ length: classes }, () => random.normal())) > threshold) alarms++;
  }
  return wilson(alarms, draws);
}
