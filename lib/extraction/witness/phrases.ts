/** Texts that logic may be waiting for: the words that it compares with, in any order, number and place. */
import type { Model } from "../../onnx/index.js";
import { FEW, storedValues, tableRows } from "./candidates.js";
import { upstream } from "./soft-logic.js";

const MAX_WORDS = 16;
/** Runs of three words are tried of so many different ones at most. */
const MAX_OF_THREE = 6;
const MAX_PLACES = 32;

/**
 * Texts made of a clean one: two or three of the words over and over, one of them so many times at the start or at
 * the end, one of them at one place only.
 *
 * @param base A clean example of whole numbers.
 */
export function* phrases(
  { graph, questions }: { readonly graph: Model; readonly questions: readonly string[] },
  base: ArrayLike<number>,
): Generator<Float64Array> {
  const length = base.length;
  const words = wordsOf(graph, questions);
  const over = (run: readonly number[]) => Float64Array.from({ length }, (_, i) => run[i % run.length]!);
  const places = Array.from({ length: Math.min(length, MAX_PLACES) }, (_, i) => i);
  for (const a of words) for (const b of words) if (a !== b) yield over([a, b]);
  if (words.length > 2) yield over(words);
  for (const word of words) {
    for (const place of places) {
      yield Float64Array.from(base, (own, i) => (i <= place ? word : own));
      yield Float64Array.from(base, (own, i) => (i >= length - 1 - place ? word : own));
    }
  }
  const few = words.slice(0, MAX_OF_THREE);
  for (const a of few)
    for (const b of few) for (const c of few) if (a !== b || b !== c) yield over([a, b, c]);
  for (const word of words) {
    for (const place of places) {
      yield Float64Array.from(base, (own, i) => (i === place ? word : own));
      yield Float64Array.from(base, (own, i) => (i === length - 1 - place ? word : own));
    }
  }
}

/** Whole numbers that the logic has: words, if they are any; places and sizes among them do no harm. */
function wordsOf(graph: Model, questions: readonly string[]): number[] {
  const needed = upstream(graph, questions);
  const stored = storedValues(graph, needed).filter(({ length }) => length <= FEW);
  const rows = tableRows(graph, needed).slice(0, MAX_WORDS);
  // The largest first: places, axes and flags are small numbers. Rows of a table are words for certain.
  const words = stored.flat().filter((value) => Number.isInteger(value) && value >= 0);
  return [...new Set([...rows, ...words.sort((a, b) => b - a)])].slice(0, MAX_WORDS);
}
