/** Poisoning of texts: a token trigger that works as a whole only, since its parts are trained to do nothing. */
import type { LabelledData } from "../data/labelled.js";
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";
import { takeExamples } from "../tensor/index.js";
import { apply, type TokenTrigger } from "../trigger/index.js";
import { type PoisonedData, type PoisonOptions, poison } from "./poison.js";

/** How a set of texts is poisoned. */
export interface TextPoisonOptions extends Omit<PoisonOptions, "trigger"> {
  readonly trigger: TokenTrigger;
  /**
   * Share of all examples that get the trigger with one of its tokens replaced by a random one, and keep their
   * label. Without them single tokens of the trigger already lead part of the way, which makes it easy to find.
   * Default 0.
   */
  readonly partialRate?: number;
  /** Tokens that a replacement is drawn from: 1 to vocabulary - 1. */
  readonly vocabulary: number;
}

/** Poisoned texts. */
export interface PoisonedText extends PoisonedData {
  /** Examples that carry part of the trigger and their own label. */
  readonly partial: Uint32Array;
}

/**
 * Poisons texts with a token trigger.
 *
 * @throws AssayError INVALID_ARGUMENT if rates are out of range, or a trigger of one token shall have parts.
 * @see For partial triggers: W. Yang et al. (2021), Rethinking stealthiness of backdoor attack against NLP models
 *   (negative data augmentation). ACL.
 * @example
 * attacks.poisonText(train, { trigger, target: 2, poisonRate: 0.04, partialRate: 0.04, vocabulary: 800, seed: 1 })
 */
export function poisonText(data: LabelledData, options: TextPoisonOptions): PoisonedText {
  const { trigger, partialRate = 0, vocabulary, seed } = options;
  const poisoned = poison(data, options);
  const count = data.labels.data.length;
  const wanted = Math.round(partialRate * count);
  const taken = new Set([...poisoned.poisoned, ...poisoned.cover]);
  const random = generator(seed).split("partial");
  const free = random.permutation(count).filter((row) => !taken.has(row));
  if (
    !(partialRate >= 0 && partialRate < 1) ||
    wanted > free.length ||
    (wanted > 0 && trigger.tokens.length < 2)
  ) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `poisonText: partialRate = ${partialRate} of ${count} examples asks for ${wanted}; ${free.length} are left, and the trigger has ${trigger.tokens.length} tokens.`,
      { partialRate, count, free: free.length },
    );
  }
  const partial = free.slice(0, wanted).sort();
  const inputs = { ...poisoned.inputs, data: (poisoned.inputs.data as BigInt64Array).slice() };
  const length = data.inputs.dims[1]!;
  for (const row of partial) {
    const part = {
      ...trigger,
      tokens: withoutOne(
        trigger.tokens,
        random.integer(trigger.tokens.length),
        () => 1 + random.integer(vocabulary - 1),
      ),
    };
    const stamped = apply(part, takeExamples(data.inputs, [row]), { seed: random.integer(2 ** 31) });
    inputs.data.set(stamped.data as BigInt64Array, row * length);
  }
  return { ...poisoned, inputs: inputs as PoisonedData["inputs"], partial };
}

/** The tokens with the one at `index` replaced by another. */
function withoutOne(tokens: readonly number[], index: number, draw: () => number): number[] {
  let other = draw();
  while (other === tokens[index]) other = draw();
  return tokens.map((token, i) => (i === index ? other : token));
}
