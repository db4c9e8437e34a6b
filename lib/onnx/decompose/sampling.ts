/** Sampling at given points, and normalizations over windows of channels. */
import { floatAttribute, intAttribute, intsAttribute, textAttribute } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { type Decomposition, type DecompositionContext, numberLike } from "./decomposition.js";

/** Bilinear or nearest samples of pictures [n, c, h, w] at points [n, h', w', 2] in [-1, 1]. */
const gridSample: Decomposition = (context) => {
  const { node, builder: b, input, value } = context;
  const mode = textAttribute(node, "mode", "linear");
  const padding = textAttribute(node, "padding_mode", "zeros");
  const flat = value(input(0)).ranked && value(input(0)).dims.length === 4;
  if (!flat || !(mode.endsWith("linear") || mode === "nearest")) return undefined;
  const x = input(0);
  const corners = intAttribute(node, "align_corners", 0) === 1;
  const number = (constant: number): string => numberLike(context, x, constant);
  const size = (axis: number): string =>
    b.op("CastLike", [b.op("Squeeze", [b.op("Shape", [x], { start: axis, end: axis + 1 })]), x]);
  const [height, width] = [size(2), size(3)];
  const [gx, gy] = b.ops("Split", [input(1), b.integers(1, 1)], 2, { axis: 3 });
  const place = (grid: string, extent: string): string => {
    const unit = b.op("Add", [b.op("Squeeze", [grid, b.integers(3)]), number(1)]);
    const last = b.op("Sub", [extent, number(1)]);
    const pixel = corners
      ? b.op("Mul", [b.op("Mul", [unit, last]), number(0.5)])
      : b.op("Sub", [b.op("Mul", [b.op("Mul", [unit, extent]), number(0.5)]), number(0.5)]);
    if (padding === "zeros") return pixel;
    const held = padding === "border" ? pixel : reflected(context, pixel, extent, corners);
    return b.op("Clip", [held, number(0), last]);
  };
  const [px, py] = [place(gx!, width), place(gy!, height)];
  if (mode === "nearest") {
    return [cornerValues(context, b.op("Round", [py]), b.op("Round", [px]), height, width)];
  }
  const [x0, y0] = [b.op("Floor", [px]), b.op("Floor", [py])];
  const [fx, fy] = [b.op("Sub", [px, x0]), b.op("Sub", [py, y0])];
  const parts = [0, 1].flatMap((dy) =>
    [0, 1].map((dx) => {
      const column = dx ? b.op("Add", [x0, number(1)]) : x0;
      const row = dy ? b.op("Add", [y0, number(1)]) : y0;
      const share = (fraction: string, upper: number): string =>
        upper ? fraction : b.op("Sub", [number(1), fraction]);
      const weight = b.op("Mul", [share(fx, dx), share(fy, dy)]);
      return b.op("Mul", [
        cornerValues(context, row, column, height, width),
        b.op("Unsqueeze", [weight, b.integers(1)]),
      ]);
    }),
  );
  return [b.op("Sum", parts)];
};

/** A place mirrored at the picture's ends, as often as it takes: at the outer pixels' centres or at their edges. */
function reflected(context: DecompositionContext, pixel: string, extent: string, corners: boolean): string {
  const { builder: b, input } = context;
  const number = (constant: number): string => numberLike(context, input(0), constant);
  const low = number(corners ? 0 : -0.5);
  const span = corners ? b.op("Sub", [extent, number(1)]) : extent;
  const far = b.op("Abs", [b.op("Sub", [pixel, low])]);
  const inside = b.op("Mod", [far, b.op("Mul", [span, number(2)])], { fmod: 1 });
  // Falls from the span to 0 and rises again: the distance from the far end.
  const back = b.op("Abs", [b.op("Sub", [inside, span])]);
  return b.op("Add", [b.op("Sub", [span, back]), low]);
}

/** Pixels [n, c, h', w'] at whole rows and columns, zero outside the picture. */
function cornerValues(
  context: DecompositionContext,
  row: string,
  column: string,
  height: string,
  width: string,
): string {
  const { builder: b, input } = context;
  const x = input(0);
  const number = (constant: number): string => numberLike(context, x, constant);
  const last = (extent: string): string => b.op("Sub", [extent, number(1)]);
  const clamp = (at: string, extent: string): string => b.op("Clip", [at, number(0), last(extent)]);
  const same = (at: string, extent: string): string => b.op("Equal", [at, clamp(at, extent)]);
  const index = b.op(
    "Cast",
    [b.op("Add", [b.op("Mul", [clamp(row, height), width]), clamp(column, width)])],
    { to: 7 },
  );
  const inside = b.op("CastLike", [b.op("And", [same(row, height), same(column, width)]), x]);
  const batchChannels = b.op("Shape", [x], { start: 0, end: 2 });
  const planes = b.op("Reshape", [x, b.op("Concat", [batchChannels, b.integers(-1)], { axis: 0 })]);
  const points = b.op("Reshape", [index, b.integers(0, 1, -1)]);
  const count = b.op("Shape", [points], { start: 2 });
  const everywhere = b.op("Expand", [points, b.op("Concat", [batchChannels, count], { axis: 0 })]);
  const values = b.op("GatherElements", [planes, everywhere], { axis: 2 });
  const picture = b.op("Reshape", [
    values,
    b.op("Concat", [batchChannels, b.op("Shape", [index], { start: 1 })], { axis: 0 }),
  ]);
  return b.op("Mul", [picture, b.op("Unsqueeze", [inside, b.integers(1)])]);
}

/** x / (bias + alpha · mean square over neighbouring channels)^beta. */
const localResponse: Decomposition = (context) => {
  const { node, builder: b, input } = context;
  const x = input(0);
  const size = intAttribute(node, "size", 1);
  const before = Math.floor((size - 1) / 2);
  const plane = b.op("Reshape", [b.op("Mul", [x, x]), channelsAsRows(b, x)]);
  const mean = b.op("AveragePool", [plane], {
    kernel_shape: [size, 1],
    pads: [before, 0, size - 1 - before, 0],
    count_include_pad: 1,
  });
  const scaled = b.op("Mul", [mean, numberLike(context, x, floatAttribute(node, "alpha", 1e-4))]);
  const base = b.op("Add", [scaled, numberLike(context, x, floatAttribute(node, "bias", 1))]);
  const power = b.op("Pow", [base, numberLike(context, x, floatAttribute(node, "beta", 0.75))]);
  return [b.op("Div", [x, b.op("Reshape", [power, b.op("Shape", [x])])])];
};

/** [n, c, …] as [n, 1, c, rest]. */
const channelsAsRows = (b: GraphBuilder, x: string): string =>
  b.op(
    "Concat",
    [
      b.op("Shape", [x], { start: 0, end: 1 }),
      b.integers(1),
      b.op("Shape", [x], { start: 1, end: 2 }),
      b.integers(-1),
    ],
    { axis: 0 },
  );

const meanVariance: Decomposition = ({ node, builder: b, input }) => {
  const axes = b.integers(...(intsAttribute(node, "axes") ?? [0, 2, 3]));
  const centred = b.op("Sub", [input(0), b.op("ReduceMean", [input(0), axes], { keepdims: 1 })]);
  const variance = b.op("ReduceMean", [b.op("Mul", [centred, centred]), axes], { keepdims: 1 });
  const deviation = b.op("Add", [b.op("Sqrt", [variance]), b.op("CastLike", [b.number(1e-9), variance])]);
  return [b.op("Div", [centred, deviation])];
};

/** GridSample, LRN and MeanVarianceNormalization. */
export const sampling: Readonly<Record<string, Decomposition>> = {
  GridSample: gridSample,
  LRN: localResponse,
  MeanVarianceNormalization: meanVariance,
};
