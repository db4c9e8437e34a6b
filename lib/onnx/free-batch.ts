/** Lets a model that was exported for one batch size take any. */
import { fedInputs, initializersOf, untyped } from "./graph.js";
import type { Graph, Model, Node, TensorMessage, ValueInfo } from "./schema.js";
import { readTensor, tensorMessage } from "./tensors.js";

/**
 * The model with a free first dim on every input that had a fixed one.
 *
 * Reshapes that name the old batch size get a free size in its place. Whether a graph has no other trace of its
 * batch size cannot be told from outside: compare some outputs before relying on the result.
 */
export function freeBatch(model: Model): Model {
  const { graph } = model;
  const fixed = new Set<number>();
  const inputs = graph.inputs.map((info) => {
    const dims = info.type?.tensorType?.shape?.dims;
    const first = dims?.[0]?.value;
    if (first === undefined || !fedInputs(graph).includes(info)) return info;
    fixed.add(Number(first));
    return withFirstDim(info);
  });
  const freed = new Map<string, TensorMessage>();
  const nodes = graph.nodes.map((node) => freeReshape(node, graph, fixed, freed));
  return {
    ...model,
    graph: {
      ...graph,
      inputs,
      nodes,
      initializers: [...graph.initializers, ...freed.values()],
      outputs: graph.outputs.map(({ name }) => untyped(name)),
      valueInfo: [],
    },
  };
}

function withFirstDim(info: ValueInfo): ValueInfo {
  const tensorType = info.type!.tensorType!;
  const [, ...rest] = tensorType.shape!.dims;
  return {
    ...info,
    type: {
      ...info.type!,
      tensorType: { ...tensorType, shape: { ...tensorType.shape!, dims: [{ symbol: "batch" }, ...rest] } },
    },
  };
}

function freeReshape(
  node: Node,
  graph: Graph,
  fixed: ReadonlySet<number>,
  freed: Map<string, TensorMessage>,
): Node {
  const name = node.inputs[1] ?? "";
  if (node.opType !== "Reshape") return node;
  const stored =
    initializersOf(graph).get(name) ??
    graph.nodes
      .find(({ outputs }) => outputs.includes(name))
      ?.attributes.find(({ name: key }) => key === "value")?.t;
  if (!stored) return node;
  const shape = Array.from(readTensor(stored).data as BigInt64Array);
  if (shape.length < 2 || !fixed.has(Number(shape[0]))) return node;
  // 0 copies the dim of the input; -1 is the better word where nothing else is left open.
  shape[0] = shape.includes(-1n) ? 0n : -1n;
  const own = `${name}~free`;
  freed.set(
    own,
    tensorMessage(own, { type: "int64", dims: [shape.length], data: BigInt64Array.from(shape) }),
  );
  return { ...node, inputs: [node.inputs[0]!, own, ...node.inputs.slice(2)] };
}
