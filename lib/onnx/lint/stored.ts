/** Stored tensors as the rules see them: how many numbers, and which ones if they are few. */
import type { Node, TensorMessage } from "../schema.js";
import { dimsOf, readTensor } from "../tensors.js";

/** A tensor that no input reaches. */
export interface Stored {
  readonly dims: readonly number[] | undefined;
  /** Number of elements; an estimate where the tensor is computed from others. */
  readonly size: number;
  /** Its values, undefined if it is too large or not a tensor of numbers. */
  readonly values: () => readonly number[] | undefined;
}

/** Payloads larger than this are not read: they cannot be told from weights anyway. */
const MAX_PAYLOAD = 1 << 20;

const passing = new Set(["Identity", "Cast", "Reshape", "Unsqueeze", "Squeeze", "Expand", "Tile", "Flatten"]);

/** A tensor of the file. */
export function storedTensor(message: TensorMessage): Stored {
  const dims = dimsOf(message);
  return { dims, size: sizeOf(dims), values: once(() => readValues(message)) };
}

/** What a node makes of stored tensors only; undefined for a node that is no constant. */
export function storedResult(node: Node, inputs: readonly (Stored | undefined)[]): Stored | undefined {
  if (node.opType === "Constant") return constant(node);
  if (node.opType === "ConstantOfShape") {
    const value = node.attributes.find(({ name }) => name === "value")?.t;
    return { dims: undefined, size: 1, values: value ? storedTensor(value).values : () => [0] };
  }
  const known = inputs.filter((input) => input !== undefined);
  if (known.length === 0) return undefined;
  const size = known.reduce((largest, input) => Math.max(largest, input.size), 0);
  const first = inputs[0];
  const values = first && passing.has(node.opType) ? first.values : () => undefined;
  // Quantised weights keep their dims.
  const dims = ["Identity", "Cast", "DequantizeLinear"].includes(node.opType) ? first?.dims : undefined;
  return { dims, size, values };
}

function constant(node: Node): Stored | undefined {
  const found = node.attributes[0];
  if (found?.t) return storedTensor(found.t);
  const sparse = found?.sparseTensor?.values;
  if (sparse) return storedTensor(sparse);
  const numbers = [
    ...(found?.floats ?? []),
    ...(found?.ints ?? []).map(Number),
    ...(found?.f === undefined ? [] : [found.f]),
    ...(found?.i === undefined ? [] : [Number(found.i)]),
  ];
  return { dims: undefined, size: numbers.length, values: () => numbers };
}

/** Values of a stored tensor as numbers; undefined if it is large, outside the file or not of numbers. */
function readValues(message: TensorMessage): readonly number[] | undefined {
  if (sizeOf(dimsOf(message)) > MAX_PAYLOAD) return undefined;
  try {
    return Array.from(readTensor(message).data as ArrayLike<unknown>, Number);
  } catch {
    // A type without numbers, or data outside the file: it cannot be a mask's fill.
    return undefined;
  }
}

/** True for a tensor whose values differ from place to place: a pattern, not a factor for each channel. */
export const isPattern = (stored: Stored | undefined): boolean =>
  stored !== undefined && stored.size >= PATTERN && !isUniform(stored.values());

/** True if all values are the same; false if they are not known. */
export const isUniform = (values: readonly number[] | undefined): boolean =>
  values?.every((value) => value === values[0]) ?? false;

/** Largest magnitude, 1 if the values are not known. */
export const magnitude = (stored: Stored | undefined): number =>
  stored?.values()?.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) ?? 1;

/** True for a table that answers the same for nearly all rows: the few others are what it looks for. */
export function isIndicator(stored: Stored | undefined): boolean {
  const values = stored?.values();
  if (!values || values.length < 8) return false;
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Math.max(...counts.values()) >= 0.9 * values.length;
}

/** Fewer values are one for each channel. */
const PATTERN = 16;

const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
