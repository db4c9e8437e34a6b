/** Tensors seen as a table: one example per row. */
import { AssayError } from "../errors.js";
import { toFloat64 } from "./dtype.js";
import type { Tensor } from "./tensor.js";

/** A table of `n` examples with `d` features each, row after row. */
export interface Rows {
  readonly n: number;
  readonly d: number;
  readonly data: Float32Array | Float64Array;
}

/** Labels as they come: a tensor, a typed array or a plain array of integers, bigints or booleans. */
export type Labels = Tensor | ArrayLike<number | bigint | boolean>;

/**
 * A tensor as a table: the first axis counts examples, all others are flattened into features.
 *
 * `[n, channels, height, width]` becomes n rows of channels * height * width features, and `[n]` becomes n
 * rows of one feature. Single and double precision are viewed without a copy.
 *
 * @param who Name of the calling function, for messages.
 * @throws AssayError SHAPE_MISMATCH for a scalar or an empty tensor, NOT_FINITE naming the first NaN or infinity.
 */
export function rows(value: Tensor, who: string): Rows {
  if (!value || !Array.isArray(value.dims) || value.data === undefined) {
    throw new AssayError("TYPE_MISMATCH", `${who}: expected a tensor { type, dims, data }.`, {});
  }
  const { dims } = value;
  const n = dims[0] ?? 0;
  const d = dims.slice(1).reduce((product, dim) => product * dim, 1);
  if (n === 0 || d === 0) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `${who}: expected a tensor [n, ...] with at least one example and one feature, got [${dims.join(", ")}].`,
      { dims },
    );
  }
  if (value.data.length !== n * d) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `${who}: dims [${dims.join(", ")}] describe ${n * d} elements, but data has ${value.data.length}.`,
      { dims, length: value.data.length },
    );
  }
  const data = value.data instanceof Float32Array ? value.data : toFloat64(value);
  const i = firstNotFinite(data);
  if (i >= 0) {
    const example = Math.floor(i / d);
    throw new AssayError(
      "NOT_FINITE",
      `${who}: example ${example}, feature ${i % d} is ${data[i]}. Remove or repair such examples first.`,
      { example, feature: i % d },
    );
  }
  return { n, d, data };
}

/** Index of the first NaN or infinity, or -1. */
function firstNotFinite(data: Float32Array | Float64Array): number {
  // A product with 0 is 0, or NaN where the number is not finite. Four sums at a time, so that none waits for
  // the one before: a third of the time of asking each number.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = data.length - (data.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += data[i]! * 0;
    b += data[i + 1]! * 0;
    c += data[i + 2]! * 0;
    d += data[i + 3]! * 0;
  }
  for (let i = whole; i < data.length; i++) a += data[i]! * 0;
  return a + b + c + d === 0 ? -1 : data.findIndex((value) => !Number.isFinite(value));
}

/**
 * Labels as numbers, one per example.
 *
 * @param n Number of labels that there must be.
 * @throws AssayError SHAPE_MISMATCH for another number of labels, TYPE_MISMATCH for anything but integers.
 */
export function integerLabels(labels: Labels, n: number, who: string): Int32Array {
  const values = labelValues(labels, who);
  if (values.length !== n) {
    throw new AssayError("SHAPE_MISMATCH", `${who}: ${n} examples need ${n} labels, got ${values.length}.`, {
      n,
      labels: values.length,
    });
  }
  const result = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const value: unknown = values[i];
    const number = typeof value === "string" ? Number.NaN : Number(value);
    if (!Number.isInteger(number) || number !== number << 0) {
      throw new AssayError(
        "TYPE_MISMATCH",
        `${who}: label ${i} is ${typeof value === "string" ? `the text "${value}"` : String(value)}, expected an integer. Number the classes first.`,
        { index: i, value: String(value) },
      );
    }
    result[i] = number;
  }
  return result;
}

/**
 * The values of labels, whatever holds them.
 *
 * @throws AssayError TYPE_MISMATCH for anything but a tensor or something like an array.
 */
export function labelValues(labels: Labels, who: string): ArrayLike<unknown> {
  const isHolder = typeof labels === "object" && labels !== null;
  const values: unknown = isHolder && "dims" in labels ? labels.data : labels;
  if (!isHolder || typeof (values as { length?: unknown } | undefined)?.length !== "number") {
    throw new AssayError(
      "TYPE_MISMATCH",
      `${who}: expected labels as a tensor or an array of integers, got ${labels === undefined ? "nothing" : typeof labels}.`,
      {},
    );
  }
  return values as ArrayLike<unknown>;
}

/** The rows of a table named by `indices`, in that order. */
export function takeRows(table: Rows, indices: ArrayLike<number>): Rows {
  const { d } = table;
  const data =
    table.data instanceof Float32Array
      ? new Float32Array(indices.length * d)
      : new Float64Array(indices.length * d);
  for (let i = 0; i < indices.length; i++) {
    data.set(table.data.subarray(indices[i]! * d, (indices[i]! + 1) * d), i * d);
  }
  return { n: indices.length, d, data };
}

/** Tables of one width, one after the other; in doubles if one of them is. */
export function joinRows(parts: readonly Rows[]): Rows {
  const n = parts.reduce((sum, part) => sum + part.n, 0);
  const d = parts[0]?.d ?? 0;
  const isSingle = parts.every(({ data }) => data instanceof Float32Array);
  const data = isSingle ? new Float32Array(n * d) : new Float64Array(n * d);
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { n, d, data };
}
