/** Fashion-MNIST (70,000 grey images of clothing, 10 classes, MIT) as Debian's dataset-fashion-mnist installs it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LabelledData } from "../data/labelled.js";
import { AssayError } from "../errors.js";
import type { Tensor } from "../tensor/index.js";
import { readIdx } from "./idx.js";

/** Where Debian's package dataset-fashion-mnist puts the four files. */
export const fashionMnistFolder = "/usr/share/datasets/fashion-mnist";

/** Names of the ten classes, in the order of the labels. */
export const fashionMnistClasses: readonly string[] = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

/**
 * Reads the published training set (60,000) or test set (10,000): `inputs` float32 `[n, 1, 28, 28]` in [0, 1].
 *
 * @param folder Folder that holds the four gzipped IDX files. Default: where Debian puts them.
 * @throws AssayError FILE_NOT_FOUND, which says how to get the files.
 */
export function readFashionMnist(part: "train" | "test", folder: string = fashionMnistFolder): LabelledData {
  const stem = part === "train" ? "train" : "t10k";
  const images = readPart(join(folder, `${stem}-images-idx3-ubyte.gz`));
  const labels = readPart(join(folder, `${stem}-labels-idx1-ubyte.gz`));
  const [count, height, width] = images.dims;
  if (images.dims.length !== 3 || labels.dims.length !== 1 || labels.dims[0] !== count) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `readFashionMnist: images [${images.dims}] and labels [${labels.dims}] do not belong together.`,
      { images: images.dims, labels: labels.dims },
    );
  }
  return {
    inputs: {
      type: "float32",
      dims: [count!, 1, height!, width!],
      data: Float32Array.from(images.data, (byte) => byte / 255),
    },
    labels: { type: "int64", dims: [count!], data: BigInt64Array.from(labels.data, BigInt) },
  };
}

function readPart(path: string): Tensor<"uint8"> {
  if (!existsSync(path)) {
    throw new AssayError(
      "FILE_NOT_FOUND",
      `"${path}" does not exist. Install Debian's package dataset-fashion-mnist, or name the folder that holds the four IDX files.`,
      { path },
    );
  }
  return readIdx(readFileSync(path), path);
}
