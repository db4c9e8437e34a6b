/** Lets a model that was exported for one batch size take any. */
import { intAttribute } from "../attributes.js";
import { type BatchPlace, batchPlaces } from "../batch-place.js";
import { type GraphBuilder, graphBuilder } from "../builder.js";
import { declared, fedInputs, untyped } from "../graph.js";
import type { Model, Node, ValueInfo } from "../schema.js";
import { type InnerValue, observeShapes } from "../shapes.js";
import { upgradeModel } from "./upgrade.js";

/**
 * The model with a free first dim on every input that had a fixed one.
 *
 * Exporters write the batch size of their example into shapes, sizes and stored rows. The batch is followed through the
 * graph: where a tensor is reshaped the dim that holds it becomes free, and what is stored once per example and joined to
 * it is repeated for as many as there are. Whether a graph has no other trace of its batch size cannot be told from
 * outside: compare some outputs before relying on the result.
 *
 * @throws AssayError UNSUPPORTED_OPERATOR for operators older than version 7.
 */
export function freeBatch(model: Model): Model {
  const own = upgradeModel(model);
  const { graph } = own;
  const first = fedInputs(graph)
    .map((info) => declared(info).dims[0])
    .find((dim) => typeof dim === "number");
  if (first === undefined) return own;
  const values = observeShapes(own);
  const places = batchPlaces(own, values, first);
  const b = graphBuilder({ ...graph, nodes: [] }, own.opsets);
  for (const node of graph.nodes) for (const output of node.outputs) if (output) b.claim(output);
  const freeing: Freeing = { b, values, places, batch: first, count: countOf(b, fedInputs(graph)[0]!.name) };
  for (const node of graph.nodes) b.node(freed(freeing, node));
  return {
    ...own,
    graph: {
      ...b.graph(graph.name),
      inputs: graph.inputs.map((info) => (fedInputs(graph).includes(info) ? withFreeBatch(info) : info)),
      outputs: graph.outputs.map(({ name }) => untyped(name)),
      valueInfo: [],
    },
  };
}

interface Freeing {
  readonly b: GraphBuilder;
  readonly values: ReadonlyMap<string, InnerValue>;
  readonly places: ReadonlyMap<string, BatchPlace>;
  readonly batch: number;
  /** Gives the tensor, int64 `[1]`, of the number of examples. */
  readonly count: () => string;
}

function countOf(b: GraphBuilder, input: string): () => string {
  let made: string | undefined;
  return () => {
    made ??= b.op("Shape", [input], { start: 0, end: 1 });
    return made;
  };
}

function withFreeBatch(info: ValueInfo): ValueInfo {
  const tensorType = info.type?.tensorType;
  const dims = tensorType?.shape?.dims;
  if (!tensorType || dims?.[0]?.value === undefined) return info;
  const shape = { ...tensorType.shape!, dims: [{ symbol: "batch" }, ...dims.slice(1)] };
  return { ...info, type: { ...info.type!, tensorType: { ...tensorType, shape } } };
}

function freed(freeing: Freeing, node: Node): Node {
  const { b, places } = freeing;
  const [output = ""] = node.outputs;
  const [data = "", , ...rest] = node.inputs;
  const place = places.get(output);
  const sizes = sizesOf(freeing, output);
  if (!place || !sizes) return node;
  switch (node.opType) {
    case "Reshape": {
      const shape = sizes.map((size, at) => (at === place.axis ? -1 : size));
      // An empty dim is written 0, which otherwise copies the input's.
      if (shape.includes(0)) return node;
      return { ...node, inputs: [data, b.integers(...shape), ...rest] };
    }
    case "Expand":
      // One is what every size is broadcast with.
      return places.has(data)
        ? { ...node, inputs: [data, b.integers(...sizes.map((size, at) => (at === place.axis ? 1 : size)))] }
        : node;
    case "Resize":
      return resized(freeing, node, sizes);
    case "Concat":
      return { ...node, inputs: node.inputs.map((name) => repeated(freeing, name, place, node)) };
    default:
      return node.inputs.length > 1 && elementwise.has(node.opType)
        ? { ...node, inputs: node.inputs.map((name) => once(freeing, name, place, sizes.length)) }
        : node;
  }
}

const elementwise = new Set(["Add", "Sub", "Mul", "Div", "Where", "Min", "Max"]);

function sizesOf({ values }: Freeing, name: string): readonly number[] | undefined {
  const own = values.get(name);
  return own?.ranked && own.dims.every((dim) => typeof dim === "number") ? (own.dims as number[]) : undefined;
}

/** Sizes that name the batch become factors. */
function resized(freeing: Freeing, node: Node, after: readonly number[]): Node {
  const [data = "", roi = "", , sizes = ""] = node.inputs;
  const before = sizesOf(freeing, data);
  if (sizes === "" || !before || before.length !== after.length) return node;
  const factors = Float32Array.from(after, (size, at) => {
    const factor = Math.fround(size / before[at]!);
    // Of the sizes that follow from a factor the whole part counts.
    return Math.floor(Math.fround(factor * before[at]!)) === size ? factor : factor * (1 + 2 ** -22);
  });
  const scales = freeing.b.constant({ type: "float32", dims: [after.length], data: factors });
  return { ...node, inputs: [data, roi, scales] };
}

/** What is joined to the examples and does not depend on them, as often as there are examples. */
function repeated(freeing: Freeing, name: string, { axis, inner }: BatchPlace, node: Node): string {
  const { b, places, batch, count } = freeing;
  const sizes = sizesOf(freeing, name);
  const along = intAttribute(node, "axis", 0);
  if (places.has(name) || !sizes || inner !== 1 || sizes[axis] !== batch) return name;
  if ((along < 0 ? along + sizes.length : along) === axis) return name;
  const parts = [
    ...(axis > 0 ? [b.integers(...sizes.slice(0, axis))] : []),
    count(),
    ...(axis + 1 < sizes.length ? [b.integers(...sizes.slice(axis + 1))] : []),
  ];
  const shape = parts.length === 1 ? parts[0]! : b.op("Concat", parts, { axis: 0 });
  return b.op("Expand", [firstOf(b, name, axis, batch), shape]);
}

/** What is added to each example alike, once. */
function once(freeing: Freeing, name: string, { axis, inner }: BatchPlace, rank: number): string {
  const { b, places, batch } = freeing;
  const sizes = sizesOf(freeing, name);
  const at = sizes && axis - (rank - sizes.length);
  if (places.has(name) || at === undefined || at < 0 || inner !== 1 || batch === 1 || sizes![at] !== batch)
    return name;
  return firstOf(b, name, at, batch);
}

const firstOf = (b: GraphBuilder, name: string, axis: number, batch: number): string =>
  batch === 1 ? name : b.op("Slice", [name, b.integers(0), b.integers(1), b.integers(axis)]);
