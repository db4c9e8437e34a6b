/** Whether probabilities mean what they say: Brier score, log loss, calibration error, reliability bins. */
import { AssayError } from "../errors.js";
import type { Estimate } from "./estimate.js";
import { checkLevel, type IntervalOptions, wilson } from "./proportion.js";
import { studentQuantile } from "./special.js";

/** Predicted probabilities of "yes" and what happened. */
export interface Forecasts {
  readonly probabilities: ArrayLike<number>;
  /** 0 or 1 for each. */
  readonly outcomes: ArrayLike<number>;
}

/** How often "yes" happened among forecasts of a similar probability. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly meanProbability: number;
  readonly observed: Estimate;
}

/** A reliability diagram. */
export interface Reliability {
  readonly kind: "reliability";
  /** Bins that hold forecasts, rising. */
  readonly bins: readonly ReliabilityBin[];
  /** Mean distance between forecast and observed rate, weighted by bin size. Biased upwards for few forecasts. */
  readonly expectedCalibrationError: number;
  readonly brier: Estimate;
  readonly logLoss: Estimate;
  readonly n: number;
}

/** Mean squared distance of forecasts from outcomes, with Student's interval of a mean. 0.25 for always saying 0.5. */
export function brierScore(forecasts: Forecasts, options: IntervalOptions = {}): Estimate {
  const { p, y } = checkForecasts("brierScore", forecasts);
  return meanEstimate(
    p.map((value, i) => (value - y[i]!) ** 2),
    options,
  );
}

/**
 * Mean negative log probability of what happened, in nats.
 *
 * Probabilities of 0 and 1 are moved by 1e-12, as the TrojAI contest does, so that one wrong certainty costs 27.6 nats.
 */
export function logLoss(forecasts: Forecasts, options: IntervalOptions = {}): Estimate {
  const { p, y } = checkForecasts("logLoss", forecasts);
  const clipped = p.map((value) => Math.min(1 - 1e-12, Math.max(1e-12, value)));
  return meanEstimate(
    clipped.map((value, i) => -Math.log(y[i] ? value : 1 - value)),
    options,
  );
}

/** Sorts forecasts into `bins` equal ranges of probability and compares each with what happened. Default 10. */
export function reliability(
  forecasts: Forecasts,
  options: IntervalOptions & { readonly bins?: number } = {},
): Reliability {
  const { p, y } = checkForecasts("reliability", forecasts);
  const { bins: count = 10 } = options;
  const level = checkLevel("reliability", options.level);
  if (!Number.isInteger(count) || count < 1) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `reliability: bins must be a whole number of at least 1, got ${count}.`,
      { bins: count },
    );
  }
  const bins: ReliabilityBin[] = [];
  let error = 0;
  for (let b = 0; b < count; b++) {
    const members = [...p.keys()].filter((i) => Math.min(count - 1, Math.floor(p[i]! * count)) === b);
    if (members.length === 0) continue;
    const meanProbability = members.reduce((sum, i) => sum + p[i]!, 0) / members.length;
    const observed = wilson(
      members.reduce((sum, i) => sum + y[i]!, 0),
      members.length,
      { level },
    );
    error += (Math.abs(observed.value - meanProbability) * members.length) / p.length;
    bins.push({ from: b / count, to: (b + 1) / count, meanProbability, observed });
  }
  return {
    kind: "reliability",
    bins,
    expectedCalibrationError: error,
    brier: brierScore(forecasts, { level }),
    logLoss: logLoss(forecasts, { level }),
    n: p.length,
  };
}

/** The mean of some values with Student's interval: good for means of bounded scores from about 30 values on. */
export function meanEstimate(values: ArrayLike<number>, options: IntervalOptions = {}): Estimate {
  const level = checkLevel("meanEstimate", options.level);
  const x = Float64Array.from(values);
  if (x.length < 2 || x.some(Number.isNaN)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `meanEstimate: expected at least 2 numbers, got ${x.length}, NaN not allowed.`,
      { n: x.length },
    );
  }
  const value = x.reduce((sum, v) => sum + v, 0) / x.length;
  const variance = x.reduce((sum, v) => sum + (v - value) ** 2, 0) / (x.length - 1);
  const half = studentQuantile(0.5 + level / 2, x.length - 1) * Math.sqrt(variance / x.length);
  return {
    kind: "estimate",
    value,
    interval: [value - half, value + half],
    level,
    n: x.length,
    method: "Student",
  };
}

function checkForecasts(
  who: string,
  { probabilities, outcomes }: Forecasts,
): { p: Float64Array; y: Uint8Array } {
  const p = Float64Array.from(probabilities);
  if (p.length === 0 || outcomes.length !== p.length) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `${who}: ${p.length} probabilities and ${outcomes.length} outcomes; expected as many, and at least one.`,
      {},
    );
  }
  const wrong = p.findIndex(
    (value, i) => !(value >= 0 && value <= 1) || (outcomes[i] !== 0 && outcomes[i] !== 1),
  );
  if (wrong >= 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `${who}: forecast ${wrong} is ${p[wrong]} with outcome ${outcomes[wrong]}; expected a probability and 0 or 1.`,
      { index: wrong },
    );
  }
  return { p, y: Uint8Array.from(outcomes) };
}
