/** Stored whole numbers of quantized models, as the floats that they stand for. */
import { type Tensor, toFloat64 } from "../../tensor/index.js";
import type { TensorMessage } from "../schema.js";
import { readTensor } from "../tensors.js";

/** Initializers by name. */
export type StoredTensors = ReadonlyMap<string, TensorMessage>;

/** Lowest and highest number of each type that values are quantized to. */
const limits: Readonly<Record<string, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
};

const read = (stored: StoredTensors, name: string | undefined): Tensor | undefined => {
  const message = stored.get(name ?? "");
  return message && readTensor(message);
};

/**
 * Lowest and highest value that a type can hold at a scale and a zero; undefined unless both are stored single numbers.
 * Without a zero the type is uint8.
 */
export function levelRange(
  stored: StoredTensors,
  scale: string,
  zero: string | undefined,
): readonly [number, number] | undefined {
  const by = read(stored, scale);
  const from = read(stored, zero);
  const range = limits[from?.type ?? "uint8"];
  if (by?.data.length !== 1 || (zero && from?.data.length !== 1) || !range) return undefined;
  const [unit, none] = [Number(by.data[0]), Number(from?.data[0] ?? 0)];
  return [(range[0] - none) * unit, (range[1] - none) * unit];
}

/**
 * Stored whole numbers less their zero, times their scale, as float32; undefined unless all three are stored.
 *
 * @param axis Along which scale and zero may differ; ignored where they are single numbers.
 */
export function dequantized(
  stored: StoredTensors,
  [name, scale, zero]: readonly [string, string, string | undefined],
  axis: number,
): Tensor<"float32"> | undefined {
  const by = read(stored, scale);
  const numbers = integers(stored, name, zero, axis);
  if (by === undefined || numbers === undefined) return undefined;
  const at = along(numbers.dims, axis, by.data.length);
  const unit = toFloat64(by);
  return at && { ...numbers, data: numbers.data.map((value, i) => value * unit[at(i)]!) };
}

/** Stored whole numbers less their zero, as float32; undefined unless they are stored. */
export function integers(
  stored: StoredTensors,
  name: string,
  zero: string | undefined,
  axis: number,
): Tensor<"float32"> | undefined {
  const numbers = read(stored, name);
  const from = read(stored, zero);
  if (numbers === undefined || numbers.type === "string" || (zero && from === undefined)) return undefined;
  const none = from ? toFloat64(from) : Float64Array.of(0);
  const at = along(numbers.dims, axis, none.length);
  if (at === undefined) return undefined;
  const values = toFloat64(numbers);
  return {
    type: "float32",
    dims: numbers.dims,
    data: Float32Array.from(values, (value, i) => value - none[at(i)]!),
  };
}

/** Which of `count` numbers along an axis goes with a flat index; undefined if they do not fit the dims. */
function along(
  dims: readonly number[],
  axis: number,
  count: number,
): ((index: number) => number) | undefined {
  if (count === 1) return () => 0;
  const own = axis < 0 ? dims.length + axis : axis;
  if (dims[own] !== count) return undefined;
  const stride = dims.slice(own + 1).reduce((product, dim) => product * dim, 1);
  return (index) => Math.floor(index / stride) % count;
}
