/** Takes Loop and Scan nodes out of a graph for inputs that fix how often they run: their bodies, one after the other. */
import type { Tensors } from "../../runtime/index.js";
import { attribute, intAttribute, intsAttribute } from "../attributes.js";
import { type GraphBuilder, graphBuilder, makeNode } from "../builder.js";
import { modelSession } from "../file/open.js";
import { prune, untyped } from "../graph.js";
import { freshNames } from "../rename.js";
import type { Graph, Model, Node } from "../schema.js";
import { copySubgraph } from "./subgraph.js";
import { upgradeModel } from "./upgrade.js";

/** Nodes beyond which an unrolled loop is not worth its graph. */
const MAX_NODES = 20_000;

/** A model in which loops were unrolled. */
export interface UnrolledModel {
  readonly model: Model;
  /** How often each loop ran: equal for inputs that give the same model. */
  readonly counts: readonly number[];
  /** False if every loop stayed. */
  readonly isChanged: boolean;
}

/** True if the main graph has a Loop or a Scan. */
export const hasLoops = (model: Model): boolean => model.graph.nodes.some(isLoop);

const isLoop = ({ opType }: Node): boolean => opType === "Loop" || opType === "Scan";

/**
 * Unrolls the loops and scans of the main graph as often as they run for these inputs.
 *
 * The gradient at these inputs is that of the unrolled graph: the number of rounds has no derivative. Loops that do
 * not run at all, and those that would give more than 20,000 nodes, stay.
 */
export function unrollLoops(source: Model, feeds: Tensors): UnrolledModel {
  const model = upgradeModel(source);
  const loops = model.graph.nodes.filter(isLoop);
  const counts = roundsOf(model, loops, feeds);
  const builder = graphBuilder({ ...model.graph, nodes: [] }, model.opsets);
  for (const node of model.graph.nodes) for (const output of node.outputs) if (output) builder.claim(output);
  let isChanged = false;
  for (const node of model.graph.nodes) {
    const body = isLoop(node) ? attribute(node, "body")?.g : undefined;
    const count = counts[loops.indexOf(node)] ?? 0;
    if (body === undefined || count === 0 || count * body.nodes.length > MAX_NODES) builder.node(node);
    else {
      (node.opType === "Scan" ? unrollScan : unroll)(builder, node, body, count);
      isChanged = true;
    }
  }
  const graph = { ...builder.graph(model.graph.name), outputs: model.graph.outputs };
  return { model: { ...model, graph }, counts, isChanged };
}

function unroll(builder: GraphBuilder, node: Node, body: Graph, count: number): void {
  const [iteration, , ...carried] = body.inputs.map(({ name }) => name);
  const [, ...results] = body.outputs.map(({ name }) => name);
  let state = node.inputs.slice(2);
  const scanned: string[][] = results.slice(carried.length).map(() => []);
  const goOn = builder.constant({ type: "bool", dims: [], data: Uint8Array.of(1) });
  for (let round = 0; round < count; round++) {
    const bound = new Map(carried.map((name, i) => [name, state[i]!]));
    const number = builder.constant({ type: "int64", dims: [], data: BigInt64Array.of(BigInt(round)) });
    bound.set(iteration!, number).set(body.inputs[1]!.name, goOn);
    const outside = copySubgraph(builder, body, bound);
    const made = results.map(outside);
    state = made.slice(0, carried.length);
    made.slice(carried.length).forEach((name, i) => {
      scanned[i]!.push(builder.op("Unsqueeze", [name, builder.integers(0)]));
    });
  }
  const outputs = [...state, ...scanned.map((parts) => builder.op("Concat", parts, { axis: 0 }))];
  outputs.forEach((name, i) => {
    const output = node.outputs[i];
    if (output) builder.alias(output, name);
  });
}

function unrollScan(builder: GraphBuilder, node: Node, body: Graph, count: number): void {
  const scans = intAttribute(node, "num_scan_inputs", 0);
  const states = body.inputs.length - scans;
  const settings = (name: string, length: number): number[] =>
    intsAttribute(node, name) ?? new Array<number>(length).fill(0);
  const axes = settings("scan_input_axes", scans);
  const backwards = settings("scan_input_directions", scans);
  const outputs = body.outputs.length - states;
  const outputAxes = settings("scan_output_axes", outputs);
  const outputBackwards = settings("scan_output_directions", outputs);
  let state = node.inputs.slice(0, states);
  const scanned: string[][] = Array.from({ length: outputs }, () => []);
  for (let round = 0; round < count; round++) {
    const bound = new Map(state.map((name, i) => [body.inputs[i]!.name, name]));
    for (let i = 0; i < scans; i++) {
      const at = BigInt(backwards[i] ? count - 1 - round : round);
      const place = builder.constant({ type: "int64", dims: [], data: BigInt64Array.of(at) });
      const element = builder.op("Gather", [node.inputs[states + i]!, place], { axis: axes[i]! });
      bound.set(body.inputs[states + i]!.name, element);
    }
    const outside = copySubgraph(builder, body, bound);
    const made = body.outputs.map(({ name }) => outside(name));
    state = made.slice(0, states);
    made.slice(states).forEach((name, i) => {
      scanned[i]!.push(builder.op("Unsqueeze", [name, builder.integers(outputAxes[i]!)]));
    });
  }
  const joined = scanned.map((parts, i) =>
    builder.op("Concat", outputBackwards[i] ? parts.reverse() : parts, { axis: outputAxes[i]! }),
  );
  [...state, ...joined].forEach((name, i) => {
    const output = node.outputs[i];
    if (output) builder.alias(output, name);
  });
}

/** How often each loop runs, found by running the model with loops that also count. */
function roundsOf(model: Model, loops: readonly Node[], feeds: Tensors): number[] {
  if (loops.length === 0) return [];
  const names = freshNames(model.graph);
  const counters = new Map(loops.map((loop) => [loop, names.fresh("round")]));
  const nodes = model.graph.nodes.flatMap((node) => {
    const counter = counters.get(node);
    if (counter === undefined) return [node];
    return node.opType === "Scan"
      ? [node, ...lengthOf(node, counter)]
      : [counting(node, counter, names.fresh("round"))];
  });
  const asked = prune({ ...model.graph, nodes }, [...counters.values()].map(untyped));
  using session = modelSession({ ...model, graph: asked }, { optimization: "disabled" });
  const needed = Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]!]));
  const values = session.runSync(needed);
  return loops.map((loop) => values[counters.get(loop)!]!.dims[0] ?? 0);
}

/** A tensor as long as the axis that a Scan goes along. */
function lengthOf(scan: Node, counter: string): Node[] {
  const scans = intAttribute(scan, "num_scan_inputs", 0);
  const first = scan.inputs[scan.inputs.length - scans]!;
  const axis = intsAttribute(scan, "scan_input_axes")?.[0] ?? 0;
  const shape = `${counter}/shape`;
  return [
    {
      ...makeNode("Shape", [first], [shape], axis === -1 ? { start: -1 } : { start: axis, end: axis + 1 }),
      name: "",
    },
    { ...makeNode("ConstantOfShape", [shape], [counter]), name: "" },
  ];
}

/** The loop with one more output: the number of each round. */
function counting(loop: Node, counter: string, number: string): Node {
  const outputsOf = (body: Graph): number => body.outputs.length - 1;
  const attributes = loop.attributes.map((item) => {
    if (item.name !== "body" || !item.g) return item;
    const copy = { ...makeNode("Identity", [item.g.inputs[0]!.name], [number]), name: "" };
    const round = { name: number, metadata: [], type: { tensorType: { elemType: 7, shape: { dims: [] } } } };
    return { ...item, g: { ...item.g, nodes: [...item.g.nodes, copy], outputs: [...item.g.outputs, round] } };
  });
  const body = attribute(loop, "body")!.g!;
  const outputs = Array.from({ length: outputsOf(body) }, (_, i) => loop.outputs[i] ?? "");
  return { ...loop, attributes, outputs: [...outputs, counter] };
}
