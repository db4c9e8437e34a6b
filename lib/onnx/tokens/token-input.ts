/** Models of texts with several inputs, or with ids of another type, as models of one input of int64 token ids. */
import { AssayError } from "../../errors.js";
import type { TensorType } from "../../tensor/index.js";
import { graphBuilder, valueInfo } from "../builder.js";
import { declared, fedInputs, opsetOf } from "../graph.js";
import { foldBranches } from "../rewrite/branches.js";
import { upgradeModel } from "../rewrite/upgrade.js";
import type { Model } from "../schema.js";
import { isPast, type PastValue, pastValue } from "./decoder-past.js";
import { type Fed, feedBeside } from "./token-feeds.js";

/** An input as the file declares it. */
type Declared = ReturnType<typeof declared>;

/** A decoder that takes what its layers computed of the tokens before. */
export interface PrefixedModel {
  readonly model: Model;
  /** Inputs: int64 ids `[rows, length]`; ids of the prefixes `[prefixes, before]`; which prefix each row follows. */
  readonly ids: string;
  readonly prefixes: string;
  readonly rows: string;
  /** Keys and values of the prefixes: inputs of `model` under `feed`, of dims as in the file. */
  readonly past: readonly (PastValue & { readonly feed: string; readonly present: string })[];
}

const INTEGERS: readonly (TensorType | null)[] = ["int64", "int32"];

/**
 * The model with one input of int64 ids `[batch, length]`.
 *
 * What exporters let a caller feed beside the ids is computed from them: a mask of the tokens that are not padding
 * ("attention_mask"), their places ("position_ids"), segments, all 0 ("token_type_ids"), and the number of tokens of
 * each text ("lengths"). Decoders begin without keys and values ("past_key_values.0.key"), on their branch for that
 * ("use_cache_branch"), and give the scores of all tokens ("num_logits_to_keep"). Ids that the model takes as int32,
 * or as float32 that it turns into integers itself, are cast.
 *
 * @param padding Token that fills texts up; null: none does, every token is a word.
 * @returns undefined if the model is none of texts: no input is of ids.
 * @throws AssayError INVALID_MODEL naming an input that nothing is known of.
 */
export function tokenInput(model: Model, padding: number | null): Model | undefined {
  const inputs = fedInputs(model.graph).map(declared);
  const ids = idsOf(model, inputs);
  if (ids === undefined) return undefined;
  if (inputs.length === 1 && ids.type === "int64") return model;
  return rewritten(model, ids, padding, false).model;
}

/**
 * The same model with the keys and values of a prefix as inputs.
 *
 * Whether the file's branch for this case holds for more than one token at a time cannot be told from outside: compare
 * some outputs before relying on the result.
 *
 * @returns undefined unless the model takes all its keys and values as inputs and gives them as outputs.
 */
export function prefixedModel(model: Model, padding: number | null): PrefixedModel | undefined {
  const inputs = fedInputs(model.graph).map(declared);
  const ids = idsOf(model, inputs);
  return ids && inputs.some(isPast) ? rewritten(model, ids, padding, true).prefixed : undefined;
}

/** Whether a model is a decoder that texts go through token by token: it takes keys and values, or places. */
export const isDecoder = (model: Model): boolean =>
  fedInputs(model.graph)
    .map(declared)
    .some((input) => isPast(input) || kindOf(input) === "places");

function rewritten(
  source: Model,
  ids: Declared,
  padding: number | null,
  isPrefixed: boolean,
): { model: Model; prefixed?: PrefixedModel } {
  const model = (opsetOf(source) ?? 13) < 11 ? upgradeModel(source) : source;
  const inputs = fedInputs(model.graph);
  const builder = graphBuilder({ ...model.graph, nodes: [], outputs: [] }, model.opsets);
  for (const { outputs } of model.graph.nodes) for (const name of outputs) if (name) builder.claim(name);
  const beside = inputs
    .filter(({ name }) => name !== ids.name)
    .map((info) => besideOf(model, info, ids, inputs.map(declared)));
  const made = feedBeside(builder, ids, beside, { padding, isPrefixed, opset: opsetOf(model) ?? 13 });
  const prepared = builder.graph();
  const dropped = new Set(inputs.map(({ name }) => name));
  const graph = {
    ...model.graph,
    initializers: prepared.initializers,
    inputs: [
      valueInfo(made.ids, "int64", ids.dims.length === 2 ? ids.dims : ["batch", "length"]),
      ...made.inputs,
      ...model.graph.inputs.filter(({ name }) => !dropped.has(name)),
    ],
    nodes: [...prepared.nodes, ...model.graph.nodes],
  };
  // Merged decoders hold two models, of which the branch input picks one.
  const folded = beside.some(({ kind }) => kind === "branch")
    ? foldBranches({ ...model, graph })
    : { ...model, graph };
  const past = made.past.filter((one): one is PrefixedModel["past"][number] => one.present !== undefined);
  if (made.prefix === undefined || past.length < made.past.length) return { model: folded };
  return { model: folded, prefixed: { model: folded, ids: made.ids, ...made.prefix, past } };
}

/** The input of ids: integers or floats that are made integers, `[batch, length]`. */
function idsOf(model: Model, inputs: readonly Declared[]): Declared | undefined {
  const isFlat = ({ dims }: Declared): boolean => dims.length === 2 || dims.length === 0;
  const isIds = (input: Declared): boolean =>
    INTEGERS.includes(input.type) || (input.type === "float32" && isCastAtOnce(model, input.name));
  const all = inputs.filter((input) => isFlat(input) && isIds(input) && kindOf(input) === undefined);
  return all.length === 1 ? all[0] : all.find(({ name }) => /ids?\b|token|word|text/i.test(name));
}

/** Whether all that reads an input turns it into integers first, as Keras does with texts. */
function isCastAtOnce({ graph }: Model, name: string): boolean {
  const readers = graph.nodes.filter(({ inputs }) => inputs.includes(name));
  return (
    readers.length > 0 &&
    readers.every(
      ({ opType, attributes }) =>
        opType === "Cast" && [6, 7].includes(Number(attributes.find((one) => one.name === "to")?.i)),
    )
  );
}

/** What an input beside the ids is, by its name. */
function kindOf(input: Declared): Fed["kind"] | undefined {
  const { name, type, dims } = input;
  if (isPast(input)) return "past";
  if (type === "bool" && /cache|past/i.test(name)) return "branch";
  if (/logits_to_keep/i.test(name) && dims.length <= 1) return "kept";
  if (/(^|[^a-z])position/i.test(name)) return "places";
  if (/mask/i.test(name)) return "mask";
  if (/type|segment/i.test(name)) return "segments";
  if (/len/i.test(name)) return "lengths";
  return undefined;
}

/** How an input beside the ids is filled in. */
function besideOf(model: Model, info: Model["graph"]["inputs"][number], ids: Declared, all: Declared[]): Fed {
  const input = declared(info);
  const kind = kindOf(input);
  const type = input.type ?? "int64";
  switch (kind) {
    case "past": {
      const past = pastValue(model, info);
      if (past === undefined) throw unknownPast(input);
      return { kind, name: input.name, type, past };
    }
    case "branch":
    case "kept":
      return { kind, name: input.name, type, dims: input.dims.map(() => 1) };
    case "lengths":
      if (input.dims.length === 1) return { kind, name: input.name, type };
      break;
    case "mask":
    case "places":
    case "segments":
      if (input.dims.length === ids.dims.length) return { kind, name: input.name, type };
  }
  throw unknownInput(all, input);
}

function unknownInput(inputs: readonly Declared[], { name, type, dims }: Declared): AssayError {
  return new AssayError(
    "INVALID_MODEL",
    `The model takes ${inputs.map((one) => one.name).join(", ")}; beside token ids a mask, positions, segments, lengths or keys and values of earlier tokens can be filled in, but "${name}" (${type} [${dims.join(", ")}]) is none of these. Export the model with token ids as its only input.`,
    { name },
  );
}

function unknownPast({ name, type, dims }: Declared): AssayError {
  return new AssayError(
    "INVALID_MODEL",
    `The model takes keys or values of earlier tokens as "${name}" (${type} [${dims.join(", ")}]), whose dims do not tell heads and width, or fix the number of tokens. Export it with dims [batch, heads, past, width] of which batch and past are free, or without a cache.`,
    { name },
  );
}
