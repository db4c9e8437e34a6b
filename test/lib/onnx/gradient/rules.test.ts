import type { Attributes } from "../../../../lib/onnx/index.js";
import { graphBuilder, type Model, makeNode } from "../../../../lib/onnx/index.js";
import { type Tensor, tensor } from "../../../../lib/tensor/index.js";
import { type CheckOptions, checkGradient, spaced, uniform } from "./check.js";

/** One operator whose inputs are all fed; stored ones are constants of the graph. */
interface Row {
  readonly title: string;
  readonly op: string;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly stored?: Readonly<Record<string, Tensor>>;
  readonly inputs?: readonly string[];
  readonly attributes?: Attributes;
  readonly outputs?: number;
  readonly check?: Partial<CheckOptions>;
  /** Declare all sizes free, but for those of a weight "w". */
  readonly free?: boolean;
}

const ints = (...values: number[]): Tensor =>
  tensor("int64", [values.length], BigInt64Array.from(values, BigInt));
const scalar = (value: number): Tensor => tensor("int64", [], BigInt64Array.of(BigInt(value)));

function build(row: Row): Model {
  const builder = graphBuilder();
  for (const [name, { type, dims }] of Object.entries(row.feeds)) {
    builder.input(name, type, row.free && name !== "w" ? dims.map((_, axis) => `${name}${axis}`) : dims);
  }
  for (const [name, value] of Object.entries(row.stored ?? {})) builder.initializer(name, value);
  const outputs = Array.from({ length: row.outputs ?? 1 }, (_, i) => `y${i}`);
  const inputs = row.inputs ?? [...Object.keys(row.feeds), ...Object.keys(row.stored ?? {})];
  builder.node(makeNode(row.op, inputs, outputs, row.attributes));
  for (const name of outputs) builder.output(name);
  return builder.build();
}

function check(rows: readonly Row[]): void {
  for (const row of rows) {
    it(`${row.op}: ${row.title}`, () => checkGradient(build(row), { feeds: row.feeds, ...row.check }));
    if (!row.free) {
      it(`${row.op}: ${row.title}, sizes left open`, () =>
        checkGradient(build({ ...row, free: true }), { feeds: row.feeds, ...row.check }));
    }
  }
}

const x = uniform(1, [2, 3]);
const away = tensor("float32", [6], Float32Array.of(-3.7, -1.4, -0.3, 0.4, 1.3, 3.6));
const positive = uniform(2, [2, 3], 0.5, 2);

describe("gradients of elementwise operators agree with central differences", () => {
  const anywhere = [
    "Identity",
    "Neg",
    "Exp",
    "Sin",
    "Cos",
    "Atan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Tanh",
    "Sigmoid",
    "Erf",
    "Softplus",
    "Mish",
    "Abs",
    "Relu",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Celu",
    "Softsign",
    "HardSwish",
    "Gelu",
    "Floor",
    "Ceil",
    "Round",
    "Sign",
    "HardSigmoid",
    "Swish",
  ];
  check(
    anywhere
      .filter((op) => op !== "Swish")
      .map((op) => ({ title: "both signs", op, feeds: { x: away }, check: { step: 5e-3 } })),
  );
  check(
    ["Sqrt", "Reciprocal", "Log"].map((op) => ({ title: "positive numbers", op, feeds: { x: positive } })),
  );
  check(
    ["Tan", "Asin", "Acos", "Atanh"].map((op) => ({
      title: "inside (-0.8, 0.8)",
      op,
      feeds: { x: uniform(3, [5], -0.8, 0.8) },
      check: { step: 3e-3 },
    })),
  );
  check([
    { title: "above 1", op: "Acosh", feeds: { x: uniform(3, [5], 1.5, 3) } },
    { title: "tanh approximation", op: "Gelu", feeds: { x: away }, attributes: { approximate: "tanh" } },
    { title: "own slope", op: "LeakyRelu", feeds: { x: away }, attributes: { alpha: { float: 0.3 } } },
    { title: "own alpha", op: "Celu", feeds: { x: away }, attributes: { alpha: { float: 0.7 } } },
    { title: "own threshold", op: "ThresholdedRelu", feeds: { x: away } },
    {
      title: "soft",
      op: "Shrink",
      feeds: { x: away },
      attributes: { lambd: { float: 0.35 }, bias: { float: 0.2 } },
    },
    {
      title: "both bounds",
      op: "Clip",
      feeds: { x: away },
      stored: {
        low: tensor("float32", [], Float32Array.of(-1)),
        high: tensor("float32", [], Float32Array.of(1)),
      },
    },
    {
      title: "by its bounds too",
      op: "Clip",
      feeds: {
        x: away,
        low: tensor("float32", [], Float32Array.of(-1)),
        high: tensor("float32", [], Float32Array.of(1)),
      },
    },
    {
      title: "upper bound only",
      op: "Clip",
      feeds: { x: away },
      stored: { high: tensor("float32", [], Float32Array.of(1)) },
      inputs: ["x", "", "high"],
    },
    {
      title: "slope per channel",
      op: "PRelu",
      feeds: { x: spaced(5, [2, 3, 2]), slope: uniform(6, [3, 1]) },
    },
    { title: "along an axis", op: "CumSum", feeds: { x }, stored: { axis: scalar(1) } },
    {
      title: "reverse and exclusive",
      op: "CumSum",
      feeds: { x },
      stored: { axis: scalar(0) },
      attributes: { reverse: 1, exclusive: 1 },
    },
    { title: "at inference", op: "Dropout", feeds: { x } },
    { title: "to double", op: "Cast", feeds: { x }, attributes: { to: 11 } },
  ]);
});

describe("gradients of broadcasting operators agree with central differences", () => {
  const pairs: readonly (readonly [string, number[], number[]])[] = [
    ["equal shapes", [2, 3], [2, 3]],
    ["a row", [2, 3], [3]],
    ["a column", [2, 3], [2, 1]],
    ["both ways", [2, 1, 3], [4, 1]],
    ["a scalar", [2, 3], []],
  ];
  for (const op of ["Add", "Sub", "Mul", "Div", "Sum", "Mean"]) {
    check(
      pairs.map(([title, a, b]) => ({ title, op, feeds: { a: uniform(7, a), b: uniform(8, b, 0.5, 2) } })),
    );
  }
  check([
    {
      title: "with a row",
      op: "Max",
      feeds: { a: spaced(1, [2, 3]), b: spaced(2, [3], -0.95, 0.9) },
      check: { step: 2e-3 },
    },
    {
      title: "of three",
      op: "Min",
      feeds: { a: spaced(1, [4]), b: spaced(2, [4], -0.95, 0.9), c: spaced(4, [1], -0.1, 0.33) },
      check: { step: 2e-3 },
    },
    { title: "by base and exponent", op: "Pow", feeds: { a: positive, b: uniform(9, [3], -2, 2) } },
    {
      title: "square of both signs",
      op: "Pow",
      feeds: { a: x },
      stored: { two: tensor("float32", [], Float32Array.of(2)) },
    },
    { title: "integer exponent", op: "Pow", feeds: { a: x }, stored: { three: scalar(3) } },
    {
      title: "of floats",
      op: "Mod",
      feeds: { a: away, b: tensor("float32", [1], Float32Array.of(1.1)) },
      attributes: { fmod: 1 },
    },
    {
      title: "by a mask",
      op: "Where",
      feeds: { a: uniform(3, [2, 3]), b: uniform(4, [3]) },
      stored: { m: tensor("bool", [2, 1], Uint8Array.of(1, 0)) },
      inputs: ["m", "a", "b"],
    },
  ]);
});

describe("gradients of matrix products agree with central differences", () => {
  const shapes: readonly (readonly [string, number[], number[]])[] = [
    ["matrices", [2, 3], [3, 4]],
    ["a batch by a matrix", [2, 2, 3], [3, 4]],
    ["a matrix by a batch", [2, 3], [2, 3, 4]],
    ["batches", [2, 2, 3], [2, 3, 2]],
    ["broadcast batches", [2, 1, 2, 3], [3, 3, 2]],
    ["a vector by a matrix", [3], [3, 4]],
    ["a matrix by a vector", [2, 3], [3]],
    ["a batch by a vector", [2, 2, 3], [3]],
    ["a vector by a batch", [3], [2, 3, 2]],
    ["vectors", [3], [3]],
  ];
  check(
    shapes.map(([title, a, b]) => ({ title, op: "MatMul", feeds: { a: uniform(1, a), b: uniform(2, b) } })),
  );
  for (const transA of [0, 1]) {
    for (const transB of [0, 1]) {
      const feeds = {
        a: uniform(1, transA ? [3, 2] : [2, 3]),
        b: uniform(2, transB ? [4, 3] : [3, 4]),
        c: uniform(3, [4]),
      };
      check([
        {
          title: `transA ${transA}, transB ${transB}, alpha, beta`,
          op: "Gemm",
          feeds,
          attributes: { transA, transB, alpha: { float: 0.7 }, beta: { float: 1.3 } },
        },
      ]);
    }
  }
  const einsums: readonly (readonly [string, ...number[][]])[] = [
    ["ij,jk->ik", [2, 3], [3, 2]],
    ["bij,bjk->bik", [2, 2, 3], [2, 3, 2]],
    ["bhid,bhjd->bhij", [2, 1, 2, 3], [2, 1, 3, 3]],
    ["...ij,jk->...ik", [2, 2, 3], [3, 2]],
    ["ij->j", [2, 3]],
    ["ij->", [2, 3]],
    ["i,j->ij", [2], [3]],
    ["ij,jk", [2, 3], [3, 2]],
    ["ijk,jk->i", [2, 3, 2], [3, 2]],
    ["ii->i", [3, 3]],
    ["bii->b", [2, 3, 3]],
    ["...ii,ij->...j", [2, 3, 3], [3, 2]],
    ["iij,jk", [3, 3, 2], [2, 2]],
  ];
  check(
    einsums.map(([equation, ...dims]) => ({
      title: equation,
      op: "Einsum",
      feeds: Object.fromEntries(dims.map((d, i) => [`o${i}`, uniform(i, d)])),
      attributes: { equation },
    })),
  );
});

describe("gradients of convolutions agree with central differences", () => {
  const conv = (
    title: string,
    input: number[],
    weight: number[],
    attributes: Attributes,
    bias = true,
  ): Row => ({
    title,
    op: "Conv",
    feeds: { x: uniform(1, input), w: uniform(2, weight), ...(bias ? { b: uniform(3, [weight[0]!]) } : {}) },
    attributes,
    check: { tolerance: 5e-3 },
  });
  check([
    conv("plain", [2, 2, 5, 5], [3, 2, 3, 3], {}),
    conv("stride that leaves rows over, pads", [1, 2, 6, 7], [2, 2, 3, 3], {
      strides: [2, 3],
      pads: [1, 0, 1, 2],
    }),
    conv("dilation", [1, 2, 7, 7], [2, 2, 3, 2], { dilations: [2, 3] }),
    conv(
      "stride and dilation",
      [1, 1, 9, 8],
      [2, 1, 3, 2],
      { dilations: [2, 2], strides: [3, 2], pads: [1, 1, 0, 1] },
      false,
    ),
    conv("groups", [2, 4, 4, 4], [6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] }),
    conv("depthwise, stride", [2, 3, 5, 5], [3, 1, 3, 3], { group: 3, strides: [2, 2], pads: [1, 1, 1, 1] }),
    conv("one dimension", [2, 2, 8], [3, 2, 3], { strides: [2] }),
    conv("three dimensions", [1, 1, 4, 4, 3], [2, 1, 2, 2, 2], {}),
    conv("many channels, pads", [2, 16, 3, 4], [3, 16, 3, 2], { pads: [1, 0, 2, 1] }),
    conv("many channels, dilation, groups", [1, 32, 4, 4], [4, 16, 2, 2], {
      group: 2,
      dilations: [1, 2],
      pads: [1, 1, 0, 1],
    }),
    conv("many channels, more pads than the kernel reaches", [1, 16, 2, 2], [2, 16, 1, 2], {
      pads: [1, 2, 0, 1],
    }),
    conv("many channels, one dimension", [2, 16, 5], [2, 16, 3], { pads: [1, 1] }),
    conv("same padding", [1, 1, 5, 5], [1, 1, 4, 4], { auto_pad: "SAME_UPPER" }),
    conv("same padding at the start", [1, 1, 5, 6], [1, 1, 4, 2], { auto_pad: "SAME_LOWER" }),
  ]);
  const turned = (title: string, input: number[], weight: number[], attributes: Attributes): Row => ({
    ...conv(title, input, weight, attributes, false),
    op: "ConvTranspose",
  });
  check([
    turned("plain", [2, 3, 4, 4], [3, 2, 3, 3], {}),
    turned("stride, pads, output padding", [1, 2, 3, 3], [2, 2, 3, 3], {
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      output_padding: [1, 1],
    }),
    turned("groups, dilation", [1, 4, 3, 3], [4, 1, 2, 2], { group: 2, dilations: [2, 1] }),
  ]);
});

describe("gradients of pools agree with central differences", () => {
  const pool = (title: string, op: string, input: number[], attributes: Attributes): Row => ({
    title,
    op,
    feeds: { x: spaced(4, input) },
    attributes,
    check: { step: 4e-3 },
  });
  check([
    pool("apart", "MaxPool", [2, 2, 4, 4], { kernel_shape: [2, 2], strides: [2, 2] }),
    pool("apart, rows left over", "MaxPool", [1, 2, 5, 5], { kernel_shape: [2, 2], strides: [2, 2] }),
    pool("overlapping", "MaxPool", [1, 2, 5, 5], {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    }),
    pool("ceil mode, dilation", "MaxPool", [1, 1, 6, 6], {
      kernel_shape: [2, 2],
      strides: [2, 2],
      dilations: [2, 2],
      ceil_mode: 1,
    }),
    pool("one dimension", "MaxPool", [1, 2, 6], { kernel_shape: [2], strides: [2] }),
    pool("gaps between windows", "MaxPool", [2, 1, 5, 7], { kernel_shape: [2, 3], strides: [3, 4] }),
    pool("three by three", "MaxPool", [1, 2, 6, 3], { kernel_shape: [3, 3], strides: [3, 3] }),
    pool("plain", "AveragePool", [1, 2, 4, 4], { kernel_shape: [2, 2], strides: [2, 2] }),
    pool("pads left out of the mean", "AveragePool", [1, 2, 5, 5], {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    }),
    pool("pads counted", "AveragePool", [1, 2, 5, 5], {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
      count_include_pad: 1,
    }),
    pool("rows left over", "AveragePool", [1, 1, 7, 6], { kernel_shape: [2, 3], strides: [3, 2] }),
    pool("global mean", "GlobalAveragePool", [2, 3, 3, 3], {}),
    pool("global maximum", "GlobalMaxPool", [2, 2, 3, 3], {}),
  ]);
  for (const countIncludePad of [0, 1]) {
    const row = pool(`ceil mode, count_include_pad ${countIncludePad}`, "AveragePool", [1, 1, 6, 6], {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 0, 0],
      ceil_mode: 1,
      count_include_pad: countIncludePad,
    });
    it(`AveragePool: ${row.title}`, () => checkGradient(build(row), { feeds: row.feeds, ...row.check }));
  }
});

describe("gradients of normalizations agree with central differences", () => {
  const parts = (channels: number[]): Record<string, Tensor> => ({
    s: uniform(2, channels, 0.5, 1.5),
    b: uniform(3, channels),
  });
  check([
    { title: "last axis", op: "Softmax", feeds: { x } },
    { title: "first axis", op: "Softmax", feeds: { x }, attributes: { axis: 0 } },
    { title: "last axis", op: "LogSoftmax", feeds: { x } },
    {
      title: "inference",
      op: "BatchNormalization",
      feeds: { x: uniform(1, [2, 3, 2, 2]), ...parts([3]), m: uniform(4, [3]), v: uniform(5, [3], 0.5, 2) },
      check: { tolerance: 5e-3 },
    },
    {
      title: "last axis",
      op: "LayerNormalization",
      feeds: { x: uniform(1, [2, 5]), ...parts([5]) },
      check: { tolerance: 5e-3 },
    },
    {
      title: "two axes, no bias",
      op: "LayerNormalization",
      feeds: { x: uniform(1, [2, 3, 2]), s: uniform(2, [3, 2]) },
      attributes: { axis: 1 },
      check: { tolerance: 5e-3 },
    },
    {
      title: "per channel",
      op: "InstanceNormalization",
      feeds: { x: uniform(1, [2, 2, 3, 2]), ...parts([2]) },
      check: { tolerance: 5e-3 },
    },
    {
      title: "two groups",
      op: "GroupNormalization",
      feeds: { x: uniform(1, [2, 4, 3]), ...parts([4]) },
      attributes: { num_groups: 2 },
      check: { tolerance: 5e-3 },
    },
    { title: "Euclidean", op: "LpNormalization", feeds: { x: positive } },
    {
      title: "sum of absolute values",
      op: "LpNormalization",
      feeds: { x: positive },
      attributes: { p: 1, axis: 0 },
    },
  ]);
});

describe("gradients of reductions agree with central differences", () => {
  const ops = [
    "ReduceSum",
    "ReduceMean",
    "ReduceSumSquare",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
  ];
  for (const op of ops) {
    const feeds = { x: spaced(3, [2, 3, 2], 0.5, 2) };
    check([
      { title: "over one axis", op, feeds, stored: { axes: ints(1) } },
      {
        title: "over two, dims dropped",
        op,
        feeds,
        stored: { axes: ints(0, -1) },
        attributes: { keepdims: 0 },
      },
      { title: "over all", op, feeds, attributes: { keepdims: 0 } },
    ]);
  }
  check([
    {
      title: "with a zero factor",
      op: "ReduceProd",
      feeds: { x: tensor("float32", [2, 3], Float32Array.of(0, 2, 3, 1, 2, 3)) },
      stored: { axes: ints(1) },
    },
  ]);
});

describe("gradients of layout operators agree with central differences", () => {
  const y = uniform(1, [2, 3, 4]);
  check([
    { title: "to a matrix", op: "Reshape", feeds: { x: y }, stored: { shape: ints(6, 4) } },
    { title: "from axis 2", op: "Flatten", feeds: { x: y }, attributes: { axis: 2 } },
    { title: "an axis", op: "Unsqueeze", feeds: { x: y }, stored: { axes: ints(1) } },
    { title: "an axis", op: "Squeeze", feeds: { x: uniform(1, [2, 1, 3]) }, stored: { axes: ints(1) } },
    {
      title: "to more rows",
      op: "Expand",
      feeds: { x: uniform(1, [3, 1]) },
      stored: { shape: ints(2, 3, 4) },
    },
    { title: "with a permutation", op: "Transpose", feeds: { x: y }, attributes: { perm: [2, 0, 1] } },
    { title: "reversed", op: "Transpose", feeds: { x: y } },
    {
      title: "along axis 1",
      op: "Concat",
      feeds: { a: y, b: uniform(2, [2, 1, 4]) },
      attributes: { axis: 1 },
    },
    {
      title: "in three",
      op: "Split",
      feeds: { x: y },
      stored: { sizes: ints(1, 1, 2) },
      attributes: { axis: -1 },
      outputs: 3,
    },
    {
      title: "with steps",
      op: "Slice",
      feeds: { x: y },
      stored: { starts: ints(3, 0), ends: ints(-10, 2), axes: ints(2, 1), steps: ints(-2, 1) },
    },
    {
      title: "with known bounds",
      op: "Slice",
      feeds: { x: y },
      stored: { starts: ints(1, -3), ends: ints(1000, -1), axes: ints(0, 2) },
    },
    { title: "with zeros", op: "Pad", feeds: { x: y }, stored: { pads: ints(0, 1, 2, 1, 0, 1) } },
    { title: "cut off", op: "Pad", feeds: { x: y }, stored: { pads: ints(0, 0, -1, 0, -1, 2) } },
    {
      title: "by reflection",
      op: "Pad",
      feeds: { x: y },
      stored: { pads: ints(0, 1, 2, 0, 2, 1) },
      attributes: { mode: "reflect" },
    },
    {
      title: "by the edge",
      op: "Pad",
      feeds: { x: y },
      stored: { pads: ints(0, 1, 2, 0, 2, 1) },
      attributes: { mode: "edge" },
    },
    { title: "twice and thrice", op: "Tile", feeds: { x }, stored: { repeats: ints(2, 3) } },
    { title: "upper", op: "Trilu", feeds: { x: uniform(1, [3, 3]) } },
    {
      title: "lower with an offset",
      op: "Trilu",
      feeds: { x: uniform(1, [2, 3, 3]) },
      stored: { k: scalar(-1) },
      attributes: { upper: 0 },
    },
    {
      title: "depth first",
      op: "DepthToSpace",
      feeds: { x: uniform(1, [1, 8, 2, 3]) },
      attributes: { blocksize: 2 },
    },
    {
      title: "columns first",
      op: "DepthToSpace",
      feeds: { x: uniform(1, [1, 8, 2, 3]) },
      attributes: { blocksize: 2, mode: "CRD" },
    },
    {
      title: "blocks",
      op: "SpaceToDepth",
      feeds: { x: uniform(1, [1, 2, 4, 4]) },
      attributes: { blocksize: 2 },
    },
  ]);
});

describe("gradients of indexing operators agree with central differences", () => {
  const rows = ints(2, 0, 2, -1);
  const pairs = tensor("int64", [2, 2], BigInt64Array.of(0n, 2n, 1n, -1n));
  check([
    { title: "rows, some twice", op: "Gather", feeds: { x: uniform(1, [3, 2]) }, stored: { rows } },
    {
      title: "columns by a matrix of indices",
      op: "Gather",
      feeds: { x: uniform(1, [2, 3, 2]) },
      stored: { pairs },
      attributes: { axis: 1 },
    },
    { title: "one row", op: "Gather", feeds: { x: uniform(1, [3, 2]) }, stored: { row: scalar(1) } },
    {
      title: "one column",
      op: "Gather",
      feeds: { x: uniform(1, [3, 2]) },
      stored: { row: scalar(1) },
      attributes: { axis: -1 },
    },
    {
      title: "elements",
      op: "GatherElements",
      feeds: { x: uniform(1, [2, 3]) },
      stored: { pairs },
      attributes: { axis: 1 },
    },
    { title: "places", op: "GatherND", feeds: { x: uniform(1, [2, 3]) }, stored: { pairs } },
    {
      title: "places in each batch",
      op: "GatherND",
      feeds: { x: uniform(1, [2, 3, 4]) },
      stored: { pairs },
      attributes: { batch_dims: 1 },
    },
    {
      title: "elements that are asked for",
      op: "Compress",
      feeds: { x: uniform(1, [2, 3]) },
      stored: { asked: tensor("bool", [3], Uint8Array.of(1, 0, 1)) },
      attributes: { axis: -1 },
    },
    { title: "whole pictures", op: "GlobalLpPool", feeds: { x: uniform(1, [2, 2, 3, 3], 0.2, 1) } },
    {
      title: "overlapping blocks",
      op: "Col2Im",
      feeds: { x: uniform(1, [2, 8, 4]) },
      stored: { image: ints(3, 4), block: ints(2, 2) },
      attributes: { strides: [1, 2] },
    },
    {
      title: "by the scale of each row",
      op: "DequantizeLinear",
      feeds: { s: uniform(1, [2], 0.1, 0.5) },
      stored: {
        q: tensor("int8", [2, 3], Int8Array.of(3, -4, 5, 100, 0, -7)),
        zero: tensor("int8", [2], Int8Array.of(1, -2)),
      },
      inputs: ["q", "s", "zero"],
      attributes: { axis: 0 },
    },
    {
      title: "back to where a pool found them",
      op: "MaxUnpool",
      feeds: { x: uniform(1, [1, 1, 2, 2]) },
      stored: { places: tensor("int64", [1, 1, 2, 2], BigInt64Array.of(1n, 3n, 8n, 14n)) },
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    },
    {
      title: "replacing",
      op: "ScatterElements",
      feeds: { x: uniform(1, [2, 3]), u: uniform(2, [2, 2]) },
      stored: { pairs },
      inputs: ["x", "pairs", "u"],
      attributes: { axis: 1 },
    },
    {
      title: "adding",
      op: "ScatterElements",
      feeds: { x: uniform(1, [2, 3]), u: uniform(2, [2, 2]) },
      stored: { pairs },
      inputs: ["x", "pairs", "u"],
      attributes: { axis: 1, reduction: "add" },
    },
    {
      title: "replacing",
      op: "ScatterND",
      feeds: { x: uniform(1, [2, 3]), u: uniform(2, [2]) },
      stored: { pairs },
      inputs: ["x", "pairs", "u"],
    },
    {
      title: "adding",
      op: "ScatterND",
      feeds: { x: uniform(1, [2, 3]), u: uniform(2, [2]) },
      stored: { pairs },
      inputs: ["x", "pairs", "u"],
      attributes: { reduction: "add" },
    },
    { title: "largest two", op: "TopK", feeds: { x: spaced(5, [2, 4]) }, stored: { k: ints(2) }, outputs: 2 },
  ]);
});

describe("gradients of resampling agree with central differences", () => {
  const scales = tensor("float32", [4], Float32Array.of(1, 1, 2, 1.5));
  const modes: readonly (readonly [string, Attributes])[] = [
    [
      "nearest, asymmetric",
      { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    ],
    ["linear, half pixel", { mode: "linear" }],
    ["linear, corners aligned", { mode: "linear", coordinate_transformation_mode: "align_corners" }],
    ["cubic", { mode: "cubic" }],
    ["linear, antialiased", { mode: "linear", antialias: 1 }],
    ["cubic, antialiased", { mode: "cubic", antialias: 1 }],
  ];
  for (const [title, attributes] of modes) {
    check([
      {
        title: `${title}, along some axes`,
        op: "Resize",
        feeds: { x: uniform(1, [1, 2, 3, 4]) },
        stored: { scales: tensor("float32", [2], Float32Array.of(1.5, 2)) },
        inputs: ["x", "", "scales"],
        attributes: { ...attributes, axes: [-1, 2] },
      },
      {
        title: `${title}, to sizes of some axes`,
        op: "Resize",
        feeds: { x: uniform(1, [1, 2, 3, 4]) },
        stored: { sizes: ints(5) },
        inputs: ["x", "", "", "sizes"],
        attributes: { ...attributes, axes: [3] },
      },
      {
        title: `${title}, by scales`,
        op: "Resize",
        feeds: { x: uniform(1, [1, 2, 3, 4]) },
        stored: { scales },
        inputs: ["x", "", "scales"],
        attributes,
      },
      {
        title: `${title}, by sizes`,
        op: "Resize",
        feeds: { x: uniform(1, [1, 2, 3, 4]) },
        stored: { sizes: ints(1, 2, 5, 3) },
        inputs: ["x", "", "", "sizes"],
        attributes,
      },
    ]);
  }
});
