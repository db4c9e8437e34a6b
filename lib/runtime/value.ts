/** Inputs and outputs of a session: their description, and checks of what is fed. */
import { AssayError } from "../errors.js";
import { arrayOfType } from "../tensor/dtype.js";
import { sizeOf, type Tensor, type TensorData, type TensorType } from "../tensor/index.js";
import type { NativeMetadata, NativeTensor } from "./binding.js";

/** Name, element type and dims of an input, output or inner tensor. */
export interface ValueDescription {
  readonly name: string;
  /** Element type, or null for a sequence, a map, or a type that JavaScript has no array for. */
  readonly type: TensorType | null;
  /** Sizes; a symbol's name where the size is free; "" where nothing is known of it. */
  readonly dims: readonly (number | string)[];
}

/** TensorProto.DataType by number. */
const typeNames: readonly (TensorType | undefined)[] = [
  undefined,
  "float32",
  "uint8",
  "int8",
  "uint16",
  "int16",
  "int32",
  "int64",
  "string",
  "bool",
  "float16",
  "float64",
  "uint32",
  "uint64",
];

/** What the library says about a value, in Assay's terms. */
export function describe(metadata: NativeMetadata): ValueDescription {
  if (!metadata.isTensor) return { name: metadata.name, type: null, dims: [] };
  return {
    name: metadata.name,
    type: typeNames[metadata.type] ?? null,
    dims: metadata.shape.map((size, axis) => (size >= 0 ? size : (metadata.symbolicDimensions[axis] ?? ""))),
  };
}

/** Says a description as people write it: `float32 [batch, 3, 224, 224]`. */
export function sayValue(value: {
  readonly type: string | null;
  readonly dims: readonly (number | string)[];
}): string {
  return `${value.type ?? "not a tensor"} [${value.dims.map((dim) => (dim === "" ? "?" : dim)).join(", ")}]`;
}

/**
 * Checks a fed tensor against the input it is for; the native library would read past the end of short data.
 *
 * @throws AssayError TYPE_MISMATCH or SHAPE_MISMATCH that names the input, what it takes and what was given.
 */
export function checkFeed(input: ValueDescription, given: Tensor): void {
  const { type, dims, data } = given;
  if (input.type !== null && type !== input.type) {
    throw new AssayError(
      "TYPE_MISMATCH",
      `The input "${input.name}" takes ${sayValue(input)}, but was given ${sayValue(given)}.`,
      { input: input.name, expected: input.type, given: type },
    );
  }
  const make = type === "string" ? Array : arrayOfType[type as keyof typeof arrayOfType];
  if (make === undefined || !(data instanceof make)) {
    throw new AssayError(
      "TYPE_MISMATCH",
      `The tensor for "${input.name}" says it is ${type}, but its data is ${data?.constructor?.name ?? typeof data}.`,
      { input: input.name, type },
    );
  }
  if (sizeOf(dims) !== data.length) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `The tensor for "${input.name}" has dims [${dims.join(", ")}], ${sizeOf(dims)} elements, but data of ${data.length}.`,
      { input: input.name, dims, length: data.length },
    );
  }
  const fits =
    // A rank of 0 also stands for "unknown rank" in what the library reports.
    input.dims.length === 0 ||
    (dims.length === input.dims.length &&
      dims.every((dim, axis) => typeof input.dims[axis] === "string" || input.dims[axis] === dim));
  if (!fits) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `The input "${input.name}" takes ${sayValue(input)}, but was given ${sayValue(given)}.`,
      { input: input.name, expected: input.dims, given: dims },
    );
  }
}

/** An output of the library as a plain tensor, its data not copied. */
export function plain(value: NativeTensor): Tensor {
  const { type, dims, data } = value;
  // Newer Node versions give Float16Array; Assay keeps the raw 16 bits.
  if (type === "float16" && !(data instanceof Uint16Array)) {
    const view = data as ArrayBufferView;
    return { type, dims, data: new Uint16Array(view.buffer, view.byteOffset, view.byteLength / 2) };
  }
  return { type: type as TensorType, dims, data: data as TensorData[TensorType] };
}
