/** Picking elements, as plain gathers. */
import { attribute, intAttribute } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import type { Decomposition } from "./decomposition.js";

/** Elements whose condition holds: a Gather at the places that are not zero. */
const compress: Decomposition = ({ node, builder: b, input }) => {
  const flat = attribute(node, "axis") === undefined;
  const x = flat ? b.op("Reshape", [input(0), b.integers(-1)]) : input(0);
  const places = b.op("Reshape", [b.op("NonZero", [input(1)]), b.integers(-1)]);
  return [b.op("Gather", [x, places], { axis: flat ? 0 : intAttribute(node, "axis", 0) })];
};

/** GatherND whose first axes are common to data and indices: the same with these axes among the indices. */
const gatherInBatches: Decomposition = ({ node, builder: b, input, value }) => {
  const batchDims = intAttribute(node, "batch_dims", 0);
  const { dims, ranked } = value(input(1));
  if (batchDims === 0 || !ranked) return undefined;
  const one = b.op("Concat", [b.op("Shape", [input(1)], { start: 0, end: -1 }), b.integers(1)], { axis: 0 });
  const own = Array.from({ length: batchDims }, (_, axis) => {
    const along = b.op("Reshape", [
      countTo(b, input(1), axis),
      b.integers(...dims.map((_, i) => (i === axis ? -1 : 1))),
    ]);
    return b.op("Expand", [along, one]);
  });
  return [b.op("GatherND", [input(0), b.op("Concat", [...own, input(1)], { axis: -1 })])];
};

/** 0, 1, … up to the size of an axis. */
function countTo(b: GraphBuilder, name: string, axis: number): string {
  const scalar = (value: number): string =>
    b.constant({ type: "int64", dims: [], data: BigInt64Array.of(BigInt(value)) });
  const size = b.op("Squeeze", [b.op("Shape", [name], { start: axis, end: axis + 1 })]);
  return b.op("Range", [scalar(0), size, scalar(1)]);
}

/** Compress, and GatherND over batches. */
export const selecting: Readonly<Record<string, Decomposition>> = {
  Compress: compress,
  GatherND: gatherInBatches,
};
