/**
 * Continuations of a few texts: what a decoder computes of their beginnings is computed once.
 *
 * A causal model's keys and values of a token do not depend on what comes later. Where a model takes them as inputs
 * (see `model.tokenInput`), a search that puts thousands of runs behind the same prompts need not run the prompts
 * again: a step then costs what its run and its payload cost. Gradients by the continuation's vectors are the same as
 * well, since the past does not depend on it.
 *
 * The cache is used only if it gives the scores that whole texts give, up to rounding, on the first continuations:
 * merged decoders exist whose branch for a past holds for one token at a time, and models that are quantised as they
 * run round anew for every length.
 *
 * @see The prefix cache of nanoGCG (Gray Swan AI, 2024), whose idea this follows.
 */
import { AssayError } from "../../../errors.js";
import { agree } from "../../../model/index.js";
import { type EmbeddingLookup, embeddingLookups } from "../../../onnx/index.js";
import type { Tensor } from "../../../tensor/index.js";
import { inFull } from "./continuation.js";
import { scoresOf, type TokenModel } from "./token-model.js";
import { type TokenRuns, tokenRuns } from "./token-runs.js";

/** Whether a model takes keys and values of earlier tokens. */
export const takesPast = (model: TokenModel): boolean => model.model.prefixed !== undefined;

/**
 * The model seen as one of the tokens behind some prefixes: sequence i follows prefix i modulo their number.
 *
 * Equal to running whole texts, which a model that takes no past does. With one that does, the first use runs every prefix three
 * times, which is counted.
 *
 * @param prefixes Beginnings, at least one token each, all of one length, which sequences then lack.
 * @throws AssayError INVALID_ARGUMENT for prefixes of several lengths, or as long as the model's sequences.
 * @example
 * const behind = extraction.afterPrefixes(extraction.tokenModel(model, 80), prompts);   // prompts of 64
 * await behind.scores(continuations)   // [n, 16] in, logits of 16 tokens each out
 */
export function afterPrefixes(model: TokenModel, prefixes: readonly (readonly number[])[]): TokenModel {
  const before = prefixes[0]?.length ?? 0;
  if (before < 1 || before >= model.length || prefixes.some((one) => one.length !== before)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `afterPrefixes: prefixes must be of one length from 1 to ${model.length - 1}, got lengths ${[...new Set(prefixes.map((one) => one.length))].join(", ")}.`,
    );
  }
  const whole = inFull(model, prefixes);
  if (!takesPast(model)) return whole;
  let chosen: Promise<TokenRuns> | undefined;
  const runs = async (ids: BigInt64Array): Promise<TokenRuns> => {
    if (ids.length === 0) return whole;
    chosen ??= cachedRuns(model, prefixes, whole, ids);
    try {
      return await chosen;
    } catch (error) {
      chosen = undefined;
      throw error;
    }
  };
  return {
    name: model.name,
    model: model.model,
    length: whole.length,
    passes: model.passes,
    get lookups() {
      return model.lookups;
    },
    scores: async (ids) => (await runs(ids)).scores(ids),
    features: async (ids) => (await runs(ids)).features(ids),
    tokenLosses: async (ids, from, to) => (await runs(ids)).tokenLosses(ids, from, to),
    gradients: async (ids, weights, shifts) => (await runs(ids)).gradients(ids, weights, shifts),
  };
}

/** Runs with the cache, if they give what whole texts give, else these. */
async function cachedRuns(
  model: TokenModel,
  prefixes: readonly (readonly number[])[],
  whole: TokenModel,
  ids: BigInt64Array,
): Promise<TokenRuns> {
  const { length } = whole;
  const rows = ids.length / length;
  const first = new BigInt64Array(prefixes.length * length);
  for (let i = 0; i < prefixes.length; i++) {
    first.set(ids.subarray((i % rows) * length, ((i % rows) + 1) * length), i * length);
  }
  const expected = await whole.scores(first);
  try {
    const cached = withPast(model, prefixes, await pastOf(model, prefixes), whole);
    const found = await cached.scores(first);
    return agree(Float64Array.from(expected.logits), found.logits) ? cached : whole;
  } catch (error) {
    // A branch for a past that cannot be run on several tokens.
    if (error instanceof AssayError) return whole;
    throw error;
  }
}

/** Keys and values of the prefixes, by the input that takes them. */
async function pastOf(
  model: TokenModel,
  prefixes: readonly (readonly number[])[],
): Promise<Record<string, Tensor>> {
  const { past } = model.model.prefixed!;
  const values = await model.model.activations(idsOf(prefixes), { at: past.map(({ present }) => present) });
  model.passes.forward += prefixes.length;
  return Object.fromEntries(past.map(({ feed, present }) => [feed, values[present]!]));
}

const idsOf = (prefixes: readonly (readonly number[])[]): Tensor<"int64"> => ({
  type: "int64",
  dims: [prefixes.length, prefixes[0]!.length],
  data: BigInt64Array.from(prefixes.flat(), BigInt),
});

function withPast(
  model: TokenModel,
  prefixes: readonly (readonly number[])[],
  past: Readonly<Record<string, Tensor>>,
  whole: TokenModel,
): TokenRuns {
  const { model: graph, ids: input, prefixes: before, rows } = model.model.prefixed!;
  const given = { ...past, [before]: idsOf(prefixes) };
  const { length } = whole;
  let lookups: readonly EmbeddingLookup[] | undefined;
  const looked = (): readonly EmbeddingLookup[] => {
    lookups ??= embeddingLookups(graph, length, input);
    return lookups;
  };
  const runs = tokenRuns({
    graph,
    session: model.model.session,
    key: "continuation",
    output: scoresOf(model.model),
    length,
    passes: model.passes,
    lookups: looked,
    feeds: (ids, start) => {
      const n = ids.length / length;
      const order = BigInt64Array.from({ length: n }, (_, i) => BigInt((start + i) % prefixes.length));
      return {
        ...given,
        [input]: { type: "int64", dims: [n, length], data: ids },
        [rows]: { type: "int64", dims: [n], data: order },
      };
    },
  });
  const isSame = (): boolean =>
    looked().length === model.lookups.length &&
    looked().every(({ width, vocabulary }, i) => {
      const other = model.lookups[i]!;
      return width === other.width && vocabulary === other.vocabulary;
    });
  return {
    ...runs,
    gradients: (ids, weights, shifts) =>
      isSame() ? runs.gradients(ids, weights, shifts) : whole.gradients(ids, weights, shifts),
  };
}
