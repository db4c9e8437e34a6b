/** Copies the graph of a node (a branch, a loop's body) into the graph around it. */
import type { GraphBuilder } from "../builder.js";
import { renameNode } from "../rename.js";
import type { Graph } from "../schema.js";

/**
 * Adds a subgraph's nodes and stored tensors under fresh names.
 *
 * @param bound What stands for the subgraph's inputs outside.
 * @returns The name outside of each name inside; names that the subgraph takes from outside are their own.
 */
export function copySubgraph(
  builder: GraphBuilder,
  graph: Graph,
  bound: ReadonlyMap<string, string> = new Map(),
): (name: string) => string {
  const own = new Set([
    ...graph.initializers.map(({ name }) => name ?? ""),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  const names = new Map(bound);
  const rename = (name: string): string => {
    const known = names.get(name);
    if (known !== undefined) return known;
    if (name === "" || !own.has(name)) return name;
    const made = builder.fresh(name);
    names.set(name, made);
    return made;
  };
  for (const message of graph.initializers) builder.stored({ ...message, name: rename(message.name ?? "") });
  for (const inner of graph.nodes) {
    const copy = renameNode(inner, rename);
    // Node names must differ, and a body is copied more than once.
    builder.node({ ...copy, name: copy.outputs.find((name) => name !== "") ?? "" });
  }
  return rename;
}
