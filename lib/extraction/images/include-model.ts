/** A classifier of images inside another graph. */
import { fedInputs, type GraphBuilder, type Model } from "../../onnx/index.js";
import { beforeSoftmax } from "../bare-model.js";
import type { ImageLayout } from "./image-model.js";

/**
 * Puts a model, up to its logits, into a graph that has images `[n, channels, height, width]`.
 *
 * @returns The name of the logits.
 */
export function includeOnImages(
  b: GraphBuilder,
  model: Model,
  { layout, output, images }: { layout: ImageLayout; output: string; images: string },
): string {
  const bare = beforeSoftmax(model, output);
  const turned = layout.channelsLast ? b.op("Transpose", [images], { perm: [0, 2, 3, 1] }) : images;
  const batch = b.op("Reshape", [turned, b.integers(-1, ...layout.dims)]);
  const feeds = Object.fromEntries(fedInputs(model.graph).map(({ name }) => [name, batch]));
  return b.include(bare.model, feeds, "model/")[bare.logits]!;
}
