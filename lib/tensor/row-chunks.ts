/** Examples as one tensor, or in chunks that need not be in memory at once. */
import { AssayError } from "../errors.js";
import { takeExamples } from "./examples.js";
import { integerLabels, type Labels, labelValues, type Rows, rows } from "./rows.js";
import type { Tensor } from "./tensor.js";

/**
 * Examples: one tensor [n, ...], or some of them per tensor, one after the other.
 *
 * Chunks may come from anywhere, such as `cache.chunks("relu2")`, an array, or a generator; one is in memory at a
 * time. What reads its examples more than once needs chunks that can be iterated again: an array, a cache, or
 * `{ [Symbol.iterator]: () => read() }`, but not the generator itself.
 */
export type Examples = Tensor | Iterable<Tensor>;

/** Some examples with their labels. */
export interface LabelledRows extends Rows {
  readonly labels: Int32Array;
}

/** True for one tensor. */
export const isOneTensor = (x: Examples): x is Tensor => Array.isArray((x as Tensor | undefined)?.dims);

/**
 * Examples as tables of equal width.
 *
 * @param who Name of the calling function, for messages.
 * @throws AssayError TYPE_MISMATCH for anything but tensors; while iterating as `rows`, SHAPE_MISMATCH for chunks of
 *   other widths or no chunk at all, INVALID_ARGUMENT if chunks are read again that can be read only once.
 */
export function rowChunks(x: Examples, who: string): Iterable<Rows> {
  if (isOneTensor(x)) return [rows(x, who)];
  checkIterable(x, who);
  let passes = 0;
  return {
    *[Symbol.iterator]() {
      const source = x[Symbol.iterator]();
      if (passes++ > 0 && (source as unknown) === x) throw readOnce(who);
      let d: number | undefined;
      let chunk = 0;
      for (const part of { [Symbol.iterator]: () => source }) {
        const table = rows(part, `${who}, chunk ${chunk}`);
        d ??= table.d;
        if (table.d !== d) {
          throw new AssayError(
            "SHAPE_MISMATCH",
            `${who}: chunk ${chunk} has ${table.d} features per example, the ones before have ${d}.`,
            { chunk, expected: d, dims: part.dims },
          );
        }
        chunk++;
        yield table;
      }
      if (chunk === 0) throw new AssayError("SHAPE_MISMATCH", `${who}: there is no chunk of examples.`, {});
    },
  };
}

function checkIterable(x: Examples, who: string): void {
  if (isOneTensor(x) || (typeof x?.[Symbol.iterator] === "function" && typeof x !== "string")) return;
  throw new AssayError(
    "TYPE_MISMATCH",
    `${who}: expected a tensor { type, dims, data } or an iterable of tensors.`,
    {},
  );
}

/**
 * Refuses chunks that can be read only once, before anything is read.
 *
 * @throws AssayError INVALID_ARGUMENT.
 */
export function requireRepeatable(x: Examples, who: string): void {
  checkIterable(x, who);
  if (!isOneTensor(x) && (x[Symbol.iterator]() as unknown) === x) throw readOnce(who);
}

/**
 * Examples as tables with their labels.
 *
 * @param labels One per example, in their order, all chunks together.
 * @throws AssayError as `rowChunks` and `integerLabels`.
 */
export function labelledChunks(x: Examples, labels: Labels, who: string): Iterable<LabelledRows> {
  const chunks = rowChunks(x, who);
  const given = labelValues(labels, who).length;
  const values = integerLabels(labels, Array.isArray(chunks) ? (chunks[0] as Rows).n : given, who);
  return {
    *[Symbol.iterator]() {
      let start = 0;
      for (const table of chunks) {
        const stop = start + table.n;
        if (stop > values.length) throw wrongCount(who, `at least ${stop}`, values.length);
        yield { ...table, labels: values.subarray(start, stop) };
        start = stop;
      }
      if (start !== values.length) throw wrongCount(who, String(start), values.length);
    },
  };
}

/**
 * The examples at some places, in their order: of one tensor a copy, of chunks what is left of each as it is read.
 *
 * @param isWanted Whether the example at a place, counted over all chunks, is taken.
 */
export function selectExamples(x: Examples, isWanted: (index: number) => boolean): Examples {
  const taken = (part: Tensor, start: number): Tensor => {
    const places: number[] = [];
    for (let i = 0; i < (part.dims[0] ?? 0); i++) if (isWanted(start + i)) places.push(i);
    return takeExamples(part, places);
  };
  if (isOneTensor(x)) return taken(x, 0);
  return {
    *[Symbol.iterator]() {
      let start = 0;
      for (const part of x) {
        const own = taken(part, start);
        start += part.dims[0] ?? 0;
        if (own.dims[0]! > 0) yield own;
      }
    },
  };
}

/** One number per example: `score` of each table, joined. */
export function scoreChunks(x: Examples, who: string, score: (table: Rows) => Float64Array): Float64Array {
  if (isOneTensor(x)) return score(rows(x, who));
  const parts = Array.from(rowChunks(x, who), score);
  const joined = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function readOnce(who: string): AssayError {
  return new AssayError(
    "INVALID_ARGUMENT",
    `${who} reads its examples more than once, but these can be iterated only once. Give an array of tensors, chunks of an activation cache, or { [Symbol.iterator]: () => read() }.`,
    {},
  );
}

const wrongCount = (who: string, needed: string, labels: number): AssayError =>
  new AssayError("SHAPE_MISMATCH", `${who}: there are ${needed} examples, but ${labels} labels.`, { labels });
