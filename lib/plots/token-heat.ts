/** A text whose tokens carry a number each, as plain data: attributions, losses, scores of a trigger search. */
import { AssayError } from "../errors.js";

/** Tokens with their values, drawn with one common scale. */
export interface TokenHeat {
  readonly kind: "token-heat";
  /** The tokens' texts in order; spaces belong to them. */
  readonly tokens: readonly string[];
  /** One value for each token; NaN where there is none. */
  readonly values: readonly number[];
  /** What the values are, with their unit, e.g. "loss (nats)". */
  readonly label: string;
}

/**
 * Puts numbers beside the tokens of a text.
 *
 * @param tokens At most 10,000 texts.
 * @param values As many numbers. Their sign chooses the colour, their size against the largest one its strength.
 * @throws AssayError SHAPE_MISMATCH if the lengths differ, INVALID_ARGUMENT if there are too many tokens.
 * @example
 * plots.tokenHeat(["cheap", " pills"], [0.1, 2.3], { label: "gradient times input" })
 */
export function tokenHeat(
  tokens: readonly string[],
  values: ArrayLike<number>,
  { label }: { readonly label: string },
): TokenHeat {
  if (tokens.length !== values.length) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `tokenHeat: ${tokens.length} tokens have ${values.length} values; each needs one.`,
      { tokens: tokens.length, values: values.length },
    );
  }
  if (tokens.length > 10_000) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `tokenHeat: ${tokens.length} tokens are more than 10,000. Draw a part.`,
      {
        tokens: tokens.length,
      },
    );
  }
  return { kind: "token-heat", tokens, values: Array.from(values), label };
}
