/** A model of token ids as a search sees it: scores, features, and gradients by the vectors of its tokens. */
import { AssayError } from "../../../errors.js";
import type { LoadedModel } from "../../../model/index.js";
import { type EmbeddingLookup, embeddingLookups, fedInputs } from "../../../onnx/index.js";
import type { Tensor } from "../../../tensor/index.js";
import { tokenRuns } from "./token-runs.js";

/** Number of sequences that went through a model. */
export interface Passes {
  forward: number;
  backward: number;
}

/** Scores of some sequences. */
export interface Scores {
  /** Row-major; per sequence `[classes]`, or `[length, vocabulary]` for a language model. */
  readonly logits: Float32Array;
  /** Values per sequence. */
  readonly size: number;
  /** Last dim of the scores. */
  readonly classes: number;
}

/** A model of token ids. */
export interface TokenModel {
  readonly name: string;
  readonly model: LoadedModel;
  readonly length: number;
  /** Tables that the tokens are looked up in; none if no gradient reaches the tokens. */
  readonly lookups: readonly EmbeddingLookup[];
  /** Counts every sequence that is run. */
  readonly passes: Passes;
  /** Scores of sequences `[n, length]`. */
  scores(ids: BigInt64Array): Promise<Scores>;
  /** What the last layer reads, flat per sequence, and the scores. */
  features(ids: BigInt64Array): Promise<Scores & { readonly features: Float32Array; readonly width: number }>;
  /**
   * Cross-entropy, in nats, of each token at the places `from` up to `to` given those before it, `[n, to - from]`.
   *
   * For language models only. Costs less than `scores`: nothing else is read out.
   *
   * @param from At least 1.
   */
  tokenLosses(ids: BigInt64Array, from: number, to: number): Promise<Float32Array>;
  /**
   * Gradients of `-sum(weights * logSoftmax(logits))` by the looked-up vectors.
   *
   * @param weights As many as there are scores.
   * @param shifts Added to the vectors, one tensor per lookup in its own order; default none.
   * @returns Per lookup `[n, length, width]`, always example by example.
   */
  gradients(
    ids: BigInt64Array,
    weights: Float32Array,
    shifts?: readonly Float32Array[],
  ): Promise<Scores & { readonly gradients: readonly Float32Array[] }>;
}

/**
 * Sees a loaded model as a model of token ids.
 *
 * @param length Length of a sequence.
 * @throws AssayError INVALID_MODEL unless it has one integer input.
 */
export function tokenModel(model: LoadedModel, length: number): TokenModel {
  const inputs = fedInputs(model.graph.graph);
  const type = model.inputs[0]?.type;
  if (inputs.length !== 1 || (type !== "int64" && type !== "int32")) {
    throw new AssayError(
      "INVALID_MODEL",
      `"${model.name}" takes ${model.inputs.map((one) => `${one.name}: ${one.type}`).join(", ")}; a search for token triggers needs one input of token ids. If these are a mask, positions or keys and values of earlier tokens, model.tokenInput(model) fills them in.`,
    );
  }
  const input = inputs[0]!.name;
  const passes: Passes = { forward: 0, backward: 0 };
  let lookups: readonly EmbeddingLookup[] | undefined;
  const looked = (): readonly EmbeddingLookup[] => {
    lookups ??= embeddingLookups(model.graph, length);
    return lookups;
  };
  const runs = tokenRuns({
    graph: model.graph,
    session: model.session,
    output: scoresOf(model),
    length,
    passes,
    lookups: looked,
    feeds: (ids) => {
      const dims = [ids.length / length, length];
      return {
        [input]:
          type === "int64"
            ? { type, dims, data: ids }
            : { type: "int32", dims, data: Int32Array.from(ids, Number) },
      };
    },
  });
  return {
    name: model.name,
    model,
    length,
    passes,
    get lookups() {
      return looked();
    },
    ...runs,
  };
}

/** Name of the scores: the first output of floats that are no keys or values. */
export function scoresOf({ outputs }: Pick<LoadedModel, "outputs">): string {
  const floats = outputs.filter(({ type }) => type?.startsWith("float"));
  return (floats.find(({ name }) => !/present|past/i.test(name)) ?? floats[0] ?? outputs[0]!).name;
}

/** A model that takes int64 ids. */
export type IdModel = Pick<LoadedModel, "name" | "outputs" | "run">;

/** A model as a function of int64 ids, also if it takes int32. */
export function idModel(model: LoadedModel): IdModel {
  if (model.inputs[0]?.type !== "int32") return model;
  return {
    name: model.name,
    outputs: model.outputs,
    run: (feeds, options) => {
      const { dims, data } = feeds as Tensor<"int64">;
      return model.run({ type: "int32", dims, data: Int32Array.from(data, Number) }, options);
    },
  };
}
