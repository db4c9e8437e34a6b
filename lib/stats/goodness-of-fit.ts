/** Whether a sample follows a distribution: Kolmogorov-Smirnov and Anderson-Darling. */
import { AssayError } from "../errors.js";
import { normalCdf } from "./special.js";

/** A goodness-of-fit test. */
export interface GoodnessOfFit {
  readonly kind: "goodness-of-fit";
  readonly test: "Kolmogorov-Smirnov" | "Anderson-Darling";
  readonly statistic: number;
  readonly pValue: number;
  readonly n: number;
}

/**
 * Kolmogorov-Smirnov test of one sample against a continuous distribution that was fixed beforehand.
 *
 * The p-value is exact up to n = 140 (Marsaglia, Tsang and Wang), beyond that asymptotic with Stephens' correction.
 *
 * @param cdf The distribution function, e.g. `(u) => u` for p-values that should be uniform.
 */
export function kolmogorovSmirnov(sample: ArrayLike<number>, cdf: (value: number) => number): GoodnessOfFit {
  const sorted = checkSample("kolmogorovSmirnov", sample, 1);
  const n = sorted.length;
  let statistic = 0;
  sorted.forEach((value, i) => {
    const p = cdf(value);
    statistic = Math.max(statistic, (i + 1) / n - p, p - i / n);
  });
  const pValue =
    n <= 140
      ? 1 - exactKolmogorov(n, statistic)
      : asymptoticTail((Math.sqrt(n) + 0.12 + 0.11 / Math.sqrt(n)) * statistic);
  return {
    kind: "goodness-of-fit",
    test: "Kolmogorov-Smirnov",
    statistic,
    pValue: Math.min(1, Math.max(0, pValue)),
    n,
  };
}

/** Two-sample Kolmogorov-Smirnov test, with the asymptotic p-value and Stephens' correction: good from about 20 values in each. */
export function kolmogorovSmirnovTwoSample(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
): GoodnessOfFit {
  const a = checkSample("kolmogorovSmirnovTwoSample", first, 1);
  const b = checkSample("kolmogorovSmirnovTwoSample", second, 1);
  let statistic = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const value = Math.min(a[i]!, b[j]!);
    while (i < a.length && a[i]! === value) i++;
    while (j < b.length && b[j]! === value) j++;
    statistic = Math.max(statistic, Math.abs(i / a.length - j / b.length));
  }
  const n = a.length + b.length;
  const root = Math.sqrt((a.length * b.length) / n);
  const pValue = asymptoticTail((root + 0.12 + 0.11 / root) * statistic);
  return { kind: "goodness-of-fit", test: "Kolmogorov-Smirnov", statistic, pValue, n };
}

/**
 * Anderson-Darling test of normality with mean and variance estimated from the sample.
 *
 * @see R. B. D'Agostino, M. A. Stephens (1986), Goodness-of-fit techniques, table 4.9.
 */
export function andersonDarling(sample: ArrayLike<number>): GoodnessOfFit {
  const sorted = checkSample("andersonDarling", sample, 8);
  const n = sorted.length;
  const mean = sorted.reduce((sum, value) => sum + value, 0) / n;
  const deviation = Math.sqrt(sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  if (!(deviation > 0)) {
    throw new AssayError("INVALID_ARGUMENT", "andersonDarling: all values are equal.", { n });
  }
  const z = sorted.map((value) => (value - mean) / deviation);
  let sum = 0;
  for (let i = 0; i < n; i++)
    sum += (2 * i + 1) * (Math.log(normalCdf(z[i]!)) + Math.log(normalCdf(-z[n - 1 - i]!)));
  const statistic = -n - sum / n;
  const a = statistic * (1 + 0.75 / n + 2.25 / n ** 2);
  const pValue =
    a < 0.2
      ? 1 - Math.exp(-13.436 + 101.14 * a - 223.73 * a ** 2)
      : a < 0.34
        ? 1 - Math.exp(-8.318 + 42.796 * a - 59.938 * a ** 2)
        : a < 0.6
          ? Math.exp(0.9177 - 4.279 * a - 1.38 * a ** 2)
          : Math.exp(1.2937 - 5.709 * a + 0.0186 * a ** 2);
  return { kind: "goodness-of-fit", test: "Anderson-Darling", statistic, pValue: Math.min(1, pValue), n };
}

/** 2 Σ (-1)^(k-1) exp(-2 k² x²). */
function asymptoticTail(x: number): number {
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) sum += (k % 2 ? 2 : -2) * Math.exp(-2 * (k * x) ** 2);
  return Math.min(1, Math.max(0, sum));
}

/**
 * Probability that the statistic of n values stays below d, as an entry of a matrix power.
 *
 * @see G. Marsaglia, W. W. Tsang, J. Wang (2003), Evaluating Kolmogorov's distribution. J. Statistical Software 8.
 */
function exactKolmogorov(n: number, d: number): number {
  const k = Math.floor(n * d) + 1;
  const m = 2 * k - 1;
  const h = k - n * d;
  const matrix = new Float64Array(m * m);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) matrix[i * m + j] = i - j + 1 < 0 ? 0 : 1;
  for (let i = 0; i < m; i++) {
    matrix[i * m]! -= h ** (i + 1);
    matrix[(m - 1) * m + i]! -= h ** (m - i);
  }
  matrix[(m - 1) * m]! += 2 * h - 1 > 0 ? (2 * h - 1) ** m : 0;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) for (let g = 2; g <= i - j + 1; g++) matrix[i * m + j]! /= g;
  }
  let power: Scaled = { entries: identity(m), exponent: 0 };
  let square: Scaled = { entries: matrix, exponent: 0 };
  for (let rest = n; rest > 0; rest >>= 1) {
    if (rest & 1) power = scaledProduct(power, square, m);
    square = scaledProduct(square, square, m);
  }
  let result = power.entries[(k - 1) * m + k - 1]!;
  let exponent = power.exponent;
  for (let i = 1; i <= n; i++) {
    result = (result * i) / n;
    if (result < 1e-140) [result, exponent] = [result * 1e140, exponent - 140];
  }
  return result * 10 ** exponent;
}

type Scaled = { readonly entries: Float64Array; readonly exponent: number };

function scaledProduct(a: Scaled, b: Scaled, m: number): Scaled {
  const entries = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < m; k++) {
      const factor = a.entries[i * m + k]!;
      for (let j = 0; j < m; j++) entries[i * m + j]! += factor * b.entries[k * m + j]!;
    }
  }
  const exponent = a.exponent + b.exponent;
  const middle = entries[(m >> 1) * m + (m >> 1)]!;
  return middle > 1e140
    ? { entries: entries.map((value) => value * 1e-140), exponent: exponent + 140 }
    : { entries, exponent };
}

const identity = (m: number): Float64Array =>
  Float64Array.from({ length: m * m }, (_, at) => Number(at % (m + 1) === 0));

function checkSample(who: string, sample: ArrayLike<number>, least: number): Float64Array {
  const sorted = Float64Array.from(sample).sort();
  if (sorted.length < least || Number.isNaN(sorted.at(-1))) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `${who}: expected at least ${least} numbers, none of them NaN; got ${sorted.length}.`,
      { n: sorted.length },
    );
  }
  return sorted;
}
