/** A quadratic model of a loss: its inverse curvature, learned from steps, and the solution of Newton's equation with it. */

/** Part of the gradient that a solution may leave. */
export const LEFT = 1e-3;
const MAX_PRODUCTS = 200;

/** Applies a symmetric matrix. */
export type Operator = (direction: Float64Array) => Float64Array;

/** A model whose curvature is known by its inverse. */
export interface Quadratic {
  /** Inverse curvature times the gradient. */
  step(gradient: Float64Array): Float64Array;
  /** Corrects the curvature by a step that was taken and what it did to the gradient. */
  learn(moved: Float64Array, changed: Float64Array): void;
}

/**
 * A quadratic model by the two-loop recursion of J. Nocedal (1980), Math. Comp. 35.
 *
 * @param solve Applies the inverse of a first curvature in place.
 */
export function quadratic(solve: (vector: Float64Array) => void): Quadratic {
  const pairs: { readonly moved: Float64Array; readonly changed: Float64Array; readonly rho: number }[] = [];
  return {
    step(gradient) {
      const q = gradient.slice();
      const shares = pairs.map(() => 0);
      for (let k = pairs.length - 1; k >= 0; k--) {
        const { moved, changed, rho } = pairs[k]!;
        shares[k] = rho * dot(moved, q);
        addScaled(q, changed, -shares[k]!);
      }
      solve(q);
      pairs.forEach(({ moved, changed, rho }, k) => {
        addScaled(q, moved, shares[k]! - rho * dot(changed, q));
      });
      return q;
    },
    learn(moved, changed) {
      const product = dot(moved, changed);
      if (product > 0) pairs.push({ moved, changed, rho: 1 / product });
    },
  };
}

/**
 * Solves curvature · x = gradient up to a small part of the gradient, in the norm of the preconditioner.
 *
 * @returns Nothing if a direction has no curvature, which in floats a singular table shows.
 */
export function conjugateGradients(
  curvature: Operator,
  model: Quadratic,
  gradient: Float64Array,
): { readonly solution: Float64Array; readonly products: number } | undefined {
  const solution = new Float64Array(gradient.length);
  const residual = gradient.slice();
  let preconditioned = model.step(residual);
  let size = dot(residual, preconditioned);
  const enough = size * LEFT * LEFT;
  const direction = preconditioned.slice();
  let products = 0;
  for (; products < MAX_PRODUCTS && size > enough; products++) {
    const image = curvature(direction);
    const bend = dot(direction, image);
    if (!(bend > 0)) return undefined;
    addScaled(solution, direction, size / bend);
    addScaled(residual, image, -size / bend);
    preconditioned = model.step(residual);
    const next = dot(residual, preconditioned);
    for (let j = 0; j < direction.length; j++)
      direction[j] = preconditioned[j]! + (next / size) * direction[j]!;
    size = next;
  }
  return { solution, products };
}

export function dot(a: Float64Array, b: Float64Array): number {
  // Four sums at once, since one would wait for each addition.
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let j = 0;
  for (; j + 3 < a.length; j += 4) {
    s0 += a[j]! * b[j]!;
    s1 += a[j + 1]! * b[j + 1]!;
    s2 += a[j + 2]! * b[j + 2]!;
    s3 += a[j + 3]! * b[j + 3]!;
  }
  for (; j < a.length; j++) s0 += a[j]! * b[j]!;
  return s0 + s1 + (s2 + s3);
}

function addScaled(to: Float64Array, values: Float64Array, factor: number): void {
  for (let j = 0; j < to.length; j++) to[j]! += factor * values[j]!;
}

export const minus = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, j) => value - b[j]!);

export const maxAbs = (values: Float64Array): number =>
  values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
