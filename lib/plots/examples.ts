/** A batch of images side by side. */
import { type Tensor, takeExamples } from "../tensor/index.js";
import { type ImageGrid, imageGrid } from "./image-grid.js";

/**
 * Draws a batch of images `[n, channels, height, width]`.
 *
 * @param captions One per image. Default: their numbers.
 * @example
 * plots.examples(clean.inputs, predicted.map((k) => names[k]))
 */
export function examples(images: Tensor, captions: readonly string[] = []): ImageGrid {
  return imageGrid(
    Array.from({ length: images.dims[0] ?? 0 }, (_, row) => {
      const one = takeExamples(images, [row]);
      return { tensor: { ...one, dims: one.dims.slice(1) }, caption: captions[row] ?? String(row) };
    }),
  );
}
