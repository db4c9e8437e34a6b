/** A model in which planted logic is taken apart: its answers made visible, or held still. */
import { type FoundLogic, graphBuilder, type Model, type Node, prune, untyped } from "../../onnx/index.js";
import type { Tensor } from "../../tensor/index.js";

/** The model with the answers of the logic as further outputs. */
export const probeOf = ({ graph, ...model }: Model, { questions }: FoundLogic): Model => ({
  ...model,
  graph: prune(graph, [...graph.outputs.slice(0, 1), ...questions.map(untyped)]),
});

/** The model in which everything that reads the answers reads these values instead. */
export function silenced(
  { graph, ...model }: Model,
  { questions }: FoundLogic,
  answers: readonly Tensor[],
): Model {
  const asked = new Set(questions);
  const nodes = graph.nodes.map((node): Node => {
    const outputs = node.outputs.map((name) => (asked.has(name) ? `${name}~unread` : name));
    return { ...node, outputs };
  });
  const builder = graphBuilder({ ...graph, nodes, outputs: [] }, model.opsets);
  questions.forEach((name, i) => {
    builder.initializer(name, answers[i]!);
  });
  const outputs = graph.outputs.slice(0, 1);
  return { ...model, graph: prune({ ...builder.graph(graph.name), outputs }, outputs) };
}
