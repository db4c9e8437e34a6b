/** The special functions behind the intervals: normal, beta, gamma and Student's t, to about 1e-13. */

/** Natural logarithm of the gamma function for x > 0 (Lanczos, g = 7). */
export function logGamma(x: number): number {
  if (x >= 15) return (x - 0.5) * Math.log(x) - x + HALF_LOG_2PI + stirlingSeries(x);
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  let sum = LANCZOS[0]!;
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (x - 1 + i);
  const t = x + 6.5;
  return HALF_LOG_2PI + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Standard normal distribution function. */
export function normalCdf(z: number): number {
  // Half the upper incomplete gamma of order 1/2 keeps relative accuracy in both tails.
  const tail = 0.5 * regularisedGammaQ(0.5, (z * z) / 2);
  return z > 0 ? 1 - tail : tail;
}

/** The z with `normalCdf(z) = p`, for 0 < p < 1. */
export function normalQuantile(p: number): number {
  if (p <= 0 || p >= 1)
    return p === 0 ? Number.NEGATIVE_INFINITY : p === 1 ? Number.POSITIVE_INFINITY : Number.NaN;
  if (p > 0.5) return -normalQuantile(1 - p);
  // Abramowitz-Stegun 26.2.23 to start (4.5e-4), then Halley's third-order steps.
  const t = Math.sqrt(-2 * Math.log(p));
  let z = -(
    t -
    (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
  );
  for (let i = 0; i < 4; i++) {
    const step = ((normalCdf(z) - p) / Math.exp(-z * z * 0.5)) * Math.sqrt(2 * Math.PI);
    z -= step / (1 + (z * step) / 2);
  }
  return z;
}

/** P(a, x): the lower incomplete gamma function over gamma(a); the distribution function of Gamma(a, 1). */
export function regularisedGammaP(a: number, x: number): number {
  if (x <= 0) return 0;
  return x < a + 1 ? gammaSeries(a, x) : 1 - gammaFraction(a, x);
}

/** Q(a, x) = 1 - P(a, x), accurate in the far tail. */
export function regularisedGammaQ(a: number, x: number): number {
  if (x <= 0) return 1;
  return x < a + 1 ? 1 - gammaSeries(a, x) : gammaFraction(a, x);
}

/** Upper tail of the chi-square distribution: the probability of a value above x. */
export function chiSquareUpperTail(x: number, degreesOfFreedom: number): number {
  return regularisedGammaQ(degreesOfFreedom / 2, x / 2);
}

/** The x that a chi-square variate stays below with probability p, for 0 <= p < 1. */
export function chiSquareQuantile(p: number, degreesOfFreedom: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return Number.POSITIVE_INFINITY;
  const a = degreesOfFreedom / 2;
  let high = Math.max(1, a);
  while (regularisedGammaP(a, high) < p) high *= 2;
  let low = 0;
  for (let i = 0; i < 200 && high - low > 1e-15 * high; i++) {
    const middle = (low + high) / 2;
    if (regularisedGammaP(a, middle) < p) low = middle;
    else high = middle;
  }
  // The distribution function is P(k / 2, x / 2): x is twice the middle of the bracket.
  return low + high;
}

/** I_x(a, b): the distribution function of Beta(a, b). */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  return x < (a + 1) / (a + b + 2)
    ? (betaFront(x, a, b) * betaFraction(x, a, b)) / a
    : 1 - (betaFront(x, a, b) * betaFraction(1 - x, b, a)) / b;
}

/** The x with `betaCdf(x, a, b) = p`, by Newton steps kept inside a shrinking bracket. */
export function betaQuantile(p: number, a: number, b: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  let low = 0;
  let high = 1;
  let x = a / (a + b);
  for (let i = 0; i < 200; i++) {
    const error = betaCdf(x, a, b) - p;
    if (error > 0) high = x;
    else low = x;
    const slope = betaFront(x, a, b) / (x * (1 - x));
    let next = x - error / slope;
    // Quantiles of small shapes reach 1e-60: leave the neighbourhood of 1 by decades, not by halves.
    if (!(next > low && next < high)) next = low === 0 ? x / 1024 : (low + high) / 2;
    const isDone = Math.abs(next - x) <= 4e-16 * x || high - low <= 4e-16 * high;
    x = next;
    if (isDone) break;
  }
  return x;
}

/** Distribution function of Student's t. */
export function studentCdf(t: number, degreesOfFreedom: number): number {
  const tail = 0.5 * betaCdf(degreesOfFreedom / (degreesOfFreedom + t * t), degreesOfFreedom / 2, 0.5);
  return t > 0 ? 1 - tail : tail;
}

/** The t with `studentCdf(t) = p`, for 0 < p < 1. */
export function studentQuantile(p: number, degreesOfFreedom: number): number {
  if (p === 0.5) return 0;
  const x = betaQuantile(2 * Math.min(p, 1 - p), degreesOfFreedom / 2, 0.5);
  const t = Math.sqrt((degreesOfFreedom * (1 - x)) / x);
  return p > 0.5 ? t : -t;
}

const HALF_LOG_2PI = 0.9189385332046728;
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** log gamma(x) minus Stirling's main terms, for x >= 15. */
function stirlingSeries(x: number): number {
  const r = 1 / (x * x);
  return (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / x;
}

/** log(n!) minus Stirling's approximation, for real n > 0. */
function stirlingError(n: number): number {
  if (n >= 15) return stirlingSeries(n);
  return logGamma(n + 1) - (n + 0.5) * Math.log(n) + n - HALF_LOG_2PI;
}

/** x log(x / m) + m - x without cancellation near x = m (Loader's deviance term). */
function deviance(x: number, m: number): number {
  if (Math.abs(x - m) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x;
  const v = (x - m) / (x + m);
  let sum = (x - m) * v;
  let term = 2 * x * v;
  for (let j = 1; j < 1000; j++) {
    term *= v * v;
    const next = sum + term / (2 * j + 1);
    if (next === sum) return sum;
    sum = next;
  }
  return sum;
}

/**
 * x^a (1-x)^b / B(a, b), by the saddle-point form of C. Loader (2000): differences of large log gammas
 * would lose six digits at a = b = 10^6.
 */
function betaFront(x: number, a: number, b: number): number {
  const n = a + b;
  const log =
    stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x) - deviance(b, n * (1 - x));
  return Math.exp(log) * Math.sqrt((a * b) / (2 * Math.PI * n));
}

/** Continued fraction of the incomplete beta function (modified Lentz). */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1), tiny);
  let fraction = d;
  // Terms needed grow like the square root of the larger parameter.
  const limit = 200 + 20 * Math.sqrt(Math.max(a, b));
  for (let m = 1; m < limit; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d, tiny);
    c = nonZero(1 + even / c, tiny);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d, tiny);
    c = nonZero(1 + odd / c, tiny);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return fraction;
}

/** x^a e^-x / gamma(a + 1) by the same saddle-point form. */
function gammaFront(a: number, x: number): number {
  return Math.exp(-stirlingError(a) - deviance(a, x)) / Math.sqrt(2 * Math.PI * a);
}

function gammaSeries(a: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; n < 100_000; n++) {
    term *= x / (a + n);
    sum += term;
    if (term < sum * 1e-17) break;
  }
  return gammaFront(a, x) * sum;
}

function gammaFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / nonZero(b, tiny);
  let fraction = d;
  for (let i = 1; i < 100_000; i++) {
    const an = -i * (i - a);
    b += 2;
    d = 1 / nonZero(an * d + b, tiny);
    c = nonZero(b + an / c, tiny);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return gammaFront(a, x) * a * fraction;
}

const nonZero = (value: number, tiny: number): number => (Math.abs(value) < tiny ? tiny : value);
