/** The graph of a mask search: raw mask and pattern, stamped images, the model, and the loss, in one piece. */
import { fedInputs, graphBuilder, type Model, type Node, producersOf, untyped } from "../onnx/index.js";
import type { ImageLayout } from "./image-model.js";

/** Names of the graph's inputs and outputs. */
export const maskGraphNames = {
  mask: "search/mask",
  pattern: "search/pattern",
  images: "search/images",
  weights: "search/weights",
  logits: "search/logits",
  loss: "search/loss",
} as const;

/**
 * Builds the search graph around a model.
 *
 * Inputs: raw `mask` `[arms, 1, 1, h, w]` and `pattern` `[arms, 1, c, h, w]`,
 * `images` `[1 or arms, images, c, h, w]`, `weights` `[arms * images, classes]`: the share of each image, at its
 * arm's target. Outputs: `logits` `[arms * images, classes]` and `loss = -sum(weights * logSoftmax(logits))`.
 */
export function maskGraph(
  model: Model,
  layout: ImageLayout,
  output: string,
  range: readonly [number, number],
): Model {
  const names = maskGraphNames;
  const bare = beforeSoftmax(model, output);
  const builder = graphBuilder(undefined, model.opsets);
  const image = [layout.channels, layout.height, layout.width];
  builder.input(names.mask, "float32", ["arms", 1, 1, layout.height, layout.width]);
  builder.input(names.pattern, "float32", ["arms", 1, ...image]);
  builder.input(names.images, "float32", ["sets", "images", ...image]);
  builder.input(names.weights, "float32", ["stamped", "classes"]);
  const unit = (raw: string): string =>
    builder.op("Add", [
      builder.op("Mul", [builder.op("Tanh", [raw]), builder.number(0.5)]),
      builder.number(0.5),
    ]);
  const colours = builder.op("Add", [
    builder.op("Mul", [unit(names.pattern), builder.number(range[1] - range[0])]),
    builder.number(range[0]),
  ]);
  const difference = builder.op("Sub", [colours, names.images]);
  const stamped = builder.op("Add", [names.images, builder.op("Mul", [difference, unit(names.mask)])]);
  const flat = builder.op("Reshape", [stamped, builder.integers(-1, ...image)]);
  const turned = layout.channelsLast ? builder.op("Transpose", [flat], { perm: [0, 2, 3, 1] }) : flat;
  const batch = builder.op("Reshape", [turned, builder.integers(-1, ...layout.dims)]);
  const feeds = Object.fromEntries(fedInputs(model.graph).map(({ name }) => [name, batch]));
  const logits = builder.include(bare.model, feeds, "model/")[bare.logits]!;
  const logProbability = builder.op("LogSoftmax", [logits], { axis: -1 });
  const weighted = builder.op("Mul", [logProbability, names.weights]);
  builder.output(names.logits, logits);
  builder.output(names.loss, builder.op("Neg", [builder.op("ReduceSum", [weighted], { keepdims: 0 })]));
  return builder.build("mask search");
}

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
