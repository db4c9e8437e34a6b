/** A model of tokens as a graph of a loss and its gradients by the vectors that the tokens are looked up as. */
import {
  type EmbeddingLookup,
  gradientGraph,
  graphBuilder,
  type Model,
  makeNode,
  upgradeModel,
} from "../../../onnx/index.js";
import { beforeSoftmax } from "../../bare-model.js";

/** Names of what is fed to a loss graph and of what it gives. */
export const names = {
  weights: "search/weights",
  logits: "search/logits",
  loss: "search/loss",
  shift: (i: number) => `search/shift${i}`,
  vector: (i: number) => `search/vector${i}`,
  gradient: (i: number) => `gradient/search/vector${i}`,
} as const;

/** The model with shifts added to its vectors, and the weighted loss with its gradients by the shifted vectors. */
export function lossGraph(source: Model, output: string, lookups: readonly EmbeddingLookup[]): Model {
  const { model, logits } = beforeSoftmax(upgradeModel(source), output);
  const builder = graphBuilder({ ...model.graph, nodes: [], outputs: [] }, model.opsets);
  for (const node of model.graph.nodes) for (const name of node.outputs) if (name) builder.claim(name);
  lookups.forEach((_, i) => {
    builder.claim(names.vector(i));
  });
  const at = new Map(lookups.map(({ output: name }, i) => [name, i]));
  for (const node of model.graph.nodes) {
    const i = at.get(node.outputs[0] ?? "");
    if (i === undefined) {
      builder.node(node);
      continue;
    }
    const raw = builder.fresh("looked-up");
    builder.node({ ...node, outputs: [raw] });
    builder.input(names.shift(i), "float32", ["values"]);
    const shift = builder.op("Reshape", [names.shift(i), builder.op("Shape", [raw])]);
    builder.node(makeNode("Add", [raw, shift], [names.vector(i)]));
    builder.alias(node.outputs[0]!, names.vector(i));
  }
  builder.input(names.weights, "float32", ["scores"]);
  const shaped = builder.op("Reshape", [names.weights, builder.op("Shape", [logits])]);
  const log = builder.op("LogSoftmax", [logits], { axis: -1 });
  const loss = builder.op("Neg", [
    builder.op("ReduceSum", [builder.op("Mul", [log, shaped])], { keepdims: 0 }),
  ]);
  builder.output(names.loss, loss);
  builder.output(names.logits, logits);
  return gradientGraph(
    { ...model, graph: builder.graph("token loss") },
    { of: names.loss, wrt: lookups.map((_, i) => names.vector(i)), keep: [names.logits] },
  ).model;
}
