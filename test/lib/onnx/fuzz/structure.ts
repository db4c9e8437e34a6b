/** Mutations that keep a file readable and make the model in it a lie: what native code must never be given. */
import {
  type Attribute,
  decodeModel,
  encodeModel,
  type Graph,
  type Integer,
  type Model,
  type Node,
  type TensorMessage,
} from "../../../../lib/onnx/index.js";
import type { Generator } from "../../../../lib/random/index.js";

type Change = (graph: Graph, random: Generator) => Graph;

const INTEGERS: readonly Integer[] = [
  0,
  1,
  -1,
  2,
  3,
  7,
  64,
  100_000,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 40,
  2n ** 62n,
  -(2n ** 63n),
  2n ** 63n - 1n,
];
const OPERATORS = [
  "Add",
  "MatMul",
  "Conv",
  "ConvTranspose",
  "Gemm",
  "Reshape",
  "Expand",
  "Tile",
  "Pad",
  "Slice",
  "Gather",
  "Concat",
  "Split",
  "Transpose",
  "Resize",
  "MaxPool",
  "AveragePool",
  "LSTM",
  "GRU",
  "Loop",
  "If",
  "Scan",
  "ConstantOfShape",
  "Range",
  "OneHot",
  "TopK",
  "NonZero",
  "ScatterND",
  "GatherND",
  "Einsum",
  "LayerNormalization",
  "BatchNormalization",
  "Softmax",
  "ReduceSum",
  "Cast",
  "Identity",
  "SequenceAt",
  "StringNormalizer",
  "DequantizeLinear",
  "Squeeze",
] as const;

const pick = <T>(items: readonly T[], random: Generator): T => items[random.integer(items.length)]!;
const swap = <T>(items: readonly T[], index: number, item: T): T[] =>
  items.map((old, i) => (i === index ? item : old));

const onNode =
  (change: (node: Node, random: Generator, graph: Graph) => Node): Change =>
  (graph, random) => {
    if (graph.nodes.length === 0) return graph;
    const index = random.integer(graph.nodes.length);
    return { ...graph, nodes: swap(graph.nodes, index, change(graph.nodes[index]!, random, graph)) };
  };

const onAttribute =
  (change: (attribute: Attribute, random: Generator) => Attribute): Change =>
  (graph, random) => {
    const nodes = graph.nodes.flatMap((node, index) => (node.attributes.length > 0 ? [index] : []));
    if (nodes.length === 0) return graph;
    const at = pick(nodes, random);
    const node = graph.nodes[at]!;
    const index = random.integer(node.attributes.length);
    const attributes = swap(node.attributes, index, change(node.attributes[index]!, random));
    return { ...graph, nodes: swap(graph.nodes, at, { ...node, attributes }) };
  };

const onTensor =
  (change: (tensor: TensorMessage, random: Generator) => TensorMessage): Change =>
  (graph, random) => {
    if (graph.initializers.length === 0) return graph;
    const index = random.integer(graph.initializers.length);
    return {
      ...graph,
      initializers: swap(graph.initializers, index, change(graph.initializers[index]!, random)),
    };
  };

const names = (graph: Graph): string[] => [
  ...graph.nodes.flatMap(({ outputs }) => outputs),
  ...graph.initializers.map(({ name }) => name ?? ""),
  ...graph.inputs.map(({ name }) => name),
];

const changes: Readonly<Record<string, Change>> = {
  "rename an operator": onNode((node, random) => ({ ...node, opType: pick(OPERATORS, random) })),
  "invent an operator": onNode((node, random) => ({ ...node, opType: `${node.opType}${random.integer(9)}` })),
  "change a domain": onNode((node, random) => ({
    ...node,
    domain: pick(["", "ai.onnx", "com.microsoft", "ai.onnx.ml", "evil", "com.microsoft.nchwc"], random),
  })),
  "read another tensor": onNode((node, random, graph) =>
    node.inputs.length === 0
      ? node
      : {
          ...node,
          inputs: swap(node.inputs, random.integer(node.inputs.length), pick(names(graph), random)),
        },
  ),
  "leave out an input": onNode((node, random) => ({
    ...node,
    inputs: node.inputs.length === 0 ? [] : swap(node.inputs, random.integer(node.inputs.length), ""),
  })),
  "drop the inputs": onNode((node, random) => ({ ...node, inputs: node.inputs.slice(0, random.integer(3)) })),
  "read one tensor often": onNode((node, random) => ({
    ...node,
    inputs: Array.from({ length: 1 + random.integer(40) }, () => node.inputs[0] ?? ""),
  })),
  "make an output twice": onNode((node, random, graph) => ({
    ...node,
    outputs: [pick(names(graph), random)],
  })),
  "make many outputs": onNode((node, random) => ({
    ...node,
    outputs: [...node.outputs, ...Array.from({ length: 1 + random.integer(9) }, (_, i) => `extra${i}`)],
  })),
  "drop the attributes": onNode((node) => ({ ...node, attributes: [] })),
  "lose a node": (graph, random) => {
    const lost = random.integer(graph.nodes.length + 1);
    return { ...graph, nodes: graph.nodes.filter((_, index) => index !== lost) };
  },
  "reverse the nodes": (graph) => ({ ...graph, nodes: [...graph.nodes].reverse() }),
  "change integers of an attribute": onAttribute((attribute, random) => ({
    ...attribute,
    ...(attribute.i === undefined ? {} : { i: pick(INTEGERS, random) }),
    ints: attribute.ints.map((value) => (random.uniform() < 0.5 ? pick(INTEGERS, random) : value)),
  })),
  "stretch a list of an attribute": onAttribute((attribute, random) => ({
    ...attribute,
    ints: Array.from({ length: random.integer(70) }, (_, index) => attribute.ints[index] ?? 1),
  })),
  "change the type of an attribute": onAttribute((attribute, random) => ({
    ...attribute,
    type: random.integer(20),
  })),
  "rename an attribute": onAttribute((attribute, random) => ({
    ...attribute,
    name: pick(["axis", "axes", "perm", "strides", "kernel_shape", "to", "value", "body", "group"], random),
  })),
  "claim other dims": onTensor((tensor, random) => ({
    ...tensor,
    dims: Array.from({ length: random.integer(7) }, () => pick(INTEGERS, random)),
  })),
  "turn the dims": onTensor((tensor) => ({ ...tensor, dims: [...tensor.dims].reverse() })),
  "claim another element type": onTensor((tensor, random) => ({ ...tensor, dataType: random.integer(26) })),
  "rename a tensor": onTensor((tensor, random) => ({
    ...tensor,
    name: pick(["", "x", "w", "logits"], random),
  })),
  "change stored integers": onTensor((tensor, random) => {
    if (Number(tensor.dataType) !== 7 || !(tensor.rawData instanceof Uint8Array)) return tensor;
    const rawData = tensor.rawData.slice();
    const view = new DataView(rawData.buffer);
    for (let at = 0; at + 8 <= rawData.length; at += 8) {
      if (random.uniform() < 0.5)
        view.setBigInt64(at, BigInt.asIntN(64, BigInt(pick(INTEGERS, random))), true);
    }
    return { ...tensor, rawData };
  }),
  "point outside": onTensor((tensor, random) => {
    const { rawData: _, ...rest } = tensor;
    const location = pick(
      ["../secret", "/etc/passwd", "link", "here/../../secret", "", ".", "weights"],
      random,
    );
    const numbers = [
      { key: "offset", value: String(pick(INTEGERS, random)) },
      { key: "length", value: String(pick(INTEGERS, random)) },
    ];
    return {
      ...rest,
      dataLocation: 1,
      externalData: [{ key: "location", value: location }, ...numbers.slice(random.integer(3))],
    };
  }),
};

const otherVersion = (model: Model, random: Generator): Model => ({
  ...model,
  opsets: model.opsets.map((set) => ({
    ...set,
    version: pick([...INTEGERS, 7, 9, 11, 13, 17, 21, 26], random),
  })),
});

/** Names of the mutations of structure. */
export const structuralMutations = [...Object.keys(changes), "claim another version"] as const;

/** Applies a mutation by name to the model in `bytes`. */
export function mutateStructure(name: string, bytes: Uint8Array, random: Generator): Uint8Array {
  const model = decodeModel(bytes);
  const change = changes[name];
  const mutated = change ? { ...model, graph: change(model.graph, random) } : otherVersion(model, random);
  return encodeModel(mutated);
}
