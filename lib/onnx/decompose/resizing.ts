/** Resize along some axes as Resize along all, and the grid that a spatial transformer samples at. */
import { attribute, intAttribute, intsAttribute, textAttribute } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { makeNode } from "../builder.js";
import type { Decomposition } from "./decomposition.js";

/** Resize with `axes`: scales of 1, or sizes as they are, along the other axes. */
const resize: Decomposition = ({ node, builder: b, input, value }) => {
  const axes = intsAttribute(node, "axes");
  const { dims, ranked } = value(input(0));
  const policy = textAttribute(node, "keep_aspect_ratio_policy", "stretch");
  // A region of interest would count in the same axes.
  const plain = policy === "stretch" && !input(1);
  if (axes === undefined || !ranked || !plain) return undefined;
  const places = b.integers(...axes.map((axis) => (axis < 0 ? axis + dims.length : axis)));
  const ones = b.constant({
    type: "float32",
    dims: [dims.length],
    data: new Float32Array(dims.length).fill(1),
  });
  const inputs = input(3)
    ? [input(0), "", "", b.op("ScatterElements", [b.op("Shape", [input(0)]), places, input(3)])]
    : [input(0), "", b.op("ScatterElements", [ones, places, input(2)])];
  const output = b.fresh("Resize");
  b.node({
    ...makeNode("Resize", inputs, [output]),
    attributes: node.attributes.filter(({ name }) => name !== "axes" && name !== "keep_aspect_ratio_policy"),
  });
  return [output];
};

/** AffineGrid over pictures: points (x, y, 1) times theta [n, 2, 3]. */
const affineGrid: Decomposition = ({ node, builder: b, input, value }) => {
  if (value(input(0)).dims[1] !== 2) return undefined;
  const corners = intAttribute(node, "align_corners", 0) === 1;
  const [height, width] = [2, 3].map((axis) => b.op("Gather", [input(1), scalar(b, axis)]));
  const grid = b.op("Concat", [input(1), b.integers(1)], { axis: 0 });
  const shape = b.op("Gather", [grid, b.integers(2, 3, 4)]);
  const along = (size: string, axis: number): string => {
    const steps = b.op("CastLike", [b.op("Range", [scalar(b, 0), size, scalar(b, 1)]), input(0)]);
    const number = (count: number): string => b.op("CastLike", [b.number(count), input(0)]);
    const total = b.op("CastLike", [size, input(0)]);
    const places = corners
      ? b.op("Sub", [
          b.op("Div", [b.op("Mul", [steps, number(2)]), b.op("Sub", [total, number(1)])]),
          number(1),
        ])
      : b.op("Sub", [
          b.op("Div", [b.op("Add", [b.op("Mul", [steps, number(2)]), number(1)]), total]),
          number(1),
        ]);
    const turned = b.op("Reshape", [places, axis === 0 ? b.integers(-1, 1, 1) : b.integers(1, -1, 1)]);
    return b.op("Expand", [turned, shape]);
  };
  const one = b.op("Expand", [b.op("CastLike", [b.number(1), input(0)]), shape]);
  const points = b.op("Concat", [along(width!, 1), along(height!, 0), one], { axis: 2 });
  const rows = b.op("Reshape", [points, b.integers(1, -1, 3)]);
  const moved = b.op("MatMul", [rows, b.op("Transpose", [input(0)], { perm: [0, 2, 1] })]);
  const result = b.op(
    "Concat",
    [
      b.op("Shape", [input(0)], { start: 0, end: 1 }),
      b.op("Gather", [input(1), b.integers(2, 3)]),
      b.integers(2),
    ],
    { axis: 0 },
  );
  return [b.op("Reshape", [moved, result])];
};

/** The p-th root of sums of |x| to the p over windows. */
const lpPool: Decomposition = ({ node, builder: b, input, value }) => {
  const p = intAttribute(node, "p", 2);
  const kernel = intsAttribute(node, "kernel_shape");
  const { dims, ranked } = value(input(0));
  const isGlobal = node.opType === "GlobalLpPool";
  if (!ranked || (!isGlobal && kernel === undefined)) return undefined;
  const number = (count: number): string => b.op("CastLike", [b.number(count), input(0)]);
  const powers = b.op("Pow", [b.op("Abs", [input(0)]), number(p)]);
  let sums: string;
  if (isGlobal) {
    const axes = Array.from({ length: dims.length - 2 }, (_, i) => i + 2);
    sums = b.op("ReduceSum", [powers, b.integers(...axes)], { keepdims: 1 });
  } else {
    const mean = b.fresh("AveragePool");
    const { attributes } = makeNode("", [], [], { count_include_pad: 1 });
    const rest = node.attributes.filter(({ name }) => name !== "p");
    // The overhang of a ceiling pool does not count in a mean, but the pool's area would.
    if (attribute(node, "ceil_mode") && intAttribute(node, "ceil_mode", 0) === 1) return undefined;
    b.node({ ...makeNode("AveragePool", [powers], [mean]), attributes: [...rest, ...attributes] });
    sums = b.op("Mul", [mean, number(kernel!.reduce((area, size) => area * size, 1))]);
  }
  return [b.op("Pow", [sums, number(1 / p)])];
};

const scalar = (b: GraphBuilder, value: number): string =>
  b.constant({ type: "int64", dims: [], data: BigInt64Array.of(BigInt(value)) });

/** Resize with axes, AffineGrid, LpPool and GlobalLpPool. */
export const resizing: Readonly<Record<string, Decomposition>> = {
  Resize: resize,
  AffineGrid: affineGrid,
  LpPool: lpPool,
  GlobalLpPool: lpPool,
};
