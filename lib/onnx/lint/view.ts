/** What the rules about logic look at: a graph with its flows, and those of the graphs in its nodes. */
import { initializersOf, producersOf } from "../graph.js";
import type { Graph, Node, TensorMessage } from "../schema.js";
import type { Flows } from "./dataflow.js";
import type { Extent } from "./extents.js";
import { constantFlow, type Flow } from "./flow.js";
import { type Stored, storedTensor } from "./stored.js";

/** A graph and what is known of its tensors. */
export interface View {
  readonly graph: Graph;
  /** The nodes that hold this graph, the outermost first. */
  readonly path: readonly Node[];
  /** Some result went through layers of weights. */
  readonly hasNetwork: boolean;
  readonly flowOf: (name: string | undefined) => Flow;
  readonly extentOf: (name: string | undefined) => Extent;
  readonly producerOf: (name: string) => Node | undefined;
  readonly readersOf: (name: string) => readonly Node[];
  readonly storedAs: (name: string) => TensorMessage | undefined;
  readonly storedOf: (name: string | undefined) => Stored | undefined;
  /** The same for a graph in one of its nodes. */
  readonly inner: (body: Graph, holder: Node) => View;
}

/** The view of a model's graph, or of a graph in a node of the graph that `outer` shows. */
export function viewOf(graph: Graph, all: Flows, outer?: View, holder?: Node): View {
  const { flows, extents } = all.get(graph) ?? {};
  const producers = producersOf(graph);
  const stored = initializersOf(graph);
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs)) {
      const known = readers.get(name);
      if (known) known.push(node);
      else readers.set(name, [node]);
    }
  }
  return {
    graph,
    hasNetwork:
      outer?.hasNetwork ?? graph.outputs.some(({ name }) => (flows?.get(name)?.mostLayers ?? 0) > 0),
    path: holder ? [...(outer?.path ?? []), holder] : [],
    flowOf: (name = "") => flows?.get(name) ?? outer?.flowOf(name) ?? constantFlow,
    extentOf: (name = "") => (extents?.has(name) ? extents.get(name) : outer?.extentOf(name)),
    producerOf: (name) => producers.get(name) ?? (flows?.has(name) ? undefined : outer?.producerOf(name)),
    readersOf: (name) => readers.get(name) ?? [],
    storedAs: (name) => stored.get(name) ?? (flows?.has(name) ? undefined : outer?.storedAs(name)),
    storedOf(name = "") {
      const message = this.storedAs(name);
      return message && storedTensor(message);
    },
    inner(body, node) {
      return viewOf(body, all, this, node);
    },
  };
}

/** Nodes between a mask and its softmax, and between the softmax and what it weighs. */
const STEPS = 4;
const between = new Set([
  "Add",
  "Reshape",
  "Cast",
  "Transpose",
  "Dropout",
  "Identity",
  "Where",
  "Div",
  "Mul",
  "Unsqueeze",
  "Squeeze",
]);

/** Masks are added to, or chosen for, what the softmax of an attention reads; a softmax at the end is no such thing. */
export function feedsAttention(node: Node, view: View): boolean {
  return reached(node, view, STEPS, (reader) =>
    /Softmax$/.test(reader.opType) ? reached(reader, view, STEPS, (next) => weighs(next, view)) : false,
  );
}

const weighs = ({ opType, inputs }: Node, { flowOf }: View): boolean =>
  ["MatMul", "Einsum", "Mul", "FusedMatMul"].includes(opType) &&
  inputs.filter((name) => flowOf(name).mostLayers > 0).length > 1;

function reached(node: Node, view: View, steps: number, isWanted: (reader: Node) => boolean): boolean {
  if (steps === 0) return false;
  return node.outputs
    .flatMap(view.readersOf)
    .some(
      (reader) =>
        isWanted(reader) || (between.has(reader.opType) && reached(reader, view, steps - 1, isWanted)),
    );
}
