/**
 * Where a graph looks its tokens up: the tables of vectors that gradients by discrete tokens go through.
 *
 * Token ids have no gradient, but the vectors looked up for them do. Exporters hide the lookup behind casts,
 * reshapes and transposes, and look positions up in the same way, so a candidate only counts if a probe shows that
 * the ids arrive at it unchanged, example by example or position by position.
 */
import { generator } from "../../random/index.js";
import { intAttribute } from "../attributes.js";
import { modelSession } from "../file/open.js";
import { fedInputs, initializersOf, producersOf, prune, untyped } from "../graph.js";
import type { Model, Node } from "../schema.js";
import { readTensor } from "../tensors.js";

/** A lookup of token vectors. */
export interface EmbeddingLookup {
  /** Tensor of the looked-up vectors. */
  readonly output: string;
  /** Row-major `[vocabulary, width]`. */
  readonly table: Float32Array;
  readonly vocabulary: number;
  readonly width: number;
  /** Whether the vectors lie example by example (`[n, length, width]`), or position by position. */
  readonly order: "examples" | "positions";
}

/**
 * Lookups of an integer input's tokens.
 *
 * @param length Length of a sequence, for the probe.
 * @param ids The input of tokens. Default: the only one that there is.
 * @returns None where tokens are not looked up in a stored table.
 */
export function embeddingLookups(model: Model, length: number, ids?: string): EmbeddingLookup[] {
  const inputs = fedInputs(model.graph);
  const input = ids ?? (inputs.length === 1 ? inputs[0]!.name : undefined);
  if (input === undefined) return [];
  const reached = new Set([input]);
  const lookups: EmbeddingLookup[] = [];
  for (const node of model.graph.nodes) {
    if (!node.inputs.some((name) => reached.has(name))) continue;
    const [data = "", indices = ""] = node.inputs;
    const isLookup = node.opType === "Gather" && intAttribute(node, "axis", 0) === 0;
    if (!isLookup || !reached.has(indices)) {
      if (keepsIntegers.has(node.opType)) for (const output of node.outputs) reached.add(output);
      continue;
    }
    const table = constantTable(model, data);
    if (table === undefined) continue;
    const [vocabulary, width] = table.dims as [number, number];
    const order = arrival(model, input, indices, vocabulary, length);
    if (order) lookups.push({ output: node.outputs[0]!, table: table.data, vocabulary, width, order });
  }
  return lookups;
}

/** Operators that ids pass through as integers; what they do to them, the probe tells. */
const keepsIntegers = new Set(
  "Identity Cast Reshape Squeeze Unsqueeze Flatten Transpose Clip Max Min Where Add Sub Mul Mod".split(" "),
);

function constantTable(
  model: Model,
  name: string,
): { dims: readonly number[]; data: Float32Array } | undefined {
  const stored = initializersOf(model.graph).get(name);
  if (stored) {
    const { type, dims, data } = readTensor(stored);
    return type === "float32" && dims.length === 2 ? { dims, data: data as Float32Array } : undefined;
  }
  // A table behind Constant, Cast or DequantizeLinear nodes: compute it once.
  const graph = prune(model.graph, [untyped(name)]);
  if (fedInputs(graph).length > 0) return undefined;
  using session = modelSession({ ...model, graph }, { threads: 1 });
  const { type, dims, data } = session.runSync({})[name]!;
  return type === "float32" && dims.length === 2 ? { dims, data: data as Float32Array } : undefined;
}

/** How ids fed to the model arrive at a tensor, or undefined if they are changed on the way. */
function arrival(
  model: Model,
  input: string,
  indices: string,
  vocabulary: number,
  length: number,
): EmbeddingLookup["order"] | undefined {
  if (indices === input) return "examples";
  const declared = fedInputs(model.graph).find(({ name }) => name === input)!;
  const isInt32 = Number(declared.type?.tensorType?.elemType) === 6;
  const fixed = declared.type?.tensorType?.shape?.dims?.[0]?.value;
  const n = fixed !== undefined && Number(fixed) > 0 ? Number(fixed) : 2;
  const random = generator(1).split("arrival");
  const ids = Array.from({ length: n * length }, () => random.integer(vocabulary));
  const graph = prune(model.graph, [untyped(indices)]);
  if (fedInputs(graph).length > 1) return undefined;
  using session = modelSession({ ...model, graph }, { threads: 1 });
  const feed = isInt32
    ? ({ type: "int32", dims: [n, length], data: Int32Array.from(ids) } as const)
    : ({ type: "int64", dims: [n, length], data: BigInt64Array.from(ids, BigInt) } as const);
  const seen = Array.from(
    session.runSync({ [input]: feed })[indices]!.data as ArrayLike<number | bigint>,
    Number,
  );
  if (seen.length !== ids.length) return undefined;
  if (seen.every((id, i) => id === ids[i])) return "examples";
  const turned = seen.every((id, i) => id === ids[(i % n) * length + Math.floor(i / n)]);
  return turned ? "positions" : undefined;
}

/**
 * The tensor that the last linear layer reads: what a classifier knows of its input. The scores themselves where
 * there is no such layer.
 *
 * @param output Name of the scores.
 */
export function lastFeatures(model: Model, output: string): string {
  const producers = producersOf(model.graph);
  const stored = new Set(initializersOf(model.graph).keys());
  const isConstant = (name: string): boolean =>
    stored.has(name) || producers.get(name)?.opType === "Constant";
  let node: Node | undefined = producers.get(output);
  for (let steps = 0; node && steps < 8; steps++) {
    const [first = "", second = ""] = node.inputs;
    if (node.opType === "Gemm" || node.opType === "MatMul") return isConstant(second) ? first : output;
    const passed = node.opType === "Add" && isConstant(first) ? second : first;
    if (!passes.has(node.opType)) return output;
    node = producers.get(passed);
  }
  return output;
}

const passes = new Set("Identity Add Softmax LogSoftmax Sigmoid Squeeze Reshape Flatten".split(" "));
