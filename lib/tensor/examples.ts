/** Examples of a batch: the first axis of a tensor counts them. */
import { AssayError } from "../errors.js";
import type { Tensor, TensorData, TensorType } from "./tensor.js";

/**
 * The examples at `rows`, in that order, as a new tensor. An example may be taken more than once.
 *
 * @throws AssayError INVALID_ARGUMENT naming the first row that does not exist.
 * @example
 * takeExamples(images, [3, 1])   // [2, ...]: the fourth and the second image
 */
export function takeExamples<T extends TensorType>(value: Tensor<T>, rows: ArrayLike<number>): Tensor<T> {
  const count = value.dims[0] ?? 0;
  const size = count === 0 ? 0 : value.data.length / count;
  const data = emptyLike(value.data, rows.length * size);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (!Number.isInteger(row) || row < 0 || row >= count) {
      throw new AssayError("INVALID_ARGUMENT", `takeExamples: there is no example ${row} among ${count}.`, {
        row,
        count,
      });
    }
    copyExample(value.data, row * size, data, i * size, size);
  }
  return { type: value.type, dims: [rows.length, ...value.dims.slice(1)], data };
}

function copyExample<D extends TensorData[TensorType]>(
  from: D,
  start: number,
  to: D,
  at: number,
  size: number,
): void {
  if (Array.isArray(from) || Array.isArray(to)) {
    for (let j = 0; j < size; j++) (to as string[])[at + j] = (from as string[])[start + j]!;
    return;
  }
  (to as Float64Array).set((from as Float64Array).subarray(start, start + size), at);
}

function emptyLike<D extends TensorData[TensorType]>(data: D, length: number): D {
  return (
    Array.isArray(data) ? new Array<string>(length) : new (data.constructor as new (n: number) => D)(length)
  ) as D;
}

/**
 * Several tensors [n, ...] of one type and one shape per example, one after the other.
 *
 * @throws AssayError SHAPE_MISMATCH if examples differ in shape or type, or there is no tensor.
 * @example
 * concatExamples([clean, triggered])   // [n + m, ...]
 */
export function concatExamples<T extends TensorType>(values: readonly Tensor<T>[]): Tensor<T> {
  const [first] = values;
  const shape = first?.dims.slice(1).join(", ");
  const odd = values.find((value) => value.type !== first?.type || value.dims.slice(1).join(", ") !== shape);
  if (!first || odd || first.dims.length === 0) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `concatExamples: expected tensors of one type and example shape, got ${values.map(({ type, dims }) => `${type} [${dims.join(", ")}]`).join(" and ") || "none"}.`,
      { dims: values.map(({ dims }) => dims) },
    );
  }
  const dims = [values.reduce((n, value) => n + value.dims[0]!, 0), ...first.dims.slice(1)];
  if (Array.isArray(first.data)) {
    return { type: first.type, dims, data: values.flatMap(({ data }) => data as string[]) as TensorData[T] };
  }
  const Type = first.data.constructor as new (length: number) => { set(part: unknown, at: number): void };
  const data = new Type(dims.reduce((product, dim) => product * dim, 1));
  let at = 0;
  for (const value of values) {
    data.set(value.data, at);
    at += value.data.length;
  }
  return { type: first.type, dims, data: data as unknown as TensorData[T] };
}
