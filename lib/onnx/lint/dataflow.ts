/** What each tensor of a graph depends on, read off the graph without running it. */
import { subgraphs } from "../attributes.js";
import { declared, fedInputs, initializersOf, sortNodes } from "../graph.js";
import type { Graph, Node, ValueInfo } from "../schema.js";
import { dimsOf, elementType } from "../tensors.js";
import { type Extent, extentOf, widthOf } from "./extents.js";
import {
  asksForPattern,
  asksInSteps,
  decides,
  isDetector,
  isGuard,
  isSteepPower,
  narrows,
  picksPlace,
  shapesBy,
  takesWeights,
  tellsShapeOnly,
} from "./operators.js";
import { isIndicator, isPattern, magnitude, type Stored, storedResult, storedTensor } from "./stored.js";

/** What is known of a tensor without running anything. */
export interface Flow {
  /** Depends on what an input holds, not only on its shape. */
  readonly isData: boolean;
  /** Depends on an input of more than one element: settings such as a sampling rate do not count. */
  readonly isContent: boolean;
  /** All content comes from whole numbers in at most two dims, such as words: comparing those is how padding is found. */
  readonly isToken: boolean;
  /** Fewest layers of weights on any way from an input; Infinity if there is no way. */
  readonly fewestLayers: number;
  /** Most layers of weights on any way from an input. */
  readonly mostLayers: number;
  /** A few numbers that stand for more: a place, a sum or an extreme, and no layer of weights since. */
  readonly isPart: boolean;
  /** The part was chosen by place or by comparing with stored values, rather than being a statistic of all. */
  readonly isLocal: boolean;
  /** A constant was added since the part was taken: what follows can be a threshold. */
  readonly isShifted: boolean;
  /** Largest factor that the part was multiplied with. */
  readonly gain: number;
  /** Comes from a comparison or a step, and no layer of weights since. */
  readonly isDecided: boolean;
  /** Comes from a yes or no about part of the input, whatever came after. */
  readonly isAsked: boolean;
  /** Most layers of weights before the question; Infinity where none was asked. */
  readonly askedLayers: number;
  /** The question was about a place or a pattern. */
  readonly isAskedLocally: boolean;
  /** Put together from results and something else: not one result at several places. */
  readonly isMixed: boolean;
  /** Where the tensor's shape itself depends on data: what it depends on. */
  readonly size: Flow | null;
}

/** A tensor that no input reaches. */
export const constantFlow: Flow = {
  isData: false,
  isContent: false,
  isToken: true,
  fewestLayers: Number.POSITIVE_INFINITY,
  mostLayers: 0,
  isPart: false,
  isLocal: false,
  isShifted: false,
  gain: 1,
  isDecided: false,
  isAsked: false,
  askedLayers: Number.POSITIVE_INFINITY,
  isAskedLocally: false,
  isMixed: false,
  size: null,
};

/** True where a part of the input was questioned before the network could have its say: one layer, for words after their embedding. */
export const isEarlyQuestion = (flow: Flow): boolean =>
  flow.isAsked && flow.askedLayers <= (flow.isToken ? 2 : 1);

/** Fewer weights are constants of a formula, not a layer. */
const LAYER_WEIGHTS = 16;
/** A tensor this narrow is a few answers, not a layer's output. */
const FEW = 4;
/** Wider than this, what a node picks is no small part any more; where the whole is wide, a sixteenth of it. */
const PART = 64;
const PART_OF_WHOLE = 16;

/** Flows of the tensors of every graph of a model, by graph. */
export type Flows = ReadonlyMap<Graph, ReadonlyMap<string, Flow>>;

/** What a graph sees of those around it. */
interface Scope {
  readonly flowOf: (name: string) => Flow;
  readonly storedOf: (name: string | undefined) => Stored | undefined;
  readonly extentOf: (name: string | undefined) => Extent;
  readonly depth: number;
}

/** Loops deeper than this are followed for one turn only: turns multiply with the depth. */
const MAX_TWO_TURNS = 4;

/** The flow of every tensor of a graph and of the graphs in its nodes. */
export function flowsOf(graph: Graph): Flows {
  const inputs = new Map<string, Flow>();
  for (const input of fedInputs(graph)) inputs.set(input.name, inputFlow(input));
  const all = new Map<Graph, Map<string, Flow>>();
  const outside: Scope = {
    flowOf: () => constantFlow,
    storedOf: () => undefined,
    extentOf: () => undefined,
    depth: 0,
  };
  followGraph(graph, inputs, outside, all);
  return all;
}

function inputFlow(input: ValueInfo): Flow {
  const { type, dims } = declared(input);
  const hasShape = input.type?.tensorType?.shape !== undefined;
  const isInteger = /^u?int|^bool/.test(type ?? elementType(input.type?.tensorType?.elemType)?.name ?? "");
  return {
    ...constantFlow,
    isData: true,
    isContent: !hasShape || dims.some((dim) => dim !== 1),
    isToken: isInteger && dims.length <= 2,
    fewestLayers: 0,
  };
}

function followGraph(
  graph: Graph,
  inputs: ReadonlyMap<string, Flow>,
  outer: Scope,
  all: Map<Graph, Map<string, Flow>>,
): void {
  const stored = new Map<string, Stored>();
  const extents = new Map<string, Extent>();
  for (const [name, message] of initializersOf(graph)) {
    stored.set(name, storedTensor(message));
    extents.set(name, dimsOf(message));
  }
  for (const input of graph.inputs) {
    const hasShape = input.type?.tensorType?.shape !== undefined;
    const dims = declared(input).dims.map((dim) => (typeof dim === "number" ? dim : null));
    if (!extents.has(input.name)) extents.set(input.name, hasShape ? dims : undefined);
  }
  const flows = new Map(inputs);
  for (const name of stored.keys()) if (!flows.has(name)) flows.set(name, constantFlow);
  all.set(graph, flows);
  const scope: Scope = {
    flowOf: (name) => flows.get(name) ?? outer.flowOf(name),
    storedOf: (name = "") => stored.get(name) ?? (flows.has(name) ? undefined : outer.storedOf(name)),
    extentOf: (name = "") => (extents.has(name) ? extents.get(name) : outer.extentOf(name)),
    depth: outer.depth + 1,
  };
  for (const node of sortNodes(graph.nodes)) {
    const inner = subgraphs(node);
    const made = inner.length > 0 ? followInner(node, inner, scope, all) : flowsOfNode(node, scope);
    const isConstant = made.every((flow) => !flow.isData && !flow.size);
    const result = isConstant ? storedResult(node, node.inputs.map(scope.storedOf)) : undefined;
    const valuesOf = (name: string | undefined): readonly number[] | undefined => {
      const found = name === undefined ? undefined : scope.storedOf(name);
      return found && found.size <= SMALL ? found.values() : undefined;
    };
    const extent =
      result?.dims ?? (inner.length > 0 ? undefined : extentOf(node, { extentOf: scope.extentOf, valuesOf }));
    node.outputs.forEach((output, i) => {
      if (output === "") return;
      flows.set(output, made[i] ?? constantFlow);
      extents.set(output, i === 0 ? extent : undefined);
      if (result) stored.set(output, result);
    });
  }
}

/** Lists of places and sizes are no longer. */
const SMALL = 64;

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
  return node.outputs.map((_, i) => {
    const flow = join([...deciding, carried[i + offset] ?? constantFlow]);
    // How many turns a Loop takes decides how many results it stacks.
    const size = node.opType === "Loop" ? join([...deciding, ...(flow.size ? [flow.size] : [])]) : flow.size;
    return { ...flow, size: size?.isData ? size : null };
  });
}

/** The flow of a tensor that is made of others. */
function join(flows: readonly Flow[]): Flow {
  const data = flows.filter((flow) => flow.isData);
  const sizes = flows.flatMap(({ size }) => (size ? [size] : []));
  const content = data.filter((flow) => flow.isContent);
  const isToken = content.every((flow) => flow.isToken);
  const isDecision = (flow: Flow): boolean => flow.isDecided;
  return {
    isData: data.length > 0,
    isContent: content.length > 0,
    isToken,
    fewestLayers: data.reduce((least, flow) => Math.min(least, flow.fewestLayers), Number.POSITIVE_INFINITY),
    mostLayers: data.reduce((most, flow) => Math.max(most, flow.mostLayers), 0),
    isPart: content.length > 0 && content.every((flow) => flow.isPart),
    isLocal: data.some((flow) => flow.isLocal),
    isShifted: data.some((flow) => flow.isShifted),
    gain: data.reduce((largest, flow) => Math.max(largest, flow.gain), 1),
    // Words under a mask are still words.
    isDecided: isToken ? content.some(isDecision) && content.every(isDecision) : data.some(isDecision),
    isAsked: data.some((flow) => flow.isAsked),
    askedLayers: data.reduce((least, flow) => Math.min(least, flow.askedLayers), Number.POSITIVE_INFINITY),
    isAskedLocally: data.some((flow) => flow.isAskedLocally),
    isMixed: data.some((flow) => flow.isMixed),
    size: sizes.length > 1 ? join(sizes) : (sizes[0] ?? null),
  };
}

function flowsOfNode(node: Node, scope: Scope): Flow[] {
  const inputs = node.inputs.map(scope.flowOf);
  const deciding = shapesBy(node).flatMap((i) => (inputs[i]?.isData ? [inputs[i]] : []));
  if (tellsShapeOnly(node)) {
    // The number of hits is an answer, too: Shape(NonZero(x > t)).
    const sizes = inputs.flatMap(({ size }) => (size ? [size] : []));
    const isMeasure = node.opType !== "ConstantOfShape";
    const flow = isMeasure && sizes.length > 0 ? asMeasured(join(sizes)) : constantFlow;
    const size = isMeasure ? null : (deciding[0] ?? null);
    return node.outputs.map(() => ({ ...flow, size }));
  }
  const joined = join(inputs);
  if (!joined.isData) return node.outputs.map(() => ({ ...constantFlow, size: joined.size }));
  const followed = follow(node, joined, inputs, scope);
  const flow = isUseOfPadding(node, inputs, scope) ? unasked(followed) : followed;
  const size = deciding.length > 0 ? join([...deciding, ...(flow.size ? [flow.size] : [])]) : flow.size;
  return node.outputs.map(() => ({ ...flow, size: size?.isData ? size : null }));
}

const unasked = (flow: Flow): Flow => ({
  ...flow,
  ...{ isAsked: false, isDecided: false, askedLayers: Number.POSITIVE_INFINITY, isAskedLocally: false },
});

/**
 * What text models do with the answer to "which words are padding": a mean divides by their number, the last word
 * is read at its place, positions are counted.
 */
export function isUseOfPadding(node: Node, inputs: readonly Flow[], scope: Pick<Scope, "storedOf">): boolean {
  const [first, second] = inputs;
  if (!first || !second?.isDecided || !second.isToken || second.gain >= STEEP) return false;
  if (node.opType === "Div") return first.isContent && !first.isAskedLocally;
  if (!/^Gather/.test(node.opType)) return false;
  return first.isData
    ? !first.isAskedLocally && !first.isMixed
    : (scope.storedOf(node.inputs[0])?.dims?.[0] ?? 0) >= PLACES;
}

/** A table with fewer rows is one of answers, not of positions. */
const PLACES = 16;

/** A count of what was found: few numbers, and an answer. */
const asMeasured = (flow: Flow): Flow =>
  questioned({ ...flow, isPart: true, isDecided: true, size: null }, flow);

function follow(node: Node, joined: Flow, inputs: readonly Flow[], scope: Scope): Flow {
  const stored = node.inputs.map(scope.storedOf);
  if (isLayer(node, joined, stored, scope)) {
    const width = widthOf(outputExtent(node, scope));
    const isPart = width !== undefined && width <= FEW;
    return {
      ...joined,
      fewestLayers: joined.fewestLayers + 1,
      mostLayers: joined.mostLayers + 1,
      ...{ isPart, isLocal: isPart, isShifted: isPart, gain: 1, isDecided: false, isMixed: false },
    };
  }
  const isRaw = joined.mostLayers === 0;
  const isDetecting = takesWeights(node) && stored.some((one) => one && isDetector(node, one.dims));
  const isLookup = node.opType === "Gather" && stored[0] !== undefined;
  const isPart =
    (isLookup ? joined.isPart : isPartOf(node, joined, scope)) || (isDetecting && node.opType !== "Conv");
  // A threshold comes after the part was taken; a bias before it belongs to the layer.
  const isTaken = isPart && !joined.isPart && !isRaw;
  const isShifted =
    !isTaken && (joined.isShifted || ["Add", "Sub", "Sum", "Gemm", "Conv"].includes(node.opType));
  const factor = ["Mul", "MatMul", "Gemm", "Conv", "Einsum"].includes(node.opType)
    ? Math.max(1, ...stored.map((one) => (one && one.size <= LARGEST_FACTOR ? magnitude(one) : 1)))
    : node.opType === "Div" && stored[1] && stored[1].size <= FEW
      ? 1 / Math.max(1e-9, magnitude(stored[1]))
      : 1;
  const isStep = steps(node, joined, inputs, stored, isRaw);
  const next: Flow = {
    ...joined,
    isPart,
    isLocal:
      joined.isLocal ||
      picksPlace(node) ||
      isDetecting ||
      (isRaw && asksForPattern(node)) ||
      (isRaw && stored.some(isPattern)),
    isShifted,
    isMixed: joined.isMixed || ["Concat", "SequenceConstruct", "SequenceInsert"].includes(node.opType),
    gain: joined.isPart || isPart ? joined.gain * factor : 1,
    isDecided:
      joined.isContent &&
      (joined.isDecided ||
        decides(node, { isRaw, isPart: joined.isPart || isPart, isToken: joined.isToken }) ||
        isStep ||
        (isLookup && isRaw && (joined.isDecided || isIndicator(stored[0])))),
  };
  return questioned(next, joined, inputs);
}

/** Marks a flow that has become a yes or no about a part. */
function questioned(flow: Flow, before: Flow, inputs: readonly Flow[] = []): Flow {
  // A statistic of the whole that scales the whole is preparation, not a question that travels on.
  const isPreparation =
    flow.isAsked &&
    !flow.isAskedLocally &&
    !flow.isPart &&
    flow.mostLayers === 0 &&
    inputs.some((input) => input.isContent && !input.isPart && !input.isAsked);
  if (isPreparation) return unasked(flow);
  if (!flow.isPart || !flow.isDecided) return flow;
  return {
    ...flow,
    isAsked: true,
    askedLayers: Math.min(flow.askedLayers, before.isAsked ? before.askedLayers : flow.mostLayers),
    isAskedLocally: flow.isAskedLocally || flow.isLocal,
  };
}

function isLayer(node: Node, joined: Flow, stored: readonly (Stored | undefined)[], scope: Scope): boolean {
  const weights = stored.reduce((sum, one) => sum + (one?.size ?? 0), 0);
  if (weights < LAYER_WEIGHTS) return false;
  if (node.opType === "Gather") {
    // A table of embeddings; what answers pick from is a table of answers.
    const dims = stored[0]?.dims;
    return stored[0] !== undefined && !joined.isDecided && (dims === undefined || (dims.at(-1) ?? 0) > FEW);
  }
  if (!takesWeights(node)) return false;
  if (stored.some((one) => one && isDetector(node, one.dims))) return false;
  // Rows that only copy or sum what came in: few numbers spread over many are no layer of their own.
  const width = widthOf(scope.extentOf(node.inputs[0]));
  return !(joined.isPart && joined.mostLayers === 0 && width === 1);
}

function isPartOf(node: Node, joined: Flow, scope: Scope): boolean {
  if (!narrows(node)) return joined.isPart;
  if (joined.isPart) return true;
  const width = widthOf(outputExtent(node, scope));
  if (width === undefined) return true;
  const whole = widthOf(scope.extentOf(node.inputs[0])) ?? 0;
  return width <= Math.max(PART, whole / PART_OF_WHOLE);
}

function outputExtent(node: Node, scope: Scope): Extent {
  const valuesOf = (name: string | undefined): readonly number[] | undefined => {
    const found = name === undefined ? undefined : scope.storedOf(name);
    return found && found.size <= SMALL ? found.values() : undefined;
  };
  return extentOf(node, { extentOf: scope.extentOf, valuesOf });
}

/** Largest constant that is read for its factor. */
const LARGEST_FACTOR = 4096;
/** A factor from which a smooth curve is a step. */
const STEEP = 4;

function steps(
  node: Node,
  joined: Flow,
  inputs: readonly Flow[],
  stored: readonly (Stored | undefined)[],
  isRaw: boolean,
): boolean {
  if (joined.mostLayers > 1 || (node.opType === "Softmax" && !isRaw)) return false;
  if (joined.isPart && isSteepPower(node, stored)) return true;
  const isShaped = joined.isShifted || joined.gain >= STEEP;
  if (!(joined.isPart && isShaped) && !(isRaw && joined.isShifted)) return false;
  // x / (x + small) is nothing or one; shares of a sum are not.
  if (node.opType === "Div")
    return isRaw && joined.isPart && inputs.every(({ isData }) => isData) && inputs[1]!.isShifted;
  return (
    asksInSteps(node) &&
    !isGuard(
      node,
      stored.map((one) => (one && one.size <= FEW ? one.values() : undefined)),
    )
  );
}
