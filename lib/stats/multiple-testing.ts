/** Many p-values: which to believe, and what they say together. */
import { AssayError } from "../errors.js";
import { chiSquareUpperTail } from "./special.js";

/**
 * Benjamini-Hochberg adjusted p-values: flag those at or below q, and on average at most a share q of the flags is false.
 *
 * Valid for independent or positively dependent tests.
 *
 * @see Y. Benjamini, Y. Hochberg (1995), Controlling the false discovery rate. J. Royal Statistical Society B 57.
 * @example
 * benjaminiHochberg([0.01, 0.04, 0.03, 0.5])   // [0.04, 0.0533, 0.0533, 0.5]
 */
export function benjaminiHochberg(pValues: ArrayLike<number>): Float64Array {
  const p = checkPValues("benjaminiHochberg", pValues);
  const order = [...p.keys()].sort((a, b) => p[b]! - p[a]!);
  const adjusted = new Float64Array(p.length);
  let smallest = 1;
  order.forEach((index, k) => {
    smallest = Math.min(smallest, (p[index]! * p.length) / (p.length - k));
    adjusted[index] = smallest;
  });
  return adjusted;
}

/** Fisher's combined p-value of independent tests. */
export function fisherCombined(pValues: ArrayLike<number>): number {
  const p = checkPValues("fisherCombined", pValues);
  return chiSquareUpperTail(statisticOf(p), 2 * p.length);
}

/**
 * Brown's combined p-value of dependent tests, with Kost and McDermott's covariance.
 *
 * @param correlation Row-major [k, k] correlation of the normal scores behind the p-values, e.g. of two detectors'
 *   scores over clean models.
 * @see M. B. Brown (1975), Biometrics 31. J. T. Kost, M. P. McDermott (2002), Statistics and Probability Letters 60.
 */
export function brownCombined(pValues: ArrayLike<number>, correlation: ArrayLike<number>): number {
  const p = checkPValues("brownCombined", pValues);
  const k = p.length;
  if (correlation.length !== k * k) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `brownCombined: ${k} p-values need a correlation of ${k * k} entries, got ${correlation.length}.`,
      { k },
    );
  }
  let variance = 4 * k;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < i; j++) {
      const r = correlation[i * k + j]!;
      variance += 2 * (3.263 * r + 0.71 * r ** 2 + 0.027 * r ** 3);
    }
  }
  const mean = 2 * k;
  const scale = variance / (2 * mean);
  return chiSquareUpperTail(statisticOf(p) / scale, (2 * mean ** 2) / variance);
}

const statisticOf = (p: Float64Array): number => -2 * p.reduce((sum, value) => sum + Math.log(value), 0);

function checkPValues(who: string, pValues: ArrayLike<number>): Float64Array {
  const p = Float64Array.from(pValues);
  const wrong = p.findIndex((value) => !(value >= 0 && value <= 1));
  if (p.length === 0 || wrong >= 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `${who}: ${p.length === 0 ? "there are no p-values" : `p-value ${wrong} is ${p[wrong]}`}.`,
      { wrong },
    );
  }
  return p;
}
