/** Renaming of tensors, subgraphs included, and fresh names. */
import type { Graph, Node } from "./schema.js";

/** Gives names that are not taken. */
export interface FreshNames {
  has(name: string): boolean;
  claim(name: string): void;
  fresh(hint: string): string;
}

/** All names of a graph, subgraphs included, are taken. */
export function freshNames(graph?: Graph): FreshNames {
  const taken = new Set<string>();
  if (graph) claimAll(graph, taken);
  const next = new Map<string, number>();
  return {
    has: (name) => taken.has(name),
    claim: (name) => {
      taken.add(name);
    },
    fresh: (hint) => {
      for (let i = next.get(hint) ?? 0; ; i++) {
        const name = `${hint}~${i}`;
        if (taken.has(name)) continue;
        next.set(hint, i + 1);
        taken.add(name);
        return name;
      }
    },
  };
}

function claimAll(graph: Graph, taken: Set<string>): void {
  for (const { name } of graph.inputs) taken.add(name);
  for (const { name } of graph.initializers) taken.add(name ?? "");
  for (const { values } of graph.sparseInitializers) taken.add(values?.name ?? "");
  for (const node of graph.nodes) {
    for (const name of node.outputs) taken.add(name);
    for (const { g, graphs } of node.attributes) {
      if (g) claimAll(g, taken);
      for (const inner of graphs) claimAll(inner, taken);
    }
  }
}

/** A node whose tensors are renamed, also where its subgraphs read or shadow them. */
export function renameNode(node: Node, rename: (name: string) => string): Node {
  const hasGraphs = node.attributes.some(({ g, graphs }) => g !== undefined || graphs.length > 0);
  return {
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: hasGraphs
      ? node.attributes.map((attribute) => ({
          ...attribute,
          ...(attribute.g ? { g: renameGraph(attribute.g, rename) } : {}),
          graphs: attribute.graphs.map((graph) => renameGraph(graph, rename)),
        }))
      : node.attributes,
  };
}

/** A graph with all its tensors renamed. */
function renameGraph(graph: Graph, rename: (name: string) => string): Graph {
  return {
    ...graph,
    nodes: graph.nodes.map((node) => renameNode(node, rename)),
    initializers: graph.initializers.map((message) => ({ ...message, name: rename(message.name ?? "") })),
    sparseInitializers: graph.sparseInitializers.map((sparse) =>
      sparse.values
        ? { ...sparse, values: { ...sparse.values, name: rename(sparse.values.name ?? "") } }
        : sparse,
    ),
    inputs: graph.inputs.map((info) => ({ ...info, name: rename(info.name) })),
    outputs: graph.outputs.map((info) => ({ ...info, name: rename(info.name) })),
    valueInfo: graph.valueInfo.map((info) => ({ ...info, name: rename(info.name) })),
  };
}
