/** Conversions between tensor element types: the only place where Assay changes a number's type. */
import { AssayError } from "../errors.js";
import type { Tensor, TensorType } from "./tensor.js";

/** Bytes of one element of each numeric type. */
export const bytesPerElement: Readonly<Record<Exclude<TensorType, "string">, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  bool: 1,
};

/** Constructor of the array that holds each numeric type. */
export const arrayOfType = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

/**
 * The elements of any numeric tensor as doubles; booleans become 0 and 1.
 *
 * A float64 tensor's own array is returned, not a copy.
 *
 * @throws AssayError TYPE_MISMATCH for strings, NOT_FINITE for 64-bit integers beyond 2^53.
 */
export function toFloat64(tensor: Tensor): Float64Array {
  if (tensor.data instanceof Float64Array) return tensor.data;
  return convert(tensor, new Float64Array(tensor.data.length));
}

/**
 * The elements of any numeric tensor as single precision, rounded to nearest.
 *
 * A float32 tensor's own array is returned, not a copy.
 *
 * @throws AssayError TYPE_MISMATCH for strings, NOT_FINITE for 64-bit integers beyond 2^53.
 */
export function toFloat32(tensor: Tensor): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data;
  return convert(tensor, new Float32Array(tensor.data.length));
}

function convert<A extends Float64Array | Float32Array>(tensor: Tensor, into: A): A {
  const { type, data } = tensor;
  if (type === "string" || Array.isArray(data)) {
    throw new AssayError(
      "TYPE_MISMATCH",
      "expected a numeric tensor, got strings. Encode categories as integers first.",
      { type },
    );
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < into.length; i++) into[i] = safeNumber(data[i]!);
  } else if (type === "float16") {
    for (let i = 0; i < into.length; i++) into[i] = float16ToNumber(data[i]! as number);
  } else {
    into.set(data);
  }
  return into;
}

function safeNumber(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new AssayError("NOT_FINITE", `the integer ${value} does not fit a double exactly (beyond 2^53).`, {
    value: String(value),
  });
}

/** The value of an IEEE 754 half, given by its 16 bits. */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The 16 bits of the half nearest to `value`, ties to even; beyond 65,520 it is infinite. */
export function numberToFloat16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // Below 2^-14 halves are multiples of 2^-24; above, of 2^(exponent - 10).
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const unit = 2 ** (exponent - 10);
  const steps = roundHalfEven(size / unit);
  return sign | (size < 2 ** -14 ? steps : (exponent + 14) * 1024 + steps);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
