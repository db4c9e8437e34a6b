/** Follows what each tensor depends on through a graph and the graphs in its nodes, without running anything. */
import { subgraphs } from "../attributes.js";
import { declared, fedInputs, initializersOf, sortNodes } from "../graph.js";
import type { Graph, Node, ValueInfo } from "../schema.js";
import { dimsOf, elementType } from "../tensors.js";
import type { Extent } from "./extents.js";
import { constantFlow, type Flow, join } from "./flow.js";
import { flowsOfNode, outputExtent, type Scope } from "./node-flow.js";
import { picksPlace } from "./operators.js";
import { type Stored, storedResult, storedTensor } from "./stored.js";

/** What is known of the tensors of a graph. */
export interface Known {
  readonly flows: ReadonlyMap<string, Flow>;
  readonly extents: ReadonlyMap<string, Extent>;
}

/** What is known of the tensors of every graph of a model, by graph. */
export type Flows = ReadonlyMap<Graph, Known>;

/** Loops deeper than this are followed for one turn only: turns multiply with the depth. */
const MAX_TWO_TURNS = 4;

/** The flow of every tensor of a graph and of the graphs in its nodes. */
export function flowsOf(graph: Graph): Flows {
  const inputs = new Map<string, Flow>();
  for (const input of fedInputs(graph)) inputs.set(input.name, inputFlow(input));
  const all = new Map<Graph, Known>();
  const outside: Scope = {
    flowOf: () => constantFlow,
    storedOf: () => undefined,
    extentOf: () => undefined,
    pickersOf: () => 0,
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
  all: Map<Graph, Known>,
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
  all.set(graph, { flows, extents });
  const pickers = new Map<string, number>();
  for (const node of graph.nodes) {
    const [from = ""] = node.inputs;
    if (picksPlace(node)) pickers.set(from, (pickers.get(from) ?? 0) + node.outputs.length);
  }
  const scope: Scope = {
    pickersOf: (name) => pickers.get(name) ?? 0,
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
    const extent = result?.dims ?? (inner.length > 0 ? undefined : outputExtent(node, scope));
    node.outputs.forEach((output, i) => {
      if (output === "") return;
      flows.set(output, made[i] ?? constantFlow);
      extents.set(output, i === 0 ? extent : undefined);
      if (result) stored.set(output, result);
    });
  }
}

/** Flows of the outputs of If, Loop and Scan: what their bodies make, and what decides on it. */
function followInner(node: Node, bodies: readonly Graph[], scope: Scope, all: Map<Graph, Known>): Flow[] {
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
      const { flows } = all.get(body)!;
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
