/** Tensors and typed arrays: shape, type, range, what is not finite, the first and last values. */
import { toFloat64 } from "../../../lib/tensor/dtype.js";
import { sizeOf, type Tensor, type TensorType } from "../../../lib/tensor/tensor.js";
import type { Display } from "../../protocol/mime.js";
import { formatDims, formatInteger, formatNumber, formatPercent, plainLine, plural } from "../format.js";
import { html } from "../html.js";
import { tableHtml } from "../table.js";

const types: ReadonlySet<string> = new Set<TensorType>([
  "float32",
  "float64",
  "float16",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "bool",
  "string",
]);

/** Longest side of a matrix whose values are all shown. */
const largestShownSide = 12;

/** Whether a value is a tensor of ours or of onnxruntime: `{ type, dims, data }` that agree. */
export function isTensor(value: unknown): value is Tensor {
  if (typeof value !== "object" || value === null) return false;
  const { type, dims, data } = value as Record<string, unknown>;
  return (
    typeof type === "string" &&
    types.has(type) &&
    Array.isArray(dims) &&
    dims.every((dim) => Number.isInteger(dim) && dim >= 0) &&
    (Array.isArray(data) || ArrayBuffer.isView(data)) &&
    (data as ArrayLike<unknown>).length === sizeOf(dims)
  );
}

/** A tensor as a summary; small matrices with all their values. */
export function renderTensor(tensor: Tensor): Display {
  const head = `Tensor ${tensor.type} ${formatDims(tensor.dims)}, ${plural(tensor.data.length, "value")}`;
  if (tensor.type === "string") return summary(head, [], tensor.data as readonly string[], tensor.dims);
  const values = toFloat64(tensor);
  return summary(head, factsOf(values), values, tensor.dims);
}

/** A typed array as a summary. */
export function renderTypedArray(array: ArrayLike<number | bigint>, name: string): Display {
  const values = Float64Array.from(array as ArrayLike<number>, Number);
  return summary(`${name}, ${plural(array.length, "value")}`, factsOf(values), values, [array.length]);
}

interface Fact {
  readonly name: string;
  readonly value: string;
}

/** Range, mean, standard deviation (of the population), zeros and what is not finite, in two passes. */
function factsOf(values: Float64Array): Fact[] {
  let [low, high, sum, zeros, nans, infinities] = [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    0,
    0,
    0,
    0,
  ];
  for (const value of values) {
    if (Number.isNaN(value)) nans++;
    else if (!Number.isFinite(value)) infinities++;
    else {
      if (value < low) low = value;
      if (value > high) high = value;
      if (value === 0) zeros++;
      sum += value;
    }
  }
  const finite = values.length - nans - infinities;
  const facts: Fact[] = [];
  if (finite > 0) {
    const mean = sum / finite;
    let squares = 0;
    for (const value of values) if (Number.isFinite(value)) squares += (value - mean) ** 2;
    facts.push(
      { name: "min", value: formatNumber(low) },
      { name: "mean", value: formatNumber(mean) },
      { name: "max", value: formatNumber(high) },
      { name: "std", value: formatNumber(Math.sqrt(squares / finite)) },
      { name: "zeros", value: formatPercent(zeros / values.length) },
    );
  }
  return [
    ...facts,
    { name: "NaN", value: formatInteger(nans) },
    { name: "infinite", value: formatInteger(infinities) },
  ];
}

function summary(
  head: string,
  facts: readonly Fact[],
  values: ArrayLike<number | string>,
  dims: readonly number[],
): Display {
  const [rows = 0, columns = 0] = dims;
  const isSmallMatrix = dims.length === 2 && values.length > 0 && Math.max(rows, columns) <= largestShownSide;
  const matrix = Array.from({ length: isSmallMatrix ? rows : 0 }, (_, i) =>
    Array.from({ length: columns }, (_, j) => show(values[i * columns + j]!)),
  );
  const excerpt = excerptOf(values);
  const body = isSmallMatrix ? matrix.map((row) => `[${row.join(", ")}]`).join("\n") : `values: ${excerpt}`;
  const factLine = facts.map(({ name, value }) => `${name} ${value}`).join(" · ");
  const markup = html`<div><p><strong>${head}</strong></p>
${
  facts.length > 0 &&
  tableHtml({
    columns: facts.map(({ name }) => name),
    rows: [facts.map(({ value }) => value)],
    isNumeric: true,
  })
}
${
  isSmallMatrix
    ? tableHtml({
        columns: ["", ...Array.from({ length: columns }, (_, j) => String(j))],
        rows: matrix.map((row, i) => [String(i), ...row]),
        rowHeadings: true,
        isNumeric: true,
      })
    : html`<p>values: ${excerpt}</p>`
}</div>`;
  return {
    data: {
      "text/html": markup.toString(),
      "text/plain": [head, ...(factLine ? [factLine] : []), body].join("\n"),
    },
    metadata: {},
  };
}

const show = (value: number | string): string =>
  typeof value === "string" ? plainLine(JSON.stringify(value), 60) : formatNumber(value);

/** The first six and last three values. */
function excerptOf(values: ArrayLike<number | string>): string {
  const shown = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, i) => show(values[from + i]!));
  const { length } = values;
  if (length === 0) return "none";
  if (length <= 10) return shown(0, length).join(", ");
  return [...shown(0, 6), "…", ...shown(length - 3, length)].join(", ");
}
