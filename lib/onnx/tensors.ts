/** Tensors of a model file as plain tensors, and the reverse. */
import { AssayError } from "../errors.js";
import { sizeOf, type Tensor, type TensorData, type TensorType } from "../tensor/index.js";
import { bytesOf } from "./file/source.js";
import type { FileSpan, Integer, TensorMessage } from "./schema.js";

/** Number, name and bits per element of every TensorProto.DataType. */
interface ElementType {
  readonly name: string;
  readonly bits: number;
  /** Assay's tensor type, where JavaScript has an array for it. */
  readonly type?: TensorType;
}

const elementTypes: Readonly<Record<number, ElementType>> = {
  1: { name: "float32", bits: 32, type: "float32" },
  2: { name: "uint8", bits: 8, type: "uint8" },
  3: { name: "int8", bits: 8, type: "int8" },
  4: { name: "uint16", bits: 16, type: "uint16" },
  5: { name: "int16", bits: 16, type: "int16" },
  6: { name: "int32", bits: 32, type: "int32" },
  7: { name: "int64", bits: 64, type: "int64" },
  8: { name: "string", bits: 0, type: "string" },
  9: { name: "bool", bits: 8, type: "bool" },
  10: { name: "float16", bits: 16, type: "float16" },
  11: { name: "float64", bits: 64, type: "float64" },
  12: { name: "uint32", bits: 32, type: "uint32" },
  13: { name: "uint64", bits: 64, type: "uint64" },
  14: { name: "complex64", bits: 64 },
  15: { name: "complex128", bits: 128 },
  16: { name: "bfloat16", bits: 16 },
  17: { name: "float8e4m3fn", bits: 8 },
  18: { name: "float8e4m3fnuz", bits: 8 },
  19: { name: "float8e5m2", bits: 8 },
  20: { name: "float8e5m2fnuz", bits: 8 },
  21: { name: "uint4", bits: 4 },
  22: { name: "int4", bits: 4 },
  23: { name: "float4e2m1", bits: 4 },
  24: { name: "float8e8m0", bits: 8 },
  25: { name: "uint2", bits: 2 },
  26: { name: "int2", bits: 2 },
};

const numbers = new Map(Object.entries(elementTypes).map(([number, { name }]) => [name, Number(number)]));

/** What a TensorProto.DataType number means, if anything. */
export const elementType = (dataType: Integer | undefined): ElementType | undefined =>
  elementTypes[Number(dataType ?? 0)];

/** TensorProto.DataType number of a tensor type. */
export const dataTypeOf = (type: TensorType): number => numbers.get(type)!;

/** Dims of a stored tensor as numbers. */
export const dimsOf = (message: TensorMessage): number[] => message.dims.map(Number);

/** Bytes that raw data of this type and dims takes. */
export function rawLength(message: TensorMessage): number {
  return Math.ceil((sizeOf(dimsOf(message)) * (elementType(message.dataType)?.bits ?? 0)) / 8);
}

const raw: Partial<Record<TensorType, new (buffer: ArrayBuffer) => TensorData[TensorType]>> = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  float64: Float64Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
};

/**
 * A stored tensor with its data, copied.
 *
 * @throws AssayError UNSUPPORTED_TYPE for element types without a JavaScript array; INVALID_MODEL if data and
 *   dims disagree or the data is external (`resolveExternal` comes first).
 */
export function readTensor(message: TensorMessage): Tensor {
  const element = elementType(message.dataType);
  const name = message.name ?? "";
  if (element?.type === undefined) {
    throw new AssayError(
      "UNSUPPORTED_TYPE",
      `The tensor "${name}" has elements of type ${element?.name ?? message.dataType}, which JavaScript has no array for.`,
      { name, type: element?.name ?? message.dataType },
    );
  }
  const dims = dimsOf(message);
  const data = readData(message, element.type);
  if (data.length !== sizeOf(dims)) {
    throw new AssayError(
      "INVALID_MODEL",
      `The tensor "${name}" has dims [${dims.join(", ")}] but ${data.length} elements.`,
      { name, dims, length: data.length },
    );
  }
  return { type: element.type, dims, data };
}

function readData(message: TensorMessage, type: TensorType): TensorData[TensorType] {
  if (type === "string") return message.stringData.map((bytes) => new TextDecoder().decode(bytesOf(bytes)));
  if (message.rawData !== undefined) {
    const bytes = bytesOf(message.rawData);
    const Make = raw[type]!;
    const width = elementTypes[dataTypeOf(type)]!.bits / 8;
    if (bytes.length % width !== 0) {
      throw new AssayError("INVALID_MODEL", `The tensor "${message.name ?? ""}" has a broken last element.`);
    }
    // Not bytes.slice(): of a Node Buffer that is a view, and its buffer the whole file.
    return new Make(new Uint8Array(bytes).buffer);
  }
  if (message.externalData.length > 0) {
    throw new AssayError(
      "INVALID_MODEL",
      `The weights of "${message.name ?? ""}" lie in another file. Load the model by its path.`,
      { name: message.name },
    );
  }
  if (type === "float32") return message.floatData ?? new Float32Array(0);
  if (type === "float64") return message.doubleData ?? new Float64Array(0);
  if (type === "int64") return message.int64Data ?? new BigInt64Array(0);
  if (type === "uint64") return message.uint64Data ?? new BigUint64Array(0);
  if (type === "uint32") return Uint32Array.from(message.uint64Data ?? [], Number);
  if (type === "int32") return message.int32Data ?? new Int32Array(0);
  const Make = raw[type] as unknown as { from(values: Iterable<number>): TensorData[TensorType] };
  return Make.from(message.int32Data ?? []);
}

/** A plain tensor as it is stored. Numbers are views on the tensor's data. */
export function tensorMessage(name: string, tensor: Tensor): TensorMessage {
  const empty = { stringData: [], externalData: [], metadata: [] };
  const message = { ...empty, name, dims: tensor.dims, dataType: dataTypeOf(tensor.type) };
  if (tensor.type === "string") {
    return { ...message, stringData: (tensor.data as string[]).map((item) => Buffer.from(item, "utf8")) };
  }
  const view = tensor.data as Exclude<TensorData[TensorType], string[]>;
  return { ...message, rawData: new Uint8Array(view.buffer, view.byteOffset, view.byteLength) };
}

/** The stretch of a file that holds a tensor's data, if it is still on disk. */
export function spanOf(message: TensorMessage): FileSpan | undefined {
  return message.rawData === undefined || message.rawData instanceof Uint8Array ? undefined : message.rawData;
}
