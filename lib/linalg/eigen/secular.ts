/** The secular equation: eigenvalues and eigenvectors of a diagonal matrix plus one of rank one. */

const MAX_ITERATIONS = 100;

/** Eigenvalues rising, and row-major [k, k]: row j the unit eigenvector of value j. */
export interface SecularRoots {
  readonly roots: Float64Array;
  readonly vectors: Float64Array;
}

/**
 * Eigenpairs of diag(poles) + size · z zᵀ: the roots of 1 + size Σ zᵢ² / (polesᵢ - λ), one between each two poles.
 *
 * Each root is kept as its distance from the nearer pole. Vectors are those of the weights for which the roots found
 * are exact, which makes them orthogonal to rounding.
 *
 * @param poles Rising, no two equal.
 * @param z Weights, none zero.
 * @param size Above 0.
 * @see R. Li (1993), Solving secular equations stably and efficiently. LAPACK Working Note 89.
 */
export function secularRoots(poles: Float64Array, z: Float64Array, size: number): SecularRoots {
  const k = poles.length;
  const squares = z.map((value) => size * value * value);
  const roots = new Float64Array(k);
  // Row j: each pole less root j.
  const gaps = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    const { origin, offset } = root(poles, squares, j);
    roots[j] = poles[origin]! + offset;
    for (let i = 0; i < k; i++) gaps[j * k + i] = poles[i]! - poles[origin]! - offset;
  }
  const weights = exactWeights(poles, z, gaps);
  const vectors = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    let sum = 0;
    for (let i = 0; i < k; i++) {
      const entry = weights[i]! / gaps[j * k + i]!;
      vectors[j * k + i] = entry;
      sum += entry * entry;
    }
    const length = Math.sqrt(sum);
    for (let i = 0; i < k; i++) vectors[j * k + i]! /= length;
  }
  return { roots, vectors };
}

/** Root j as its offset from the nearer of the poles around it. */
function root(
  poles: Float64Array,
  squares: Float64Array,
  j: number,
): { readonly origin: number; readonly offset: number } {
  const k = poles.length;
  const isLast = j === k - 1;
  const width = isLast ? squares.reduce((sum, value) => sum + value, 0) : poles[j + 1]! - poles[j]!;
  const middle = valueAt(poles, squares, j, j, width / 2);
  const origin = isLast || middle.value >= 0 ? j : j + 1;
  let [low, high] = isLast
    ? middle.value >= 0
      ? [0, width / 2]
      : [width / 2, width]
    : origin === j
      ? [0, width / 2]
      : [-width / 2, 0];
  // The poles between which the equation is interpolated; of the last root the two before it.
  const [p, q] = isLast ? [Math.max(0, k - 2), k - 1] : [j, j + 1];
  let offset = (low + high) / 2;
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const { value, below, above, belowSlope, aboveSlope } = valueAt(poles, squares, j, origin, offset);
    const error = 1 + 8 * (Math.abs(below) + Math.abs(above)) + Math.abs(offset) * (belowSlope + aboveSlope);
    if (Math.abs(value) <= Number.EPSILON * error) break;
    if (value < 0) low = offset;
    else high = offset;
    const left = poles[p]! - poles[origin]! - offset;
    const right = poles[q]! - poles[origin]! - offset;
    const step = interpolated(value, left, right, belowSlope, aboveSlope);
    let next = offset + step;
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (next === offset || !(high - low > 0) || next === low || next === high) break;
    offset = next;
  }
  // An offset of zero would put the root on its pole.
  if (offset === 0) offset = high > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE;
  return { origin, offset };
}

/** The step to the root of c + s / (left - η) + t / (right - η), which has the equation's value and slopes here. */
function interpolated(
  value: number,
  left: number,
  right: number,
  belowSlope: number,
  aboveSlope: number,
): number {
  const c = value - left * belowSlope - right * aboveSlope;
  const a = (left + right) * value - left * right * (belowSlope + aboveSlope);
  const b = left * right * value;
  const inner = Math.sqrt(Math.max(0, a * a - 4 * b * c));
  if (a <= 0) return c === 0 ? b / a : (a - inner) / (2 * c);
  return (2 * b) / (a + inner);
}

/** The equation at a root's place: its value, and the sums and slopes of the terms up to pole j and beyond. */
function valueAt(poles: Float64Array, squares: Float64Array, j: number, origin: number, offset: number) {
  const at = poles[origin]!;
  let [below, above, belowSlope, aboveSlope] = [0, 0, 0, 0];
  for (let i = 0; i <= j; i++) {
    const gap = poles[i]! - at - offset;
    const term = squares[i]! / gap;
    below += term;
    belowSlope += term / gap;
  }
  for (let i = j + 1; i < poles.length; i++) {
    const gap = poles[i]! - at - offset;
    const term = squares[i]! / gap;
    above += term;
    aboveSlope += term / gap;
  }
  return { value: 1 + below + above, below, above, belowSlope, aboveSlope };
}

/** The weights for which the roots are exact, up to a common factor (K. Löwner's formula), with the signs of z. */
function exactWeights(poles: Float64Array, z: Float64Array, gaps: Float64Array): Float64Array {
  const k = poles.length;
  return z.map((value, i) => {
    let product = gaps[i * k + i]!;
    for (let j = 0; j < k; j++) if (j !== i) product *= gaps[j * k + i]! / (poles[i]! - poles[j]!);
    return (value < 0 ? -1 : 1) * Math.sqrt(Math.abs(product));
  });
}
