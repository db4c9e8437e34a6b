/** A model's graph up to its logits. */
import { type Model, type Node, producersOf, untyped } from "../onnx/index.js";

/**
 * The model up to its logits: a final Softmax is taken off, since its gradient vanishes where it is sure.
 *
 * Where the probabilities are converted to another type behind it, so are the logits.
 */
export function beforeSoftmax(model: Model, output: string): { model: Model; logits: string } {
  const producers = producersOf(model.graph);
  const conversions: Node[] = [];
  let logits = output;
  for (let node = producers.get(output); node; node = producers.get(node.inputs[0]!)) {
    if (node.opType === "Softmax") {
      const [last] = conversions;
      const bare = node.inputs[0]!;
      logits = last ? `${output}~logits` : bare;
      const nodes = last ? [{ ...last, name: "", inputs: [bare], outputs: [logits] }] : [];
      return withOutput({ ...model.graph, nodes: [...model.graph.nodes, ...nodes] });
    }
    if (node.opType === "Cast") conversions.push(node);
    else if (node.opType !== "Identity") break;
    else if (conversions.length === 0) logits = node.inputs[0]!;
  }
  return withOutput(model.graph);

  function withOutput(graph: Model["graph"]): { model: Model; logits: string } {
    return { model: { ...model, graph: { ...graph, outputs: [untyped(logits)] } }, logits };
  }
}
