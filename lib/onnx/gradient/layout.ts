/** Gradients of operators that move elements and compute nothing. */
import { intAttribute, intsAttribute, textAttribute } from "../attributes.js";
import { dataTypeOf } from "../tensors.js";
import { type GradientRule, type RuleContext, registerGradients } from "./rule.js";

const reshape: GradientRule = (c) => [c.reshapeLike(c.dy(0)!, c.x(0))];

registerGradients({
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Expand: (c) => [c.reduceTo(c.dy(0)!, c.x(0))],
  Transpose: (c) => {
    const perm = intsAttribute(c.node, "perm");
    if (perm === undefined) return [c.op("Transpose", [c.dy(0)!])];
    return [c.op("Transpose", [c.dy(0)!], { perm: perm.map((_, axis) => perm.indexOf(axis)) })];
  },
  Concat: (c) => {
    const axis = intAttribute(c.node, "axis", 0);
    const sizes = c.node.inputs.map((name) => sizeAlong(c, name, axis));
    const parts = c.builder.ops("Split", [c.dy(0)!, c.op("Concat", sizes, { axis: 0 })], sizes.length, {
      axis,
    });
    return parts.map((part, i) => (c.needs(i) ? part : undefined));
  },
  Split: (c) => {
    const axis = intAttribute(c.node, "axis", 0);
    const parts = c.node.outputs.map((name, i) => c.dy(i) ?? c.filledLike(c.y(i) || name, 0));
    return [c.op("Concat", parts, { axis })];
  },
  Slice: (c) => {
    const padded = sliceAsPad(c);
    if (padded) return [padded];
    return [byPlaces(c, c.op("Slice", [placesOf(c), ...c.node.inputs.slice(1)]), "none")];
  },
  Pad: (c) => {
    const mode = textAttribute(c.node, "mode", "constant");
    const axes = c.x(3) ? ["", c.x(3)] : [];
    if (mode === "constant") {
      const inside = c.op("Pad", [c.dy(0)!, c.op("Neg", [c.x(1)]), ...axes], { mode });
      if (!c.needs(2)) return [inside];
      const total = (gradient: string): string => c.op("ReduceSum", [gradient], { keepdims: 0 });
      const margin = c.op("Sub", [total(c.dy(0)!), total(inside)]);
      return [inside, undefined, c.reshapeLike(margin, c.x(2))];
    }
    return [byPlaces(c, c.op("Pad", [placesOf(c), c.x(1), ...axes], { mode }), "add")];
  },
  Tile: (c) => {
    // Each dim becomes (repeats, size), and the repeats are summed.
    const rank = c.rank(c.x(0));
    const column = (name: string): string => c.op("Unsqueeze", [name, c.builder.integers(1)]);
    const pairs = c.op("Concat", [column(c.x(1)), column(c.shapeOf(c.x(0)))], { axis: 1 });
    const split = c.op("Reshape", [c.dy(0)!, c.op("Reshape", [pairs, c.builder.integers(-1)])]);
    const axes = Array.from({ length: rank }, (_, i) => 2 * i);
    return [c.op("ReduceSum", [split, c.builder.integers(...axes)], { keepdims: 0 })];
  },
  Trilu: (c) => [
    c.op("Trilu", [c.dy(0)!, ...(c.x(1) ? [c.x(1)] : [])], { upper: intAttribute(c.node, "upper", 1) }),
  ],
  DepthToSpace: (c) => {
    const blocksize = intAttribute(c.node, "blocksize", 1);
    if (textAttribute(c.node, "mode", "DCR") === "DCR") {
      return [c.op("SpaceToDepth", [c.dy(0)!], { blocksize })];
    }
    const part = (start: number): string => c.op("Shape", [c.x(0)], { start, end: start + 1 });
    const block = c.builder.integers(blocksize);
    const shape = c.op("Concat", [part(0), c.builder.integers(-1), part(2), block, part(3), block], {
      axis: 0,
    });
    const split = c.op("Reshape", [c.dy(0)!, shape]);
    return [c.reshapeLike(c.op("Transpose", [split], { perm: [0, 1, 3, 5, 2, 4] }), c.x(0))];
  },
  SpaceToDepth: (c) => [
    c.op("DepthToSpace", [c.dy(0)!], { blocksize: intAttribute(c.node, "blocksize", 1), mode: "DCR" }),
  ],
  ReverseSequence: (c) => [
    c.op("ReverseSequence", [c.dy(0)!, c.x(1)], {
      batch_axis: intAttribute(c.node, "batch_axis", 1),
      time_axis: intAttribute(c.node, "time_axis", 0),
    }),
  ],
});

function sizeAlong(c: RuleContext, name: string, axis: number): string {
  const { ranked, dims } = c.value(name);
  const size = ranked ? dims.at(axis) : undefined;
  if (typeof size === "number") return c.builder.integers(size);
  const end = axis === -1 ? undefined : axis + 1;
  return c.op("Shape", [name], { start: axis, end });
}

/** The place of each element of the input, 0 to size - 1, in the input's shape. */
function placesOf(c: RuleContext): string {
  const zero = c.op("Squeeze", [c.builder.integers(0)]);
  const one = c.op("Squeeze", [c.builder.integers(1)]);
  return c.op("Reshape", [c.op("Range", [zero, c.op("Size", [c.x(0)]), one]), c.shapeOf(c.x(0))], {
    allowzero: 1,
  });
}

/** Brings each element of the gradient to the place it came from. */
function byPlaces(c: RuleContext, places: string, reduction: "none" | "add"): string {
  const flat = c.builder.integers(-1);
  const size = c.op("Reshape", [c.op("Size", [c.x(0)]), c.builder.integers(1)]);
  const zeros = c.op("ConstantOfShape", [size], {
    value: { tensor: { type: "float32", dims: [1], data: new Float32Array(1) } },
  });
  const typed = c.type === "float32" ? zeros : c.op("Cast", [zeros], { to: dataTypeOf(c.type) });
  const scattered = c.op(
    "ScatterElements",
    [typed, c.op("Reshape", [places, flat]), c.op("Reshape", [c.dy(0)!, flat])],
    { axis: 0, reduction },
  );
  return c.reshapeLike(scattered, c.x(0));
}

/** A slice with known bounds and step 1 is undone by padding, which is far cheaper than scattering. */
function sliceAsPad(c: RuleContext): string | undefined {
  const { ranked, dims } = c.value(c.x(0));
  const starts = c.integers(c.x(1));
  const ends = c.integers(c.x(2));
  if (!ranked || !starts || !ends) return undefined;
  const axes = c.x(3) ? c.integers(c.x(3)) : starts.map((_, i) => i);
  const steps = c.x(4) ? c.integers(c.x(4)) : starts.map(() => 1);
  if (!axes || !steps?.every((step) => step === 1)) return undefined;
  const begins = new Array<number>(dims.length).fill(0);
  const rests = new Array<number>(dims.length).fill(0);
  for (const [i, given] of axes.entries()) {
    const axis = given < 0 ? given + dims.length : given;
    const size = dims[axis];
    if (typeof size !== "number") return undefined;
    const clamp = (at: number): number => Math.min(size, Math.max(0, at < 0 ? at + size : at));
    const start = clamp(starts[i]!);
    begins[axis] = start;
    rests[axis] = size - Math.max(start, clamp(ends[i]!));
  }
  return c.op("Pad", [c.dy(0)!, c.builder.integers(...begins, ...rests)]);
}
