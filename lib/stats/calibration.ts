/** Whether probabilities mean what they say: Brier score, log loss, calibration error, reliability bins. */
import { AssayError } from "../errors.js";
import { calibrationError } from "./calibration-error.js";
import type { Estimate } from "./estimate.js";
import { checkLevel, type IntervalOptions, wilson } from "./proportion.js";
import { momentsOf, scoreReach } from "./score-interval.js";
import { normalQuantile } from "./special.js";

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
  /** Mean distance between forecast and rate, weighted by bin size, corrected for chance. */
  readonly expectedCalibrationError: Estimate;
  /** The same before the correction, as most papers print it: too high, the more so the fewer forecasts per bin. */
  readonly uncorrectedCalibrationError: number;
  readonly brier: Estimate;
  readonly logLoss: Estimate;
  readonly n: number;
}

/**
 * Mean squared distance of forecasts from outcomes. 0.25 for always saying 0.5.
 *
 * The interval, of the mean over all forecasts such as these, is a score interval that knows what each forecast would
 * have cost with the other outcome; of forecasts that are all alike it is Wilson's. Student's, which does not know,
 * covers with 0.78 to 0.84 only. Simulated for n = 10 to 1,000 and base rates 0.01 to 0.5 on six kinds of forecasts,
 * this one of level 0.95 covers with 0.976 on average, at worst with 0.94, where they are all alike with Wilson's 0.90.
 */
export function brierScore(forecasts: Forecasts, options: IntervalOptions = {}): Estimate {
  const { p, y } = checkForecasts("brierScore", forecasts);
  const loss = (value: number, outcome: number): number => (value - outcome) ** 2;
  return meanLoss(p, y, loss, 0.15, checkLevel("brierScore", options.level));
}

/**
 * Mean negative log probability of what happened, in nats.
 *
 * Probabilities of 0 and 1 are moved by 1e-12, as the TrojAI contest does, so that one wrong certainty costs 27.6
 * nats. Interval as of {@link brierScore}: over the same grid it covers with 0.978 on
 * average, at worst with 0.94, and with Wilson's 0.90.
 */
export function logLoss(forecasts: Forecasts, options: IntervalOptions = {}): Estimate {
  const { p, y } = checkForecasts("logLoss", forecasts);
  const clipped = p.map((value) => Math.min(1 - 1e-12, Math.max(1e-12, value)));
  const loss = (value: number, outcome: number): number => -Math.log(outcome === 1 ? value : 1 - value);
  return meanLoss(clipped, y, loss, 0.05, checkLevel("logLoss", options.level));
}

/** How much of the room above the variance is let grow into; all of it covers far too often. */
const GROWTH = 0.85;

/**
 * The mean loss with a score interval.
 *
 * Towards higher losses the variance is let grow, since a few forecasts that came true may hide some that would not;
 * towards lower ones it shrinks by a small part, since most losses of rare events are small and the mean hangs on few.
 *
 * @param shrinkage That part. Log losses, which have no bound, bear less of it.
 */
function meanLoss(
  p: Float64Array,
  y: Uint8Array,
  loss: (probability: number, outcome: number) => number,
  shrinkage: number,
  level: number,
): Estimate {
  const n = p.length;
  if (n < 2) {
    throw new AssayError("INVALID_ARGUMENT", `an interval needs at least 2 forecasts, got ${n}.`, { n });
  }
  if (p.every((value) => value === p[0])) return countedLoss([loss(p[0]!, 0), loss(p[0]!, 1)], y, level);
  const losses = new Float64Array(n);
  // What these forecasts would cost if all came out as they say, or none.
  let [least, most] = [0, 0];
  for (let i = 0; i < n; i++) {
    const costs = [loss(p[i]!, 0), loss(p[i]!, 1)] as const;
    losses[i] = costs[y[i] as 0 | 1];
    least += Math.min(...costs) / n;
    most += Math.max(...costs) / n;
  }
  const { value, variance } = momentsOf(losses);
  const c = normalQuantile(0.5 + level / 2) ** 2 / n;
  const room = least + most - 2 * value;
  const down = scoreReach(c, variance, room > 0 ? -shrinkage * room : -room);
  const up = scoreReach(c, variance, GROWTH * Math.max(0, room));
  // Other forecasts may cost less than these can, so that only 0 bounds the mean from below.
  const interval = [
    Math.min(value, Math.max(0, value - down)),
    Math.max(value, Math.min(most, value + up)),
  ] as const;
  return { kind: "estimate", value, interval, level, n, method: "score, bounded" };
}

/** The mean loss of forecasts that are all alike: it only counts outcomes, and has the interval of their rate. */
function countedLoss([no, yes]: readonly [number, number], y: Uint8Array, level: number): Estimate {
  const rate = wilson(
    y.reduce((sum, outcome) => sum + outcome, 0),
    y.length,
    { level },
  );
  const at = (share: number): number => no + share * (yes - no);
  const ends = rate.interval.map(at).sort((a, b) => a - b) as [number, number];
  return { ...rate, value: at(rate.value), interval: ends };
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
  const counts: { size: number; hits: number; meanProbability: number }[] = [];
  let error = 0;
  for (let b = 0; b < count; b++) {
    const members = [...p.keys()].filter((i) => Math.min(count - 1, Math.floor(p[i]! * count)) === b);
    if (members.length === 0) continue;
    const meanProbability = members.reduce((sum, i) => sum + p[i]!, 0) / members.length;
    const hits = members.reduce((sum, i) => sum + y[i]!, 0);
    const observed = wilson(hits, members.length, { level });
    counts.push({ size: members.length, hits, meanProbability });
    error += (Math.abs(observed.value - meanProbability) * members.length) / p.length;
    bins.push({ from: b / count, to: (b + 1) / count, meanProbability, observed });
  }
  return {
    kind: "reliability",
    bins,
    expectedCalibrationError: calibrationError(counts, p.length, level),
    uncorrectedCalibrationError: error,
    brier: brierScore(forecasts, { level }),
    logLoss: logLoss(forecasts, { level }),
    n: p.length,
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
