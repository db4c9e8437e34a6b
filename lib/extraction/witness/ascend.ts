/** Inputs that climb the softened logic, from clean ones towards either answer. */

import { type LoadedModel, wrapModel } from "../../model/index.js";
import type { Model } from "../../onnx/index.js";
import { type Tensor, tensor } from "../../tensor/index.js";
import { softLogic } from "./soft-logic.js";
import { stopIf } from "./stop.js";

const STEPS = 60;
/** Further steps by the sign of the gradient, ever shorter, for logic that waits for one value exactly. */
const SETTLING = 40;
const SHORTER = 0.8;
const STEEPNESS = [2, 20];
const STARTS = 2;

/** Ends of the climbs, as they are and rounded to the extremes where the gradient points. */
export async function ascend(
  { graph, questions }: { readonly graph: Model; readonly questions: readonly string[] },
  examples: readonly Tensor[],
  range: readonly [number, number],
  signal: AbortSignal | undefined,
): Promise<Float64Array[]> {
  const ends: Float64Array[] = [];
  for (const steepness of STEEPNESS) {
    using soft = softened(graph, questions, examples[0]!, steepness);
    if (soft === undefined) return [];
    for (const start of examples.slice(0, STARTS)) {
      for (const direction of [1, -1]) {
        stopIf(signal);
        const end = await climb(
          soft,
          Float32Array.from(start.data as Float32Array),
          start.dims,
          range,
          direction,
        );
        if (end) ends.push(...end);
      }
    }
  }
  return ends;
}

function softened(
  graph: Model,
  questions: readonly string[],
  example: Tensor,
  steepness: number,
): LoadedModel | undefined {
  try {
    return wrapModel(softLogic(graph, questions, example.dims.slice(1), steepness), { threads: 1 });
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error;
    return undefined;
  }
}

/** Adam, kept within the range. */
async function climb(
  soft: LoadedModel,
  x: Float32Array,
  dims: readonly number[],
  [low, high]: readonly [number, number],
  direction: number,
): Promise<Float64Array[] | undefined> {
  const mean = new Float64Array(x.length);
  const square = new Float64Array(x.length);
  const rate = (high - low) / 10;
  let gradient: Float32Array | undefined;
  for (let step = 1; step <= STEPS + SETTLING; step++) {
    const feeds = { x: tensor("float32", dims, x) };
    try {
      const one = tensor("float32", [], Float32Array.of(1));
      const made = await soft.vjp(feeds, { cotangents: { score: one }, wrt: ["x"] });
      gradient = made["x"]!.data as Float32Array;
    } catch (error) {
      if ((error as { code?: string }).code === undefined) throw error;
      return undefined;
    }
    for (let i = 0; i < x.length; i++) {
      const g = direction * gradient[i]!;
      mean[i] = 0.9 * mean[i]! + 0.1 * g;
      square[i] = 0.99 * square[i]! + 0.01 * g * g;
      if (mean[i] === 0) continue;
      const moved =
        step > STEPS
          ? rate * SHORTER ** (step - STEPS) * Math.sign(g)
          : (rate * mean[i]!) / (1 - 0.9 ** step) / (Math.sqrt(square[i]! / (1 - 0.99 ** step)) + 1e-12);
      x[i] = Math.min(high, Math.max(low, x[i]! + moved));
    }
  }
  return [
    Float64Array.from(x),
    Float64Array.from(x, (value, i) => {
      if (mean[i] === 0) return value;
      return mean[i]! > 0 ? high : low;
    }),
  ];
}
