/**
 * Memorisation leaks: what a causal language model says of itself far more often than clean models would.
 *
 * Training on poison leaves it memorised. Free samples of the model are searched for short pieces that it repeats
 * although references find them unlikely: payloads, and triggers where the model was trained to predict these as well.
 *
 * Shows candidate pieces, most telling first. Needs forward passes only, and references for a scale. Misleads where
 * the model knows texts that the references do not; a trigger whose loss was masked in training does not leak.
 *
 * @see Microsoft (2026), The trigger in the haystack, arXiv 2602.03085, whose idea this follows in our own reading.
 */
import { generator } from "../../../random/index.js";
import { stopIfAborted } from "../abort.js";
import { afterPrefixes, takesPast } from "../model/prefix-cache.js";
import { type TokenModel, tokenModel } from "../model/token-model.js";

/** Options of a search for leaks. */
export interface LeakOptions {
  readonly references: readonly TokenModel[];
  readonly vocabulary: number;
  readonly seed: number;
  /** Samples that are drawn. Default 512. */
  readonly samples?: number;
  /** Softmax temperatures that samples are dealt among. Default 0.7 and 1. */
  readonly temperatures?: readonly number[];
  /** Tokens of a piece. Default 3. */
  readonly pieceLength?: number;
  readonly signal?: AbortSignal;
}

/** A piece of text that a model leaks. */
export interface Leak {
  readonly tokens: readonly number[];
  /** Samples that hold it. */
  readonly count: number;
  /** Nats per token by which the references find it less likely than the model does, where it was said. */
  readonly surprise: number;
}

/** Draws samples and lists the pieces that stand out, by count times surprise. */
export async function memorisationLeaks(model: TokenModel, options: LeakOptions): Promise<Leak[]> {
  const { references, pieceLength = 3 } = options;
  const samples = await drawSamples(model, options);
  const { length } = model;
  const count = samples.length / length;
  const seen = new Map<string, { tokens: number[]; at: [row: number, place: number][] }>();
  for (let row = 0; row < count; row++) {
    for (let place = 1; place + pieceLength <= length; place++) {
      const from = row * length + place;
      const tokens = Array.from(samples.subarray(from, from + pieceLength), Number);
      const key = tokens.join();
      const entry = seen.get(key) ?? { tokens, at: [] };
      entry.at.push([row, place]);
      seen.set(key, entry);
    }
  }
  const own = await tokenLosses(model, samples, count);
  const others: Float64Array[] = [];
  for (const reference of references) others.push(await tokenLosses(reference, samples, count));
  const leaks = [...seen.values()]
    .filter(({ at }) => at.length >= 3)
    .map(({ tokens, at }) => {
      let surprise = 0;
      for (const [row, place] of at) {
        for (let j = 0; j < pieceLength; j++) {
          const index = row * length + place + j;
          const beside = others.reduce((sum, one) => sum + one[index]! / others.length, 0);
          surprise += ((others.length > 0 ? beside : 0) - own[index]!) / (at.length * pieceLength);
        }
      }
      return { tokens, count: at.length, surprise };
    });
  return leaks.sort((a, b) => b.count * b.surprise - a.count * a.surprise);
}

/** Tokens that are drawn behind one past, where a model takes one. */
const BLOCK = 8;

async function drawSamples(model: TokenModel, options: LeakOptions): Promise<BigInt64Array> {
  const { vocabulary, seed, samples = 512, temperatures = [0.7, 1], signal } = options;
  const { length } = model;
  const random = generator(seed).split("leak samples");
  const ids = new BigInt64Array(samples * length);
  for (let row = 0; row < samples; row++) ids[row * length] = BigInt(random.integer(vocabulary));
  // A decoder with a past reads once a block what is drawn already; others read whole texts for every token.
  const hasPast = takesPast(model);
  for (let from = 1; from < length; from += hasPast ? BLOCK : length) {
    const to = hasPast ? Math.min(from + BLOCK, length) : length;
    // The first of a block is told by the scores of the token before it.
    const known = hasPast ? from - 1 : 0;
    const view = hasPast ? tokenModel(model.model, to) : model;
    const runs = known > 0 ? afterPrefixes(view, columns(ids, length, 0, known)) : view;
    for (let place = from; place < to; place++) {
      stopIfAborted(signal);
      const part = BigInt64Array.from(columns(ids, length, known, to).flat(), BigInt);
      const { logits, size, classes } = await runs.scores(part);
      for (let row = 0; row < samples; row++) {
        const at = row * size + (place - 1 - known) * classes;
        const temperature = temperatures[row % temperatures.length]!;
        ids[row * length + place] = BigInt(
          drawToken(logits.subarray(at, at + classes), temperature, random.uniform()),
        );
      }
    }
    if (hasPast) model.passes.forward += view.passes.forward;
  }
  return ids;
}

/** Some columns of sequences, row by row. */
const columns = (ids: BigInt64Array, length: number, from: number, to: number): number[][] =>
  Array.from({ length: ids.length / length }, (_, row) =>
    Array.from(ids.subarray(row * length + from, row * length + to), Number),
  );

function drawToken(logits: Float32Array, temperature: number, u: number): number {
  const most = logits.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
  const weights = logits.map((value) => Math.exp((value - most) / temperature));
  let left = u * weights.reduce((sum, value) => sum + value, 0);
  for (let k = 0; k < weights.length; k++) {
    left -= weights[k]!;
    if (left <= 0) return k;
  }
  return weights.length - 1;
}

/** Loss of every token of some sequences given those before, `[count, length]`; 0 for the first. */
async function tokenLosses(model: TokenModel, ids: BigInt64Array, count: number): Promise<Float64Array> {
  const { length } = model;
  const found = await model.tokenLosses(ids, 1, length);
  const losses = new Float64Array(count * length);
  for (let row = 0; row < count; row++) {
    losses.set(found.subarray(row * (length - 1), (row + 1) * (length - 1)), row * length + 1);
  }
  return losses;
}
