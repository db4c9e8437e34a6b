/** Follows the batch through a graph of fixed sizes: which dim of each tensor the examples lie along. */
import { intAttribute, intsAttribute } from "./attributes.js";
import { fedInputs, initializersOf, sortNodes } from "./graph.js";
import type { Model, Node, TensorMessage } from "./schema.js";
import type { InnerValue } from "./shapes.js";
import { readTensor } from "./tensors.js";

/** Where the examples of a batch lie: along a dim, each with so many entries of it that follow one another. */
export interface BatchPlace {
  readonly axis: number;
  readonly inner: number;
}

/** What is needed to follow a batch of `batch` examples. */
interface Followed {
  readonly batch: number;
  readonly dims: (name: string) => readonly number[] | undefined;
  readonly stored: ReadonlyMap<string, TensorMessage>;
  readonly places: Map<string, BatchPlace>;
}

/**
 * The place of the batch in every tensor that depends on the inputs, as far as it can be followed.
 *
 * Where a dim of one could be the batch as well as its neighbour, the outermost is taken.
 *
 * @param model Of version 21 or newer, whose inputs begin with the batch.
 */
export function batchPlaces(
  model: Model,
  values: ReadonlyMap<string, InnerValue>,
  batch: number,
): ReadonlyMap<string, BatchPlace> {
  const dims = (name: string): readonly number[] | undefined => {
    const own = values.get(name);
    const sizes = own?.ranked ? own.dims : undefined;
    return sizes?.every((dim): dim is number => typeof dim === "number") ? sizes : undefined;
  };
  const places = new Map<string, BatchPlace>(
    fedInputs(model.graph).map(({ name }) => [name, { axis: 0, inner: 1 }]),
  );
  const followed: Followed = { batch, dims, stored: initializersOf(model.graph), places };
  for (const node of sortNodes(model.graph.nodes)) {
    if (!node.inputs.some((name) => places.has(name)) || noBatch.has(node.opType)) continue;
    for (const output of node.outputs) {
      const place = output === "" ? undefined : placeIn(followed, node, output);
      if (place) places.set(output, place);
    }
  }
  return places;
}

/** What they give has no examples: sizes. */
const noBatch = new Set(["Shape", "Size"]);

function placeIn(followed: Followed, node: Node, output: string): BatchPlace | undefined {
  const { places, dims, batch } = followed;
  const from = node.inputs.find((name) => places.has(name))!;
  const place = places.get(from)!;
  const [before, after] = [dims(from), dims(output)];
  if (!before || !after) return undefined;
  switch (node.opType) {
    case "Reshape":
    case "Flatten":
      return reshaped(place, before, after, batch);
    case "Transpose": {
      const order = intsAttribute(node, "perm") ?? before.map((_, i) => before.length - 1 - i);
      return { ...place, axis: order.indexOf(place.axis) };
    }
    case "Squeeze":
    case "Unsqueeze":
      return squeezed(followed, node, place, before, after);
    case "Gather": {
      const at = positive(intAttribute(node, "axis", 0), before.length);
      if (from !== node.inputs[0] || at === place.axis) return undefined;
      return { ...place, axis: at < place.axis ? place.axis + after.length - before.length : place.axis };
    }
    case "MatMul":
      return multiplied(place, before.length, after.length, from === node.inputs[0]);
    default:
  }
  if (node.opType.startsWith("Reduce") || node.opType.startsWith("Arg")) {
    if (after.length === before.length) return place;
    const axes = axesOf(followed, node, before.length);
    return axes && { ...place, axis: place.axis - axes.filter((axis) => axis < place.axis).length };
  }
  if (recurrent.has(node.opType)) return { ...place, axis: node.outputs.indexOf(output) === 0 ? 2 : 1 };
  if (before.length === after.length) return place;
  // Broadcasting sets dims in front.
  return after.length > before.length && isBroadcasting(node)
    ? { ...place, axis: place.axis + after.length - before.length }
    : undefined;
}

const recurrent = new Set(["LSTM", "GRU", "RNN"]);
const broadcasting = new Set(["Add", "Sub", "Mul", "Div", "Pow", "Where", "Min", "Max", "Expand", "PRelu"]);
const isBroadcasting = ({ opType }: Node): boolean => broadcasting.has(opType);

const sizeFrom = (dims: readonly number[], start: number): number =>
  dims.slice(start).reduce((product, dim) => product * dim, 1);

/** In the new dims the examples follow one another at the same distance. */
function reshaped(
  { axis, inner }: BatchPlace,
  before: readonly number[],
  after: readonly number[],
  batch: number,
): BatchPlace | undefined {
  const stride = inner * sizeFrom(before, axis + 1);
  const fits = after.flatMap((size, at) => {
    const step = sizeFrom(after, at + 1);
    const own = stride / step;
    return Number.isInteger(own) && size % (batch * own) === 0
      ? [{ axis: at, inner: own, isWhole: size === batch * own }]
      : [];
  });
  // Better a dim of the batch alone, or with what follows it, than one that has other things in front of it; but the last
  // dim holds what weights are multiplied with, and cannot grow.
  const outer = fits.filter((one) => one.axis < after.length - 1);
  const likely = outer.length > 0 ? outer : fits;
  const best =
    likely.find((one) => one.isWhole && one.inner === inner) ??
    likely.find(({ isWhole }) => isWhole) ??
    likely[0];
  return best && { axis: best.axis, inner: best.inner };
}

function squeezed(
  followed: Followed,
  node: Node,
  place: BatchPlace,
  before: readonly number[],
  after: readonly number[],
): BatchPlace | undefined {
  const isMore = node.opType === "Unsqueeze";
  const axes = axesOf(followed, node, isMore ? after.length : before.length);
  if (!axes) return undefined;
  if (!isMore) return { ...place, axis: place.axis - axes.filter((axis) => axis < place.axis).length };
  const kept = after.flatMap((_, at) => (axes.includes(at) ? [] : [at]));
  return { ...place, axis: kept[place.axis]! };
}

/** Rows of the first operand stay rows, columns of the second columns; what is in front moves with the dims. */
function multiplied(
  place: BatchPlace,
  before: number,
  after: number,
  isFirst: boolean,
): BatchPlace | undefined {
  const fromEnd = before - place.axis;
  if (before === 1 || (fromEnd === 1 && isFirst) || (fromEnd === 2 && !isFirst)) return undefined;
  return { ...place, axis: after - fromEnd };
}

function axesOf({ stored }: Followed, node: Node, rank: number): number[] | undefined {
  const message = stored.get(node.inputs[1] ?? "");
  if (message === undefined) return undefined;
  return Array.from(readTensor(message).data as BigInt64Array, (axis) => positive(Number(axis), rank));
}

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
