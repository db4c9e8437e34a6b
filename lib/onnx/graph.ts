/** Questions about a graph, and the small rewrites from which the larger ones are built. Nothing is mutated. */
import { AssayError } from "../errors.js";
import type { ValueDescription } from "../runtime/index.js";
import { subgraphs } from "./attributes.js";
import type { Graph, Model, Node, TensorMessage, ValueInfo } from "./schema.js";
import { elementType } from "./tensors.js";

/** Version of a domain's operators that the model imports, or undefined. */
export function opsetOf(model: Model, domain = ""): number | undefined {
  const plain = (name: string | undefined): string => (name === "ai.onnx" ? "" : (name ?? ""));
  const found = model.opsets.find((set) => plain(set.domain) === plain(domain));
  return found === undefined ? undefined : Number(found.version ?? 1);
}

/** True for the standard ONNX domain. */
export const isStandard = (domain: string | undefined): boolean => !domain || domain === "ai.onnx";

/** How a message names a node: its own name, else its first output. */
export const nodeLabel = (node: Node): string =>
  node.name ? `"${node.name}"` : `that makes "${node.outputs.find((name) => name !== "") ?? ""}"`;

/** Names that a node reads, those that its subgraphs take from outside included. */
export function readsOf(node: Node): string[] {
  const names = node.inputs.filter((name) => name !== "");
  for (const graph of subgraphs(node)) names.push(...outerNames(graph));
  return names;
}

/** Names that a graph reads but does not make. */
function outerNames(graph: Graph): string[] {
  const own = new Set<string>();
  for (const input of graph.inputs) own.add(input.name);
  for (const initializer of graph.initializers) own.add(initializer.name ?? "");
  for (const sparse of graph.sparseInitializers) own.add(sparse.values?.name ?? "");
  for (const node of graph.nodes) for (const output of node.outputs) own.add(output);
  const outer = new Set<string>();
  for (const node of graph.nodes) for (const name of readsOf(node)) if (!own.has(name)) outer.add(name);
  for (const output of graph.outputs) if (!own.has(output.name)) outer.add(output.name);
  return [...outer];
}

/** Which node makes each tensor. */
export function producersOf(graph: Graph): Map<string, Node> {
  const producers = new Map<string, Node>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== "") producers.set(output, node);
  }
  return producers;
}

/** Initializers by name. */
export const initializersOf = (graph: Graph): Map<string, TensorMessage> =>
  new Map(graph.initializers.map((initializer) => [initializer.name ?? "", initializer]));

/**
 * Nodes in an order in which each comes after what it reads.
 *
 * @throws AssayError INVALID_MODEL if there is a cycle: the message lists its nodes.
 */
export function sortNodes(nodes: readonly Node[]): Node[] {
  const producer = new Map<string, number>();
  nodes.forEach((node, index) => {
    for (const output of node.outputs) if (output !== "") producer.set(output, index);
  });
  const state = new Uint8Array(nodes.length);
  const sorted: Node[] = [];
  // An explicit stack: exported models are chains of thousands of nodes.
  for (let root = 0; root < nodes.length; root++) {
    if (state[root] !== 0) continue;
    const stack: { index: number; reads: string[]; next: number }[] = [
      { index: root, reads: readsOf(nodes[root]!), next: 0 },
    ];
    state[root] = 1;
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const name = top.reads[top.next++];
      if (name === undefined) {
        state[top.index] = 2;
        sorted.push(nodes[top.index]!);
        stack.pop();
        continue;
      }
      const before = producer.get(name);
      if (before === undefined || state[before] === 2) continue;
      if (state[before] === 1) {
        const cycle = stack
          .slice(stack.findIndex(({ index }) => index === before))
          .map(({ index }) => nodes[index]!);
        throw new AssayError(
          "INVALID_MODEL",
          `The graph has a cycle through ${cycle.map((node) => `${node.opType} ${nodeLabel(node)}`).join(" → ")}.`,
          { cycle: cycle.map((node) => node.name ?? node.outputs[0]) },
        );
      }
      state[before] = 1;
      stack.push({ index: before, reads: readsOf(nodes[before]!), next: 0 });
    }
  }
  return sorted;
}

/** The graph with these outputs only, and without nodes, inputs and weights that they do not need: onnxruntime runs dead nodes too. */
export function prune(graph: Graph, outputs: readonly ValueInfo[] = graph.outputs): Graph {
  const needed = new Set(outputs.map(({ name }) => name));
  const producers = producersOf(graph);
  const keep = new Set<Node>();
  const queue = [...needed];
  while (queue.length > 0) {
    const node = producers.get(queue.pop()!);
    if (node === undefined || keep.has(node)) continue;
    keep.add(node);
    for (const name of readsOf(node)) {
      if (needed.has(name)) continue;
      needed.add(name);
      queue.push(name);
    }
  }
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => keep.has(node)),
    initializers: graph.initializers.filter(({ name }) => needed.has(name ?? "")),
    sparseInitializers: graph.sparseInitializers.filter(({ values }) => needed.has(values?.name ?? "")),
    inputs: graph.inputs.filter(({ name }) => needed.has(name)),
    valueInfo: graph.valueInfo.filter(({ name }) => needed.has(name)),
    outputs,
  };
}

/** An output or inner tensor whose type onnxruntime infers. */
export const untyped = (name: string): ValueInfo => ({ name, metadata: [] });

/** Inputs that a caller feeds: those without an initializer as default. */
export function fedInputs(graph: Graph): readonly ValueInfo[] {
  const initializers = initializersOf(graph);
  return graph.inputs.filter(({ name }) => !initializers.has(name));
}

/** What the file itself says of a tensor's type. */
export function declared(info: ValueInfo): ValueDescription {
  const type = info.type?.tensorType;
  return {
    name: info.name,
    type: elementType(type?.elemType)?.type ?? null,
    dims: (type?.shape?.dims ?? []).map((dim) =>
      dim.value !== undefined && Number(dim.value) >= 0 ? Number(dim.value) : (dim.symbol ?? ""),
    ),
  };
}

/** Calls `visit` for every node, those of subgraphs included. */
export function visitNodes(graph: Graph, visit: (node: Node, graph: Graph) => void): void {
  for (const node of graph.nodes) {
    visit(node, graph);
    for (const inner of subgraphs(node)) visitNodes(inner, visit);
  }
}

/** The names nearest to `name` by edit distance, best first. */
export function nearestNames(name: string, names: readonly string[], count = 5): string[] {
  const wanted = name.toLowerCase();
  return names
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

function editDistance(a: string, b: string): number {
  if (b.includes(a)) return (b.length - a.length) / b.length;
  const row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0]!;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j]!;
      row[j] = Math.min(above + 1, row[j - 1]! + 1, diagonal + (a[i - 1] === b[j - 1] ? 0 : 1));
      diagonal = above;
    }
  }
  return row[b.length]!;
}

/** Names that the subgraphs of a node take from outside. */
export const subgraphsRead = (node: Node): string[] => subgraphs(node).flatMap(outerNames);
