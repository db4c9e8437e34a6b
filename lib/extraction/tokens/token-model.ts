/** A model of token ids as a search sees it: scores, features, and gradients by the vectors of its tokens. */
import { AssayError } from "../../errors.js";
import type { LoadedModel } from "../../model/index.js";
import {
  type EmbeddingLookup,
  embeddingLookups,
  fedInputs,
  gradientGraph,
  graphBuilder,
  lastFeatures,
  type Model,
  makeNode,
  prune,
  specialise,
  untyped,
  upgradeModel,
} from "../../onnx/index.js";
import type { Session } from "../../runtime/index.js";
import type { Tensor } from "../../tensor/index.js";
import { beforeSoftmax } from "../bare-model.js";

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

/** Sequences of one run: short enough that the thread is not held long. */
const SEQUENCES = 512;
/** Values of the scores of one run; a language model has many. */
const MAX_SCORES = 2 ** 22;

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
      `"${model.name}" takes ${model.inputs.map((one) => `${one.name}: ${one.type}`).join(", ")}; a search for token triggers needs one input of token ids.`,
    );
  }
  const input = inputs[0]!.name;
  const output = (model.outputs.find((one) => one.type?.startsWith("float")) ?? model.outputs[0]!).name;
  const bare = beforeSoftmax(model.graph, output);
  const passes: Passes = { forward: 0, backward: 0 };
  const features = lastFeatures(bare.model, bare.logits);
  const outputs = [...new Set([bare.logits, features])];
  const feed = (ids: BigInt64Array): Tensor => {
    const dims = [ids.length / length, length];
    return type === "int64"
      ? { type, dims, data: ids }
      : { type: "int32", dims, data: Int32Array.from(ids, Number) };
  };
  const tapped = (): Session =>
    model.session("token scores", () => ({
      ...model.graph,
      graph: prune(model.graph.graph, outputs.map(untyped)),
    }));
  let lookups: readonly EmbeddingLookup[] | undefined;
  const self: TokenModel = {
    name: model.name,
    model,
    length,
    passes,
    get lookups() {
      lookups ??= embeddingLookups(model.graph, length);
      return lookups;
    },
    scores: (ids) => self.features(ids),
    async features(ids) {
      const count = ids.length / length;
      passes.forward += count;
      const parts: Record<string, Tensor>[] = [];
      let perRun = 16;
      for (let start = 0; start < count; ) {
        const end = Math.min(count, start + perRun);
        const part = await tapped().run(
          { [input]: feed(ids.subarray(start * length, end * length)) },
          outputs,
        );
        parts.push(part);
        // The first run is small, and tells how many scores a sequence has.
        const size = part[bare.logits]!.data.length / (end - start);
        perRun = Math.max(1, Math.min(SEQUENCES, Math.floor(MAX_SCORES / size)));
        start = end;
      }
      const logits = joined(parts.map((part) => part[bare.logits]!));
      const all = joined(parts.map((part) => part[features]!));
      const classes = parts[0]?.[bare.logits]?.dims.at(-1) ?? 0;
      return {
        logits,
        size: logits.length / Math.max(count, 1),
        classes,
        features: all,
        width: all.length / Math.max(count, 1),
      };
    },
    async gradients(ids, weights, shifts) {
      const count = ids.length / length;
      const example = { [input]: feed(ids) };
      const special = specialise(model.graph, example);
      const session = model.session(`token gradients ${special.key}`, () =>
        lossGraph(special.model, output, self.lookups),
      );
      const feeds: Record<string, Tensor> = {
        [input]: example[input]!,
        [names.weights]: { type: "float32", dims: [weights.length], data: weights },
      };
      self.lookups.forEach(({ width, order }, i) => {
        const shift = shifts?.[i] ?? new Float32Array(ids.length * width);
        const data = ordered(shift, count, length, width, order);
        feeds[names.shift(i)] = { type: "float32", dims: [data.length], data };
      });
      const wanted = [names.logits, ...self.lookups.map((_, i) => names.gradient(i))];
      const out = await session.run(feeds, wanted);
      passes.forward += count;
      passes.backward += count;
      const logits = out[names.logits]!;
      return {
        logits: logits.data as Float32Array,
        size: logits.data.length / count,
        classes: logits.dims.at(-1)!,
        gradients: self.lookups.map(({ width, order }, i) =>
          ordered(out[names.gradient(i)]!.data as Float32Array, length, count, width, order),
        ),
      };
    },
  };
  return self;
}

/** A model as a function of int64 ids, also if it takes int32. */
export function idModel(model: LoadedModel): Pick<LoadedModel, "name" | "outputs" | "run"> {
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

const names = {
  weights: "search/weights",
  logits: "search/logits",
  loss: "search/loss",
  shift: (i: number) => `search/shift${i}`,
  vector: (i: number) => `search/vector${i}`,
  gradient: (i: number) => `gradient/search/vector${i}`,
} as const;

/** The model with shifts added to its vectors, and the weighted loss with its gradients by the shifted vectors. */
function lossGraph(source: Model, output: string, lookups: readonly EmbeddingLookup[]): Model {
  const { model, logits } = beforeSoftmax(upgradeModel(source), output);
  const builder = graphBuilder({ ...model.graph, nodes: [], outputs: [] }, model.opsets);
  for (const node of model.graph.nodes) for (const name of node.outputs) if (name) builder.claim(name);
  lookups.forEach((_, i) => {
    builder.claim(names.vector(i));
  });
  const at = new Map(lookups.map(({ output: name }, i) => [name, i]));
  for (const node of model.graph.nodes) {
    const i = at.get(node.outputs[0] ?? "");
    if (i === undefined) {
      builder.node(node);
      continue;
    }
    const raw = builder.fresh("looked-up");
    builder.node({ ...node, outputs: [raw] });
    builder.input(names.shift(i), "float32", ["values"]);
    const shift = builder.op("Reshape", [names.shift(i), builder.op("Shape", [raw])]);
    builder.node(makeNode("Add", [raw, shift], [names.vector(i)]));
    builder.alias(node.outputs[0]!, names.vector(i));
  }
  builder.input(names.weights, "float32", ["scores"]);
  const shaped = builder.op("Reshape", [names.weights, builder.op("Shape", [logits])]);
  const log = builder.op("LogSoftmax", [logits], { axis: -1 });
  const loss = builder.op("Neg", [
    builder.op("ReduceSum", [builder.op("Mul", [log, shaped])], { keepdims: 0 }),
  ]);
  builder.output(names.loss, loss);
  builder.output(names.logits, logits);
  return gradientGraph(
    { ...model, graph: builder.graph("token loss") },
    { of: names.loss, wrt: lookups.map((_, i) => names.vector(i)), keep: [names.logits] },
  ).model;
}

/** `[a, b, width]` as it is, or turned to `[b, a, width]` where the vectors lie position by position. */
function ordered(
  values: Float32Array,
  a: number,
  b: number,
  width: number,
  order: EmbeddingLookup["order"],
): Float32Array {
  if (order === "examples") return values;
  const turned = new Float32Array(values.length);
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      turned.set(values.subarray((i * b + j) * width, (i * b + j + 1) * width), (j * a + i) * width);
    }
  }
  return turned;
}

function joined(parts: readonly Tensor[]): Float32Array {
  if (parts.length === 1) return parts[0]!.data as Float32Array;
  const total = parts.reduce((sum, { data }) => sum + data.length, 0);
  const all = new Float32Array(total);
  let at = 0;
  for (const { data } of parts) {
    all.set(data as Float32Array, at);
    at += data.length;
  }
  return all;
}
