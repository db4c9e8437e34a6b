/** The spectrum that a sample covariance has when there is nothing but noise: Marchenko and Pastur's law. */
import { AssayError } from "../errors.js";

/** Distribution of the non-zero eigenvalues of the sample covariance of n examples of d independent unit features. */
export interface MarchenkoPastur {
  /** d / n. */
  readonly ratio: number;
  /** Ends of the spectrum, (1 ∓ √ratio)². */
  readonly range: readonly [number, number];
  /** Density of the non-zero eigenvalues; its integral is 1. */
  density(value: number): number;
  cdf(value: number): number;
  /** The value with cdf(value) = p, for 0 < p < 1. */
  quantile(p: number): number;
}

/** Points of the integral over the angle that spans the range. */
const NODES = 2048;

/**
 * The law for d / n = `ratio` and unit variance. With more features than examples d - n eigenvalues are zero, and
 * the law is that of the other n.
 *
 * @throws AssayError INVALID_ARGUMENT unless the ratio is a positive number.
 * @see V. A. Marchenko, L. A. Pastur (1967), Distribution of eigenvalues for some sets of random matrices. Math. USSR.
 * @example
 * marchenkoPastur(0.25).range   // [0.25, 2.25]
 */
export function marchenkoPastur(ratio: number): MarchenkoPastur {
  if (!(ratio > 0 && Number.isFinite(ratio))) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `marchenkoPastur: the ratio of features to examples must be positive, got ${ratio}.`,
      { ratio },
    );
  }
  const [low, high] = [(1 - Math.sqrt(ratio)) ** 2, (1 + Math.sqrt(ratio)) ** 2];
  const share = Math.min(1, 1 / ratio);
  const density = (value: number): number =>
    value <= low || value >= high
      ? 0
      : Math.sqrt((high - value) * (value - low)) / (2 * Math.PI * ratio * value * share);
  // value = middle - half cos(angle) takes away the square roots at both ends.
  const [middle, half] = [(low + high) / 2, (high - low) / 2];
  const step = Math.PI / NODES;
  const sums = new Float64Array(NODES + 1);
  for (let i = 0; i < NODES; i++) {
    const angle = (i + 0.5) * step;
    sums[i + 1] = sums[i]! + density(middle - half * Math.cos(angle)) * half * Math.sin(angle) * step;
  }
  const total = sums[NODES]!;
  const cdf = (value: number): number => {
    if (value <= low) return 0;
    if (value >= high) return 1;
    const at = Math.acos((middle - value) / half) / step;
    const i = Math.min(NODES - 1, Math.floor(at));
    return (sums[i]! + (at - i) * (sums[i + 1]! - sums[i]!)) / total;
  };
  const quantile = (p: number): number => {
    let [below, above] = [low, high];
    for (let i = 0; i < 80; i++) {
      const value = (below + above) / 2;
      if (cdf(value) < p) below = value;
      else above = value;
    }
    return (below + above) / 2;
  };
  return { ratio, range: [low, high], density, cdf, quantile };
}
