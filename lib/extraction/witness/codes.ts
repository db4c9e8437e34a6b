/** Examples that give every question its own one of the constants: logic that waits for two codes in two columns. */
import type { Model } from "../../onnx/index.js";
import { FEW, storedValues } from "./candidates.js";
import { upstream } from "./soft-logic.js";

/** Wider examples are pictures: finding out what each question looks at would take too long. */
const MAX_UNITS = 64;
const MAX_QUESTIONS = 3;
const MAX_CODES = 8;

/**
 * @param reads The places of an example that each question depends on.
 * @param base A clean example.
 */
export function* codes(
  graph: Model,
  deciding: readonly string[],
  reads: readonly (readonly number[])[],
  base: readonly number[],
): Generator<Float64Array> {
  if (reads.length < 2 || reads.length > MAX_QUESTIONS) return;
  const few = storedValues(graph, upstream(graph, deciding)).filter(({ length }) => length <= FEW);
  const constants = [...new Set(few.flat().filter(Number.isFinite))]
    // The largest first: places, axes and flags are small numbers.
    .sort((a, b) => Math.abs(b) - Math.abs(a))
    .slice(0, MAX_CODES);
  const count = constants.length ** reads.length;
  for (let k = 0; k < count; k++) {
    const example = Float64Array.from(base);
    reads.forEach((places, i) => {
      const code = constants[Math.floor(k / constants.length ** i) % constants.length]!;
      for (const place of places) example[place] = code;
    });
    yield example;
  }
}

/** Which places of a small example each question depends on: those whose change changes its answer. */
export async function placesRead(
  base: readonly number[],
  questions: number,
  answersTo: (values: Float64Array) => Promise<readonly string[] | undefined>,
): Promise<number[][]> {
  const reads: number[][] = Array.from({ length: questions }, () => []);
  if (base.length > MAX_UNITS || questions < 2) return reads;
  const usual = await answersTo(Float64Array.from(base));
  for (let place = 0; place < base.length; place++) {
    const changed = Float64Array.from(base);
    changed[place] = changed[place]! + 1 + Math.abs(changed[place]!);
    const answers = await answersTo(changed);
    answers?.forEach((answer, i) => {
      if (answer !== usual?.[i]) reads[i]!.push(place);
    });
  }
  return reads;
}
