/** Small images side by side as plain data: inputs, masks, recovered triggers. */
import { AssayError } from "../errors.js";
import { type Tensor, toFloat64 } from "../tensor/index.js";

/** One image and what is written below it. */
export interface CaptionedImage {
  /** `[height, width]` in grey, or `[channel, height, width]` with 1 (grey) or 3 (red, green, blue) channels. */
  readonly tensor: Tensor;
  readonly caption: string;
}

/** Images drawn with one common range, so that they can be compared. */
export interface ImageGrid {
  readonly kind: "image-grid";
  readonly images: readonly CaptionedImage[];
  /** Values drawn as black and as white; what lies outside is drawn as the nearer of the two. */
  readonly range: readonly [number, number];
}

/**
 * Puts images side by side.
 *
 * @param images At most 400, each `[height, width]` or `[channel, height, width]` and at most 1024 pixels a side.
 * @param options.range Values drawn as black and white. Default: the smallest and largest finite value of all
 *   images together.
 * @throws AssayError SHAPE_MISMATCH if a tensor is no image, INVALID_ARGUMENT if there are too many.
 * @example
 * plots.imageGrid([{ tensor: mask, caption: "mask" }, { tensor: pattern, caption: "pattern" }], { range: [0, 1] })
 */
export function imageGrid(
  images: readonly CaptionedImage[],
  { range }: { readonly range?: readonly [number, number] } = {},
): ImageGrid {
  if (images.length > 400) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `imageGrid: ${images.length} images are more than 400. Draw fewer.`,
      {
        images: images.length,
      },
    );
  }
  for (const [i, { tensor, caption }] of images.entries()) {
    const { dims } = tensor;
    const isImage =
      (dims.length === 2 || (dims.length === 3 && (dims[0] === 1 || dims[0] === 3))) &&
      dims.slice(-2).every((side) => side >= 1 && side <= 1024) &&
      tensor.type !== "string";
    if (!isImage) {
      throw new AssayError(
        "SHAPE_MISMATCH",
        `imageGrid: image ${i} ("${caption}") has dims [${dims.join(", ")}] of type ${tensor.type}; expected numbers in [height, width] or [1 or 3, height, width], at most 1024 a side.`,
        { index: i, dims, type: tensor.type },
      );
    }
  }
  return { kind: "image-grid", images, range: range ?? commonRange(images) };
}

function commonRange(images: readonly CaptionedImage[]): readonly [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { tensor } of images) {
    for (const value of toFloat64(tensor)) {
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}
