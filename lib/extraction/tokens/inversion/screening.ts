/** The screening of a search: what a model and its references do with every token, at every place that is searched. */
import type { Carriers, RunPosition } from "../carriers.js";
import type { TokenModel } from "../model/token-model.js";
import { REFERENCE_LIMIT } from "../objective.js";
import { type TokenResponses, tokenResponses, unusualResponses } from "./response.js";

/** What a screening tells of each token, in the order of `allowed`. */
export interface Screening {
  /** Indices of the tokens, the most unusual first. */
  readonly order: readonly number[];
  /** How unlike the references' a token's response is, at the place where it is so most. */
  readonly distances: Float64Array;
  /** Cross-entropy of a class with a token in the text, `[tokens, classes]`, at the best place. */
  readonly crossEntropies: Float64Array;
  /** The same less the references' mean. */
  readonly excess: Float64Array;
  /** The same less the references' mean as far as it counts. */
  readonly counted: Float64Array;
  readonly classes: number;
}

/** Sequences of a screening, about: of a large vocabulary each token is put into fewer texts. */
const SCREENED = 60_000;

/**
 * Puts every token into some texts, at each place that is searched.
 *
 * @param sets Carriers of one place each.
 */
export async function screen(
  model: TokenModel,
  references: readonly TokenModel[],
  sets: readonly Carriers[],
  allowed: Int32Array,
  signal: AbortSignal | undefined,
): Promise<Screening> {
  const distances = new Float64Array(allowed.length);
  let crossEntropies = new Float64Array(0);
  let excess = new Float64Array(0);
  let counted = new Float64Array(0);
  const most = Math.max(2, Math.floor(SCREENED / sets.length / allowed.length));
  for (const set of sets) {
    const carriers = atMost(set, most);
    const own = await responsesOf(model, carriers, allowed, signal);
    const others: TokenResponses[] = [];
    for (const reference of references) others.push(await responsesOf(reference, carriers, allowed, signal));
    unusualResponses(own, others).forEach((value, i) => {
      distances[i] = Math.max(distances[i]!, value);
    });
    if (excess.length === 0) {
      crossEntropies = new Float64Array(own.crossEntropies.length).fill(Number.POSITIVE_INFINITY);
      excess = crossEntropies.slice();
      counted = crossEntropies.slice();
    }
    own.crossEntropies.forEach((value, at) => {
      const beside = others.reduce((sum, other) => sum + other.crossEntropies[at]! / others.length, 0);
      crossEntropies[at] = Math.min(crossEntropies[at]!, value);
      excess[at] = Math.min(excess[at]!, value - beside);
      counted[at] = Math.min(counted[at]!, value - Math.min(beside, REFERENCE_LIMIT));
    });
  }
  return {
    order: [...distances.keys()].sort((a, b) => distances[b]! - distances[a]!),
    distances,
    crossEntropies,
    excess,
    counted,
    classes: excess.length / allowed.length,
  };
}

/** At most so many carriers; they are in random order. */
const atMost = (carriers: Carriers, count: number): Carriers =>
  carriers.count <= count ? carriers : carriers.take([...Array(count).keys()]);

const known = new WeakMap<object, Map<string, TokenResponses>>();

/** Responses of a model; references serve many searches. */
async function responsesOf(
  model: TokenModel,
  carriers: Carriers,
  tokens: Int32Array,
  signal: AbortSignal | undefined,
): Promise<TokenResponses> {
  const kept = known.get(model.model) ?? new Map<string, TokenResponses>();
  const key = `${tokens.length} ${carriers.insert([[]]).join()} ${carriers.starts(1).join()}`;
  const made = kept.get(key) ?? (await tokenResponses(model, carriers, tokens, signal));
  known.set(model.model, kept.set(key, made));
  return made;
}

/** Where a search puts its runs: everywhere that the specification leaves open. */
export const placesOf = (position: RunPosition): readonly RunPosition[] =>
  position === "anywhere" ? ["anywhere", "prefix", "suffix"] : [position];
