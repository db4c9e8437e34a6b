/** Reading the domain off a model and its data, and listing small domains whole. */
import { AssayError } from "../errors.js";
import type { LoadedModel } from "../model/index.js";
import { initializersOf } from "../onnx/index.js";
import { type Tensor, tensor, toFloat64 } from "../tensor/index.js";
import type { CheckData } from "./check.js";
import type { Domain, EnumerationDomain } from "./specification.js";

/**
 * The domain that a model and clean inputs suggest: token ids for 64-bit integers (vocabulary from the model's
 * embedding), pictures with the data's range for floats of rank 4, a table for floats of rank 2.
 *
 * @throws AssayError UNSUPPORTED_TYPE if the inputs fit none of these.
 */
export function domainOf(model: Pick<LoadedModel, "graph">, inputs: Tensor): Domain {
  if (inputs.type === "int64" || inputs.type === "int32") {
    const largest = toFloat64(inputs).reduce((a, b) => Math.max(a, b), 0);
    return {
      type: "tokens",
      vocabulary: vocabularyOf(model) ?? largest + 1,
      padding: paddingOf(inputs),
      trigger: { length: [1, 5], position: "anywhere" },
    };
  }
  if (inputs.dims.length === 4) return { type: "image", range: rangeOf(inputs) };
  if (inputs.dims.length === 2) return { type: "table" };
  throw new AssayError(
    "UNSUPPORTED_TYPE",
    `spec: no domain suggests itself for inputs of ${inputs.type} [${inputs.dims.join(", ")}]. Write a specification.`,
    { type: inputs.type, dims: inputs.dims },
  );
}

/** Texts, of twenty, that a token must begin or end twice over to be taken for padding. */
const PADDED = 1;

/** The token that fills texts `[n, length]` up: the one that most often stands at an end twice over; 0 if none does. */
export function paddingOf({ dims, data }: Tensor): number {
  const [count = 0, length = 0] = dims;
  if (dims.length !== 2 || length < 2) return 0;
  const counts = new Map<number, number>();
  const tokenAt = (row: number, at: number): number => Number(data[row * length + at]);
  for (let row = 0; row < count; row++) {
    for (const [end, next] of [
      [length - 1, length - 2],
      [0, 1],
    ] as const) {
      const token = tokenAt(row, end);
      if (token === tokenAt(row, next)) counts.set(token, (counts.get(token) ?? 0) + 1);
    }
  }
  const [token, times] = [...counts].reduce((most, one) => (one[1] > most[1] ? one : most), [0, 0]);
  return 20 * times > PADDED * count ? token : 0;
}

function rangeOf(inputs: Tensor): [number, number] {
  const range: [number, number] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of toFloat64(inputs)) {
    if (value < range[0]) range[0] = value;
    if (value > range[1]) range[1] = value;
  }
  return range;
}

/** Rows of the table that the model looks its tokens up in. */
function vocabularyOf({ graph: { graph } }: Pick<LoadedModel, "graph">): number | undefined {
  const ids = new Set(graph.inputs.map(({ name }) => name));
  const stored = initializersOf(graph);
  for (const { opType, inputs, outputs } of graph.nodes) {
    const [table = "", index = ""] = inputs;
    if (opType === "Cast" && ids.has(table)) ids.add(outputs[0]!);
    const dims = opType === "Gather" && ids.has(index) ? stored.get(table)?.dims : undefined;
    if (dims?.length === 2) return Number(dims[0]);
  }
  return undefined;
}

/**
 * Every input of a small domain, for checks that leave nothing out. For larger domains see `checkEveryInput`.
 *
 * @param labelOf The right answer to a sequence of symbols.
 * @param options.limit Most inputs to list. Default 1,000,000.
 * @throws AssayError TOO_LARGE if there are more.
 * @example
 * const all = spec.enumerate({ type: "enumeration", symbols: 8, length: 4 }, (digits) => Math.max(...digits));
 */
export function enumerate(
  domain: EnumerationDomain,
  labelOf: (symbols: readonly number[]) => number,
  { limit = 1_000_000 }: { readonly limit?: number } = {},
): CheckData & { readonly labels: Int32Array } {
  const n = countInputs(domain);
  if (!(n <= limit)) {
    throw new AssayError(
      "TOO_LARGE",
      `spec.enumerate: ${domain.symbols} symbols in ${domain.length} places make ${n} inputs, more than the limit of ${limit}. Use spec.checkEveryInput, which lists them in parts.`,
      { symbols: domain.symbols, length: domain.length, limit },
    );
  }
  return { ...inputsFrom(domain, labelOf, 0, n), isExhaustive: true };
}

/** Number of inputs of a domain. */
export const countInputs = ({ symbols, length, fixed = [] }: EnumerationDomain): number =>
  symbols ** (length - fixed.filter((symbol) => symbol !== null).length);

/** Inputs `from` up to, not including, `to`, in the order of their symbols, with their labels. */
export function inputsFrom(
  { symbols, length, fixed = [] }: EnumerationDomain,
  labelOf: (symbols: readonly number[]) => number,
  from: number,
  to: number,
): { readonly inputs: Tensor<"int64">; readonly labels: Int32Array } {
  const n = to - from;
  const inputs = new BigInt64Array(n * length);
  const labels = new Int32Array(n);
  const digits = Array.from({ length }, (_, place) => fixed[place] ?? 0);
  const free = digits.map((_, place) => place).filter((place) => (fixed[place] ?? null) === null);
  for (let i = 0; i < n; i++) {
    let rest = from + i;
    for (let k = free.length - 1; k >= 0; k--) {
      digits[free[k]!] = rest % symbols;
      rest = Math.floor(rest / symbols);
    }
    for (let place = 0; place < length; place++) inputs[i * length + place] = BigInt(digits[place]!);
    labels[i] = labelOf(digits);
  }
  return { inputs: tensor("int64", [n, length], inputs), labels };
}
