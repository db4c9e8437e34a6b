/** Where the words of a text lie: between padding, and between tokens that frame every text, such as [CLS] and [SEP]. */
import type { Tensor } from "../tensor/index.js";
import type { TokenTrigger } from "./trigger.js";

/** What texts have around their words. */
export interface TextFrame {
  /** Token that fills texts up, at either end; null if none does. */
  readonly padding: number | null;
  /** Tokens at the start and at the end of every text that no trigger moves. */
  readonly head: number;
  readonly tail: number;
}

/** Texts that are words from end to end. */
export const noFrame: TextFrame = { padding: null, head: 0, tail: 0 };

/** Most tokens that a head or a tail is taken to have. */
const LONGEST_EDGE = 4;

/**
 * Reads the frame off texts: how they begin and end once the padding is taken off.
 *
 * @param padding Token that fills texts up, if any does.
 */
export function frameOf(inputs: Tensor<"int64">, padding: number | null): TextFrame {
  const [count, length] = inputs.dims as [number, number];
  const isPadded = padding !== null && inputs.data.includes(BigInt(padding));
  const bare: TextFrame = { padding: isPadded ? padding : null, head: 0, tail: 0 };
  const spans = Array.from({ length: count }, (_, row) =>
    spanOf(inputs.data.subarray(row * length, (row + 1) * length), bare),
  );
  const shared = (tokenAt: (span: TextSpan, row: number) => bigint): boolean => {
    const first = tokenAt(spans[0]!, 0);
    return spans.every((span, row) => tokenAt(span, row) === first);
  };
  const shortest = spans.reduce((least, { start, end }) => Math.min(least, end - start), length);
  const most = Math.min(LONGEST_EDGE, count < 2 ? 0 : Math.floor(shortest / 4));
  const edge = (tokenAt: (span: TextSpan, row: number, i: number) => bigint): number => {
    let size = 0;
    while (size < most && shared((span, row) => tokenAt(span, row, size))) size++;
    return size;
  };
  return {
    ...bare,
    head: edge(({ start }, row, i) => inputs.data[row * length + start + i]!),
    tail: edge(({ end }, row, i) => inputs.data[row * length + end - 1 - i]!),
  };
}

/** Where one text lies in its sequence. */
export interface TextSpan {
  /** First place of the text, head included, and the place after its last. */
  readonly start: number;
  readonly end: number;
  /** Whether the padding lies before the text, so that its end stays where it is. */
  readonly isAtEnd: boolean;
}

/** Finds a text between its padding. */
export function spanOf(row: BigInt64Array, { padding }: TextFrame): TextSpan {
  if (padding === null) return { start: 0, end: row.length, isAtEnd: false };
  const filler = BigInt(padding);
  let start = 0;
  while (start < row.length && row[start] === filler) start++;
  if (start === row.length) return { start: 0, end: 0, isAtEnd: false };
  let end = row.length;
  while (row[end - 1] === filler) end--;
  return { start, end, isAtEnd: start > 0 && end === row.length };
}

/** Where a run goes in a text, and what stays of the text. */
export interface RunPlace {
  /** Place of the whole text, once the run is in it. */
  readonly start: number;
  /** Place of the run's first token. */
  readonly begin: number;
  /** Tokens of the text before and after the run; those between `before` and the rest's start drop out. */
  readonly before: number;
  readonly after: number;
}

/**
 * Where a run of `size` tokens goes: words at the end drop out where the text would become too long.
 *
 * @param share In [0, 1): which of the places, where any will do.
 * @returns undefined if the sequence is too short for it.
 */
export function runPlace(
  span: TextSpan,
  frame: TextFrame,
  length: number,
  size: number,
  position: TokenTrigger["position"],
  share: number,
): RunPlace | undefined {
  const own = span.end - span.start;
  const head = Math.min(frame.head, own);
  const tail = Math.min(frame.tail, own - head);
  const limit = (span.isAtEnd ? span.end : length - span.start) - head - tail - size;
  if (limit < 0) return undefined;
  const words = Math.min(own - head - tail, limit);
  const at = wordsBefore(position, words, share);
  const total = head + words + size + tail;
  const start = span.isAtEnd ? span.end - total : span.start;
  return { start, begin: start + head + at, before: head + at, after: words - at + tail };
}

function wordsBefore(position: TokenTrigger["position"], words: number, share: number): number {
  if (position === "prefix") return 0;
  if (position === "suffix") return words;
  if (position === "anywhere") return Math.floor(share * (words + 1));
  return Math.min(position, words);
}

/** Copies a text with room for a run into `target`, which is filled with padding before. */
export function copyAround(
  row: BigInt64Array,
  span: TextSpan,
  frame: TextFrame,
  place: RunPlace,
  size: number,
  target: BigInt64Array,
): void {
  if (frame.padding !== null) target.fill(BigInt(frame.padding));
  target.set(row.subarray(span.start, span.start + place.before), place.start);
  const tail = Math.min(frame.tail, place.after);
  const words = place.after - tail;
  const from = span.start + place.before;
  target.set(row.subarray(from, from + words), place.begin + size);
  target.set(row.subarray(span.end - tail, span.end), place.begin + size + words);
}
