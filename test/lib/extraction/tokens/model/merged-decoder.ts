/** Merged decoders: one file of two graphs, of which the input `use_cache_branch` picks one. */
import { graphBuilder, type Model, makeNode, untyped } from "../../../../../lib/onnx/index.js";

/** What a branch's own names begin with. */
const inside = (model: Model, prefix: string): Model["graph"] => {
  const made = new Set(model.graph.nodes.flatMap(({ outputs }) => outputs));
  const rename = (name: string): string => (made.has(name) ? `${prefix}${name}` : name);
  return {
    ...model.graph,
    inputs: [],
    initializers: [],
    nodes: model.graph.nodes.map((node) => ({
      ...node,
      name: `${prefix}${node.name}`,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    outputs: model.graph.outputs.map(({ name }) => untyped(rename(name))),
  };
};

/**
 * Merges two graphs of equal weights and outputs.
 *
 * @param withPast Runs where `use_cache_branch` is true; its inputs are those of the whole.
 * @param without Runs where it is false.
 */
export function merged(withPast: Model, without: Model): Model {
  const builder = graphBuilder(undefined, withPast.opsets);
  const { graph } = withPast;
  const stored = new Set<string>();
  for (const message of [...graph.initializers, ...without.graph.initializers]) {
    if (stored.has(message.name!)) continue;
    stored.add(message.name!);
    builder.stored(message);
  }
  builder.input("use_cache_branch", "bool", [1]);
  const outputs = graph.outputs.map(({ name }) => name);
  builder.node(
    makeNode("If", ["use_cache_branch"], outputs, {
      then_branch: { graph: inside(withPast, "then/") },
      else_branch: { graph: inside(without, "else/") },
    }),
  );
  for (const name of outputs) builder.output(name);
  const model = builder.build("merged");
  return { ...model, graph: { ...model.graph, inputs: [...graph.inputs, ...model.graph.inputs] } };
}
