/** Small inputs for whatever a damaged model asks for. */
import type { ValueDescription } from "../../../../lib/runtime/index.js";
import { sizeOf, type Tensor, type TensorType } from "../../../../lib/tensor/index.js";

/** Elements of one input; damaged dims may ask for terabytes. */
const MOST_ELEMENTS = 200_000;

type Filled = Exclude<TensorType, "string">;

const ones: Readonly<Record<Filled, (length: number) => Tensor["data"]>> = {
  float32: (length) => new Float32Array(length).fill(1),
  float64: (length) => new Float64Array(length).fill(1),
  // The bits of 1.
  float16: (length) => new Uint16Array(length).fill(0x3c00),
  int8: (length) => new Int8Array(length).fill(1),
  uint8: (length) => new Uint8Array(length).fill(1),
  int16: (length) => new Int16Array(length).fill(1),
  uint16: (length) => new Uint16Array(length).fill(1),
  int32: (length) => new Int32Array(length).fill(1),
  uint32: (length) => new Uint32Array(length).fill(1),
  int64: (length) => new BigInt64Array(length).fill(1n),
  uint64: (length) => new BigUint64Array(length).fill(1n),
  bool: (length) => new Uint8Array(length).fill(1),
};

/** Ones for each input, two where a size is free; undefined if one is no tensor, text or too large. */
export function smallFeeds(inputs: readonly ValueDescription[]): Record<string, Tensor> | undefined {
  const feeds: Record<string, Tensor> = {};
  for (const { name, type, dims } of inputs) {
    const sizes = dims.map((dim) => (typeof dim === "number" ? dim : 2));
    if (type === null || type === "string" || !(sizeOf(sizes) <= MOST_ELEMENTS)) return undefined;
    feeds[name] = { type, dims: sizes, data: ones[type](sizeOf(sizes)) } as Tensor;
  }
  return feeds;
}
