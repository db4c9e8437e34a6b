/** The plain tensor that every function of Assay takes and returns: what onnxruntime uses, without a wrapper. */
import { AssayError } from "../errors.js";

/** Typed array of each tensor element type, named as onnxruntime names them. */
export interface TensorData {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  string: string[];
}

/** Name of a tensor element type. */
export type TensorType = keyof TensorData;

/**
 * A dense row-major tensor. `data.length` is the product of `dims`; a scalar has `dims` `[]` and one element.
 * Never mutated by Assay. A row range of it is a `data.subarray` with a smaller first dimension.
 */
export interface Tensor<T extends TensorType = TensorType> {
  readonly type: T;
  readonly dims: readonly number[];
  readonly data: TensorData[T];
}

/** Number of elements that `dims` describe. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/**
 * Makes a tensor and checks that data and dims agree.
 *
 * @throws AssayError SHAPE_MISMATCH if `data.length` is not the product of `dims`, or a dim is not a
 *   non-negative integer.
 * @example
 * tensor("float32", [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))
 */
export function tensor<T extends TensorType>(
  type: T,
  dims: readonly number[],
  data: TensorData[T],
): Tensor<T> {
  if (dims.some((dim) => !Number.isInteger(dim) || dim < 0) || sizeOf(dims) !== data.length) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `tensor: dims [${dims.join(", ")}] describe ${sizeOf(dims)} elements, but data has ${data.length}.`,
      { dims, length: data.length },
    );
  }
  return { type, dims, data };
}
