/** What each tensor of a graph depends on, read off the graph without running it. */
import { declared, fedInputs, initializersOf, readsOf, sortNodes } from "../graph.js";
import type { Graph, Node } from "../schema.js";
import { dimsOf } from "../tensors.js";

/** What is known of a tensor without running anything. */
export interface Flow {
  /** Depends on what an input holds, not only on its shape. */
  readonly isData: boolean;
  /** Depends on an input of more than one element: settings such as a sampling rate do not count. */
  readonly isContent: boolean;
  /** Fewest layers of weights on any way from an input; Infinity if there is no way. */
  readonly fewestLayers: number;
  /** Most layers of weights on any way from an input. */
  readonly mostLayers: number;
  /** Comes from a part, a sum or an extreme of the raw input, with no layer of weights between. */
  readonly isRegion: boolean;
  /** Comes from a comparison of the raw input. */
  readonly isCompared: boolean;
  /** Comes from any comparison of what the input holds, however deep. */
  readonly isDecided: boolean;
}

/** A tensor that no input reaches. */
export const constantFlow: Flow = {
  isData: false,
  isContent: false,
  fewestLayers: Number.POSITIVE_INFINITY,
  mostLayers: 0,
  isRegion: false,
  isCompared: false,
  isDecided: false,
};

/** True where part of the raw input was compared with something: a question to the input's content. */
export const isPredicate = (flow: Flow): boolean => flow.isRegion && flow.isCompared;

/** Fewer weights are constants of a formula, not a layer. */
const LAYER_WEIGHTS = 16;

const shapeOnly = new Set(["Shape", "Size", "ConstantOfShape", "EyeLike"]);
const layers = new Set([
  ...["Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "LSTM", "GRU", "RNN", "Attention"],
  ...["ConvInteger", "QLinearConv", "MatMulInteger", "QLinearMatMul", "MatMulNBits"],
]);
const selecting = new Set([
  "Slice",
  "Gather",
  "GatherND",
  "GatherElements",
  "Split",
  "Compress",
  "TopK",
  "NonZero",
]);
const summing = /^(Reduce|ArgMax|ArgMin|Global|MaxPool|AveragePool|LpPool|CumSum)/;
const comparing = new Set([
  "Equal",
  "Greater",
  "GreaterOrEqual",
  "Less",
  "LessOrEqual",
  "Sign",
  "IsNaN",
  "IsInf",
]);

/** The flow of every tensor of the main graph. */
export function flowsOf(graph: Graph): Map<string, Flow> {
  const stored = initializersOf(graph);
  const sizes = new Map(
    [...stored].map(([name, message]) => [name, dimsOf(message).reduce((a, b) => a * b, 1)]),
  );
  const flows = new Map<string, Flow>();
  for (const input of fedInputs(graph)) {
    const isContent = declared(input).dims.some((dim) => dim !== 1);
    flows.set(input.name, { ...constantFlow, isData: true, isContent, fewestLayers: 0 });
  }
  for (const node of sortNodes(graph.nodes)) {
    if (node.opType === "Constant") {
      const size = node.attributes.reduce(
        (sum, { t }) => sum + (t ? dimsOf(t).reduce((a, b) => a * b, 1) : 0),
        0,
      );
      for (const output of node.outputs) sizes.set(output, size);
    }
    const flow = shapeOnly.has(node.opType) ? constantFlow : flowOf(node, flows, sizes);
    for (const output of node.outputs) if (output !== "") flows.set(output, flow);
  }
  return flows;
}

function flowOf(node: Node, flows: ReadonlyMap<string, Flow>, sizes: ReadonlyMap<string, number>): Flow {
  const data = readsOf(node)
    .map((name) => flows.get(name) ?? constantFlow)
    .filter((flow) => flow.isData);
  if (data.length === 0) return constantFlow;
  const weights = node.inputs.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
  const isLookup = node.opType === "Gather" && (sizes.get(node.inputs[0] ?? "") ?? 0) >= LAYER_WEIGHTS;
  const isLinear = layers.has(node.opType);
  const layer = (isLinear && weights >= LAYER_WEIGHTS) || isLookup ? 1 : 0;
  const fewestLayers = Math.min(...data.map((flow) => flow.fewestLayers)) + layer;
  const isContent = data.some((flow) => flow.isContent);
  const isRaw = fewestLayers === 0 && isContent;
  const picks = selecting.has(node.opType) || summing.test(node.opType) || isLinear;
  return {
    isData: true,
    isContent,
    fewestLayers,
    mostLayers: Math.max(...data.map((flow) => flow.mostLayers)) + layer,
    isRegion: isRaw && (picks || data.some((flow) => flow.isRegion)),
    isCompared: isRaw && (comparing.has(node.opType) || data.some((flow) => flow.isCompared)),
    isDecided:
      isContent && (comparing.has(node.opType) || data.some((flow) => flow.isDecided && layer === 0)),
  };
}
