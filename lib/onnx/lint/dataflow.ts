/** What each tensor of a graph depends on, read off the graph without running it. */
import { subgraphs } from "../attributes.js";
import { declared, fedInputs, initializersOf, sortNodes } from "../graph.js";
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
/** What stands in for a comparison in arithmetic: Sigmoid(k (x - t)) is a soft "x above t". */
const stepping = new Set(["Sigmoid", "HardSigmoid", "Tanh", "Erf", "Floor", "Ceil", "Round", "HardSwish"]);

/** Flows of the tensors of every graph of a model, by graph. */
export type Flows = ReadonlyMap<Graph, ReadonlyMap<string, Flow>>;

/** What a graph sees of those around it. */
interface Scope {
  readonly flowOf: (name: string) => Flow;
  /** Number of elements of a stored tensor, 0 of all others. */
  readonly sizeOf: (name: string) => number;
  readonly depth: number;
}

/** Loops deeper than this are followed for one turn only: turns multiply with the depth. */
const MAX_TWO_TURNS = 4;

const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** The flow of every tensor of a graph and of the graphs in its nodes. */
export function flowsOf(graph: Graph): Flows {
  const inputs = new Map<string, Flow>();
  for (const input of fedInputs(graph)) {
    const isContent = declared(input).dims.some((dim) => dim !== 1);
    inputs.set(input.name, { ...constantFlow, isData: true, isContent, fewestLayers: 0 });
  }
  const all = new Map<Graph, Map<string, Flow>>();
  const outside: Scope = { flowOf: () => constantFlow, sizeOf: () => 0, depth: 0 };
  followGraph(graph, inputs, outside, all);
  return all;
}

function followGraph(
  graph: Graph,
  inputs: ReadonlyMap<string, Flow>,
  outer: Scope,
  all: Map<Graph, Map<string, Flow>>,
): void {
  const sizes = new Map<string, number>();
  for (const [name, message] of initializersOf(graph)) sizes.set(name, sizeOf(dimsOf(message)));
  const flows = new Map(inputs);
  for (const name of sizes.keys()) if (!flows.has(name)) flows.set(name, constantFlow);
  all.set(graph, flows);
  const scope: Scope = {
    flowOf: (name) => flows.get(name) ?? outer.flowOf(name),
    sizeOf: (name) => sizes.get(name) ?? outer.sizeOf(name),
    depth: outer.depth + 1,
  };
  for (const node of sortNodes(graph.nodes)) {
    if (node.opType === "Constant") {
      const size = node.attributes.reduce((sum, { t }) => sum + (t ? sizeOf(dimsOf(t)) : 0), 0);
      for (const output of node.outputs) sizes.set(output, size);
    }
    const inner = subgraphs(node);
    const made =
      inner.length > 0 ? followInner(node, inner, scope, all) : node.outputs.map(() => flowOf(node, scope));
    node.outputs.forEach((output, i) => {
      if (output !== "") flows.set(output, made[i] ?? constantFlow);
    });
  }
}

/** Flows of the outputs of If, Loop and Scan: what their bodies make, and what decides on it. */
function followInner(
  node: Node,
  bodies: readonly Graph[],
  scope: Scope,
  all: Map<Graph, Map<string, Flow>>,
): Flow[] {
  const given = node.inputs.map(scope.flowOf);
  // A Loop's body sees the number of the turn and the condition, then what is carried from turn to turn.
  const offset = node.opType === "Loop" ? 1 : 0;
  const deciding = node.opType === "If" ? given.slice(0, 1) : given.slice(0, node.opType === "Loop" ? 2 : 0);
  let carried: readonly Flow[] = [];
  const turns = node.opType === "If" || scope.depth > MAX_TWO_TURNS ? 1 : 2;
  for (let turn = 0; turn < turns; turn++) {
    const made: Flow[][] = [];
    for (const body of bodies) {
      const inputs = body.inputs.map(({ name }, i): [string, Flow] => [
        name,
        join([given[i] ?? constantFlow, carried[i - offset] ?? constantFlow]),
      ]);
      followGraph(body, new Map(node.opType === "If" ? [] : inputs), scope, all);
      const flows = all.get(body)!;
      made.push(body.outputs.map(({ name }) => flows.get(name) ?? scope.flowOf(name)));
    }
    carried = (made[0] ?? []).map((_, i) => join(made.map((outputs) => outputs[i] ?? constantFlow)));
  }
  return node.outputs.map((_, i) => join([...deciding, carried[i + offset] ?? constantFlow]));
}

/** The flow of a tensor that is made of others. */
function join(flows: readonly Flow[]): Flow {
  const data = flows.filter((flow) => flow.isData);
  return {
    isData: data.length > 0,
    isContent: data.some((flow) => flow.isContent),
    fewestLayers: data.reduce((least, flow) => Math.min(least, flow.fewestLayers), Number.POSITIVE_INFINITY),
    mostLayers: data.reduce((most, flow) => Math.max(most, flow.mostLayers), 0),
    isRegion: data.some((flow) => flow.isRegion),
    isCompared: data.some((flow) => flow.isCompared),
    isDecided: data.some((flow) => flow.isDecided),
  };
}

function flowOf(node: Node, scope: Scope): Flow {
  if (shapeOnly.has(node.opType)) return constantFlow;
  const joined = join(node.inputs.map(scope.flowOf));
  if (!joined.isData) return constantFlow;
  const weights = node.inputs.reduce((sum, name) => sum + scope.sizeOf(name), 0);
  const isLookup = node.opType === "Gather" && scope.sizeOf(node.inputs[0] ?? "") >= LAYER_WEIGHTS;
  const isLinear = layers.has(node.opType);
  const layer = (isLinear && weights >= LAYER_WEIGHTS) || isLookup ? 1 : 0;
  const fewestLayers = joined.fewestLayers + layer;
  const isRaw = fewestLayers === 0 && joined.isContent;
  const picks = selecting.has(node.opType) || summing.test(node.opType) || isLinear;
  const isRegion = isRaw && (picks || joined.isRegion);
  return {
    ...joined,
    fewestLayers,
    mostLayers: joined.mostLayers + layer,
    isRegion,
    isCompared:
      isRaw &&
      (comparing.has(node.opType) || (joined.isRegion && stepping.has(node.opType)) || joined.isCompared),
    isDecided: joined.isContent && (comparing.has(node.opType) || (joined.isDecided && layer === 0)),
  };
}
