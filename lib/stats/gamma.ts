/** The gamma distribution fitted to positive values. */
import { AssayError } from "../errors.js";
import { regularisedGammaQ } from "./special.js";

/** A fitted gamma distribution. */
export interface GammaFit {
  readonly shape: number;
  readonly scale: number;
  /** Probability of a value above `x`. */
  upperTail(x: number): number;
}

/**
 * The gamma distribution of greatest likelihood, its lower end at 0.
 *
 * @param values Two or more positive numbers, not all equal.
 * @throws AssayError INVALID_ARGUMENT for anything else.
 * @see T. Minka (2002), Estimating a gamma distribution: the Newton step in the inverse of the shape.
 */
export function fitGamma(values: ArrayLike<number>): GammaFit {
  const n = values.length;
  let mean = 0;
  let meanLog = 0;
  for (let i = 0; i < n; i++) {
    const value = values[i]!;
    if (!(value > 0 && value < Number.POSITIVE_INFINITY))
      throw invalid(`value ${i} is ${value}, all must be positive and finite`);
    mean += value / n;
    meanLog += Math.log(value) / n;
  }
  const gap = Math.log(mean) - meanLog;
  if (n < 2 || gap < 1e-12) throw invalid(`it needs two different values, got ${n}`);
  let shape = (3 - gap + Math.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap);
  for (let i = 0; i < 100; i++) {
    const next =
      1 / (1 / shape + (Math.log(shape) - digamma(shape) - gap) / (shape - shape ** 2 * trigamma(shape)));
    const step = Math.abs(next - shape);
    shape = next;
    if (step <= 1e-14 * shape) break;
  }
  const scale = mean / shape;
  return { shape, scale, upperTail: (x) => regularisedGammaQ(shape, x / scale) };
}

const invalid = (what: string): AssayError => new AssayError("INVALID_ARGUMENT", `fitGamma: ${what}.`, {});

/** Derivative of `logGamma`, for x > 0: raised above 10, where its asymptotic series has 15 digits. */
function digamma(x: number): number {
  if (x < 10) return digamma(x + 1) - 1 / x;
  const z = 1 / (x * x);
  const series =
    z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * (1 / 132 - (z * 691) / 32760)))));
  return Math.log(x) - 1 / (2 * x) - series;
}

/** Derivative of `digamma`. */
function trigamma(x: number): number {
  if (x < 10) return trigamma(x + 1) + 1 / (x * x);
  const z = 1 / (x * x);
  const series = 1 / 6 - z * (1 / 30 - z * (1 / 42 - z * (1 / 30 - z * (5 / 66 - (z * 691) / 2730))));
  return 1 / x + z / 2 + (z / x) * series;
}
