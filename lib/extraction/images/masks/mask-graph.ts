/** The graph of a mask search: raw mask and pattern, stamped images, the model, and the loss, in one piece. */
import { graphBuilder, type Model } from "../../../onnx/index.js";
import type { ImageLayout } from "../image-model.js";
import { includeOnImages } from "../include-model.js";

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
  const logits = includeOnImages(builder, model, { layout, output, images: flat });
  const logProbability = builder.op("LogSoftmax", [logits], { axis: -1 });
  const weighted = builder.op("Mul", [logProbability, names.weights]);
  builder.output(names.logits, logits);
  builder.output(names.loss, builder.op("Neg", [builder.op("ReduceSum", [weighted], { keepdims: 0 })]));
  return builder.build("mask search");
}
