/** A classifier of images seen in one layout, `[n, channels, height, width]`, whatever its own is. */
import { AssayError } from "../../errors.js";
import type { LoadedModel } from "../../model/index.js";
import type { Tensor } from "../../tensor/index.js";

/** How the images of a model lie in memory. */
export interface ImageLayout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** True for `[n, height, width, channels]`. */
  readonly channelsLast: boolean;
  /** Dims of one image as the model takes it. */
  readonly dims: readonly number[];
}

/**
 * Reads the layout off the dims of a batch.
 *
 * `[n, a, b, c]` is channels first unless only the last dim can be a number of channels (1, 3 or 4);
 * `[n, height, width]` has one channel, `[n, values]` counts as images of one row.
 *
 * @throws AssayError SHAPE_MISMATCH for anything else.
 */
export function imageLayout(dims: readonly number[]): ImageLayout {
  const own = dims.slice(1);
  const isChannels = (dim: number): boolean => dim === 1 || dim === 3 || dim === 4;
  const [first, second, third] = own as [number, number, number];
  if (own.length === 3 && isChannels(third) && !isChannels(first)) {
    return { channels: third, height: first, width: second, channelsLast: true, dims: own };
  }
  if (own.length === 3)
    return { channels: first, height: second, width: third, channelsLast: false, dims: own };
  if (own.length === 2) return { channels: 1, height: first, width: second, channelsLast: false, dims: own };
  if (own.length === 1) return { channels: 1, height: 1, width: first, channelsLast: false, dims: own };
  throw new AssayError(
    "SHAPE_MISMATCH",
    `Trigger extraction needs images [n, channels, height, width], [n, height, width, channels], [n, height, width] or rows [n, values], got [${dims.join(", ")}].`,
    { dims },
  );
}

/** The images as `[n, channels, height, width]`. */
export function channelsFirst(images: Tensor<"float32">, layout: ImageLayout): Tensor<"float32"> {
  const { channels, height, width } = layout;
  const dims = [images.dims[0]!, channels, height, width];
  return {
    type: "float32",
    dims,
    data: layout.channelsLast ? swapped(images.data, channels, height * width) : images.data,
  };
}

/** A model that takes `[n, channels, height, width]`. */
export type ImageModel = Pick<LoadedModel, "name" | "outputs" | "run">;

/** The model, taking `[n, channels, height, width]`. */
export function imageModel(model: LoadedModel, layout: ImageLayout): ImageModel {
  return {
    name: model.name,
    outputs: model.outputs,
    run: (feeds, options) => {
      const images = feeds as Tensor<"float32">;
      const { channels, height, width } = layout;
      const data = layout.channelsLast ? swapped(images.data, height * width, channels) : images.data;
      return model.run({ type: "float32", dims: [images.dims[0]!, ...layout.dims], data }, options);
    },
  };
}

/** Turns each image of `columns` rows of `rows` values the other way round. */
function swapped(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  const size = rows * columns;
  for (let start = 0; start < data.length; start += size) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        result[start + row * columns + column] = data[start + column * rows + row]!;
      }
    }
  }
  return result;
}
