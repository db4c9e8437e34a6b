/** What a detector achieves at a false-positive rate that a user can live with. */
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";
import type { Estimate } from "./estimate.js";
import { clopperPearson, type IntervalOptions } from "./proportion.js";
import { checkSamples, rocCurve, type TwoSamples } from "./roc.js";

/**
 * True-positive rate at the strictest threshold whose observed false-positive rate does not exceed `falsePositiveRate`.
 *
 * The threshold is itself estimated, so a binomial interval would be too narrow: both groups are resampled and
 * the interval holds the middle `level` of the results, never narrower than Clopper-Pearson's at a fixed threshold.
 *
 * @throws AssayError INVALID_ARGUMENT if the rate is not in [0, 1) or cannot be seen with so few negatives.
 * @example
 * truePositiveRateAt(0.01, { negatives: clean, positives: suspect }, { seed: 1 })
 */
export function truePositiveRateAt(
  falsePositiveRate: number,
  samples: TwoSamples,
  options: IntervalOptions & { readonly seed: number; readonly resamples?: number },
): Estimate {
  const { level = 0.95, resamples = 1000 } = options;
  const { negatives, positives } = checkSamples("truePositiveRateAt", samples);
  if (!(falsePositiveRate >= 0 && falsePositiveRate < 1)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `truePositiveRateAt: the rate must lie in [0, 1), got ${falsePositiveRate}.`,
      {
        falsePositiveRate,
      },
    );
  }
  const flagged = flaggedAt(falsePositiveRate, negatives, positives);
  const fixed = clopperPearson(flagged, positives.length, { level });
  const random = generator(options.seed).split("operating point");
  const draw = (from: Float64Array): Float64Array => from.map(() => from[random.integer(from.length)]!);
  const rates = Float64Array.from(
    { length: resamples },
    () => flaggedAt(falsePositiveRate, draw(negatives), draw(positives)) / positives.length,
  ).sort();
  const tail = (1 - level) / 2;
  return {
    ...fixed,
    interval: [
      Math.min(fixed.interval[0], rates[Math.floor(tail * resamples)]!),
      Math.max(fixed.interval[1], rates[Math.ceil((1 - tail) * resamples) - 1]!),
    ],
    n: negatives.length + positives.length,
    method: `bootstrap of both groups, ${resamples} resamples, seed ${options.seed}`,
  };
}

function flaggedAt(rate: number, negatives: Float64Array, positives: Float64Array): number {
  const allowed = Math.floor(rate * negatives.length + 1e-9);
  const sorted = Float64Array.from(negatives).sort();
  // Flag strictly above the (allowed + 1)-th largest negative: ties with it would exceed the rate.
  const bound = sorted[sorted.length - 1 - allowed] ?? Number.NEGATIVE_INFINITY;
  return positives.reduce((count, score) => count + Number(score > bound), 0);
}

/**
 * Area under the part of the ROC curve up to `maxFalsePositiveRate`, rescaled so that chance is 0.5 and perfect is 1
 * (McClish's standardisation, as scikit-learn's `roc_auc_score(max_fpr=...)`).
 */
export function partialAuroc(maxFalsePositiveRate: number, samples: TwoSamples): number {
  if (!(maxFalsePositiveRate > 0 && maxFalsePositiveRate <= 1)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `partialAuroc: the rate must lie in (0, 1], got ${maxFalsePositiveRate}.`,
      {
        maxFalsePositiveRate,
      },
    );
  }
  const { falsePositiveRates: x, truePositiveRates: y } = rocCurve(samples);
  let area = 0;
  for (let i = 1; i < x.length && x[i - 1]! < maxFalsePositiveRate; i++) {
    const right = Math.min(x[i]!, maxFalsePositiveRate);
    const width = x[i]! - x[i - 1]!;
    const height = width === 0 ? y[i]! : y[i - 1]! + ((y[i]! - y[i - 1]!) * (right - x[i - 1]!)) / width;
    area += ((right - x[i - 1]!) * (y[i - 1]! + height)) / 2;
  }
  const chance = maxFalsePositiveRate ** 2 / 2;
  return 0.5 * (1 + (area - chance) / (maxFalsePositiveRate - chance));
}
