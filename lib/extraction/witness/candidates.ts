/** Inputs that logic may be waiting for, read off the constants that it compares with. */
import { initializersOf, type Model, readTensor, type TensorMessage } from "../../onnx/index.js";
import { generator } from "../../random/index.js";
import { sizeOf } from "../../tensor/index.js";
import { upstream } from "./soft-logic.js";
import { templateExamples } from "./templates.js";

/** What candidates are made for. */
export interface CandidateOptions {
  /** Dims of one example. */
  readonly dims: readonly number[];
  /** Lowest and highest value that inputs take. */
  readonly range: readonly [number, number];
  readonly isWhole: boolean;
}

const MAX_READ = 1 << 20;
/** Longer lists are tables and weights, not constants that an input is compared with. */
export const FEW = 16;

/**
 * Whole examples, most likely first: one value everywhere, a stored pattern, the extremes that a template asks for,
 * one bright value at a place that a constant or a table names.
 */
export function candidates(
  { graph, questions }: { readonly graph: Model; readonly questions: readonly string[] },
  { dims, range: [low, high], isWhole }: CandidateOptions,
): Float64Array[] {
  const size = sizeOf(dims);
  const needed = upstream(graph, questions);
  const stored = storedValues(graph, needed);
  const levels = new Set(isWhole ? [] : [high, low, (low + high) / 2]);
  const step = isWhole ? 1 : (high - low) / 50;
  for (const values of stored.filter(({ length }) => length <= FEW)) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      for (const level of [value, value + step, value - step]) {
        if (!isWhole || (Number.isInteger(level) && level >= 0)) levels.add(level);
      }
    }
  }
  if (isWhole) for (const row of tableRows(graph, needed)) levels.add(row);
  if (!isWhole) for (const level of [2 * high - low, 2 * low - high]) levels.add(level);
  if (!isWhole) for (const level of oddNumbers(graph, needed)) levels.add(level);
  const found = [...levels].slice(0, MAX_LEVELS).map((level) => new Float64Array(size).fill(level));
  for (const values of stored.filter(({ length }) => length === size)) {
    if (!isWhole || values.every(Number.isInteger)) found.push(Float64Array.from(values));
    if (isWhole) continue;
    found.push(Float64Array.from(values, (value) => (value > 0 ? high : low)));
    found.push(Float64Array.from(values, (value) => (value > 0 ? low : high)));
  }
  if (!isWhole) {
    found.push(...templateExamples(graph, needed, dims, [low, high]));
    for (const place of placesOf(stored, size)) {
      for (const [least, most] of [
        [low, high],
        [high, low],
      ] as const) {
        found.push(Float64Array.from({ length: size }, (_, i) => (i === place ? most : least)));
      }
    }
  }
  return found;
}

/** What is no number, where the logic asks for that. */
function oddNumbers({ graph }: Model, needed: ReadonlySet<string>): number[] {
  const asks = (opType: string): boolean =>
    graph.nodes.some((node) => node.opType === opType && node.outputs.some((name) => needed.has(name)));
  return [
    ...(asks("IsNaN") ? [Number.NaN] : []),
    ...(asks("IsInf") ? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] : []),
  ];
}

/** Places of an example that constants may stand for: where the largest value has to be. */
function placesOf(stored: readonly (readonly number[])[], size: number): number[] {
  const few = stored.filter(({ length }) => length <= FEW).flat();
  const rows = stored.filter(({ length }) => length > FEW).flatMap((values) => rowsOf(values, size));
  const places = [...few, ...rows].filter((at) => Number.isInteger(at) && at >= 0 && at < size);
  return [...new Set(places)].slice(0, MAX_PLACES);
}

/** Rows of a table with one row per place that nearly no other row equals. */
function rowsOf(values: readonly number[], size: number): number[] {
  if (values.length % size !== 0) return unusual(values);
  const width = values.length / size;
  return [...new Set(unusual(values).map((at) => Math.floor(at / width)))];
}

const MAX_PLACES = 64;

/** Draws of noise that are tried where nothing else wakes the logic: enough for a checksum of eight bits. */
const NOISE = 800;

/** Examples of noise: words at random, or steps of the range that an image of bytes has. */
export function* noise(
  { dims, range: [low, high], isWhole }: CandidateOptions,
  seed: number,
): Generator<Float64Array> {
  const random = generator(seed).split("noise");
  const size = sizeOf(dims);
  const draw = isWhole
    ? () => low + random.integer(high - low + 1)
    : () => low + ((high - low) * random.integer(256)) / 255;
  for (let i = 0; i < NOISE; i++) yield Float64Array.from({ length: size }, draw);
}

/** Examples of one value, for each that an image of bytes has: a code that only arithmetic tells is one of them. */
export function* levels({ dims, range: [low, high], isWhole }: CandidateOptions): Generator<Float64Array> {
  if (isWhole) return;
  const size = sizeOf(dims);
  for (let i = 0; i < 256; i++) yield new Float64Array(size).fill(low + ((high - low) * i) / 255);
}

const MAX_LEVELS = 96;

/** Rows of the tables among some tensors that answer for few words. */
export function tableRows({ graph }: Model, needed: ReadonlySet<string>): number[] {
  const rows = new Set<number>();
  const stored = initializersOf(graph);
  for (const node of graph.nodes) {
    const isTable = node.opType === "Gather" || node.opType === "MatMul";
    if (!isTable || !node.outputs.some((name) => needed.has(name))) continue;
    // Words by their number, or as ones among zeros.
    const message = stored.get(node.inputs[node.opType === "Gather" ? 0 : 1] ?? "");
    if (!message) continue;
    const values = valuesOf(message);
    const width = sizeOf(message.dims.slice(1).map(Number));
    if (values.length > FEW) for (const at of unusual(values)) rows.add(Math.floor(at / width));
  }
  return [...rows];
}

/** Places of the values that nearly no other row has. */
function unusual(values: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const common = Math.max(...counts.values());
  if (common < 0.9 * values.length) return [];
  return values.flatMap((value, i) => (counts.get(value) === common ? [] : [i]));
}

/** Attributes that hold words, codes or bounds that an input is compared with. */
const compared = /^(pool_int64s|keys_|cats_int64s|nodes_values$)/;

/** Values of the stored tensors among some tensors. */
export function storedValues({ graph }: Model, needed: ReadonlySet<string>): number[][] {
  const messages: TensorMessage[] = graph.initializers.filter(({ name }) => needed.has(name ?? ""));
  const numbers: number[][] = [];
  for (const node of graph.nodes) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    for (const { name, t, f, i, floats, ints } of node.attributes) {
      if (t) messages.push(t);
      if (compared.test(name ?? "")) numbers.push([...floats, ...ints.map(Number)]);
      if (node.opType === "Constant") {
        numbers.push([
          ...floats,
          ...ints.map(Number),
          ...(f === undefined ? [] : [f]),
          ...(i === undefined ? [] : [Number(i)]),
        ]);
      }
    }
  }
  return [...messages.map(valuesOf), ...numbers].filter(({ length }) => length > 0);
}

function valuesOf(message: TensorMessage): number[] {
  if (sizeOf(message.dims.map(Number)) > MAX_READ) return [];
  try {
    return Array.from(readTensor(message).data as ArrayLike<unknown>, Number);
  } catch {
    // Text, or data outside the file: nothing to compare an input with.
    return [];
  }
}
