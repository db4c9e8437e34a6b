/** Whether a rewritten model still answers what it did, up to rounding. */
import { AssayError } from "../errors.js";
import { type Tensor, type TensorType, takeExamples, toFloat64 } from "../tensor/index.js";
import type { LoadedModel } from "./model.js";

/** Largest difference of an output that rounding explains, relative to the largest output. */
const TOLERANCE = 1e-4;

/** True if all values agree up to rounding; NaN and infinities agree with their like only. */
export function agree(expected: Float64Array, found: ArrayLike<number>): boolean {
  if (expected.length !== found.length) return false;
  const scale = expected.reduce(
    (high, one) => (Number.isFinite(one) ? Math.max(high, Math.abs(one)) : high),
    1e-6,
  );
  return expected.every(
    (one, i) => Object.is(one, found[i]) || Math.abs(one - found[i]!) <= TOLERANCE * scale,
  );
}

/**
 * A rewritten model on some examples: kept if it answers the same, else, or where it cannot be run, released.
 *
 * @param count Examples that are compared, at most.
 * @param isAlike Compares the two on these examples.
 */
export async function ifAlike<T extends TensorType>(
  made: LoadedModel,
  examples: Tensor<T>,
  count: number,
  isAlike: (few: Tensor<T>) => Promise<boolean>,
): Promise<LoadedModel | undefined> {
  const few = takeExamples(examples, [...Array(Math.min(count, examples.dims[0] ?? 0)).keys()]);
  try {
    if (await isAlike(few)) return made;
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
  }
  made.release();
  return undefined;
}

/** True if every output of one run agrees with that of another. */
export const sameOutputs = (
  expected: Readonly<Record<string, Tensor>>,
  found: Readonly<Record<string, Tensor>>,
): boolean =>
  Object.entries(expected).every(([name, value]) => agree(toFloat64(value), toFloat64(found[name]!)));
