/** Making a counterexample smaller while it still breaks the promise. */
import { type Tensor, tensor, toFloat64 } from "../tensor/index.js";

/** Whether each of some inputs [n, ...] breaks the promise. */
export type Breaks = (inputs: Tensor) => Promise<readonly boolean[]>;

/** A smaller counterexample and how it was made. */
export interface Minimal {
  readonly input: Tensor;
  readonly how: string;
}

const scaleSteps = 64;

/** Scales a change of numbers down: the smallest of 64 equal steps that still breaks the promise. */
export async function minimiseScale(original: Tensor, variant: Tensor, breaks: Breaks): Promise<Minimal> {
  const [from, to] = [toFloat64(original), toFloat64(variant)];
  const size = from.length;
  const steps = new Float32Array(size * scaleSteps);
  for (let s = 0; s < scaleSteps; s++) {
    const share = (s + 1) / scaleSteps;
    for (let i = 0; i < size; i++) steps[s * size + i] = from[i]! + share * (to[i]! - from[i]!);
  }
  const outcome = await breaks(tensor("float32", [scaleSteps, ...original.dims.slice(1)], steps));
  const first = Math.max(0, outcome.indexOf(true));
  const input = tensor("float32", original.dims, steps.slice(first * size, (first + 1) * size));
  return { input, how: `scaled down to ${first + 1}/${scaleSteps} of the change` };
}

/** Puts changed tokens back one at a time, as long as the promise stays broken. */
export async function minimiseTokens(original: Tensor, variant: Tensor, breaks: Breaks): Promise<Minimal> {
  const from = original.data as BigInt64Array;
  let current = (variant.data as BigInt64Array).slice();
  const changedAt = (): number[] => [...current.keys()].filter((i) => current[i] !== from[i]);
  const initially = changedAt().length;
  for (let places = changedAt(); places.length > 1; places = changedAt()) {
    const attempts = places.map((place) => {
      const attempt = current.slice();
      attempt[place] = from[place]!;
      return attempt;
    });
    const all = new BigInt64Array(attempts.length * from.length);
    attempts.forEach((attempt, i) => {
      all.set(attempt, i * from.length);
    });
    const outcome = await breaks(tensor("int64", [attempts.length, ...original.dims.slice(1)], all));
    const next = outcome.indexOf(true);
    if (next < 0) break;
    current = attempts[next]!;
  }
  return {
    input: tensor("int64", original.dims, current),
    how: `${changedAt().length} of ${initially} changed tokens are enough`,
  };
}
