import assert from "node:assert/strict";
import { wrapModel } from "../../../lib/model/index.js";
import {
  type Attributes,
  decomposeModel,
  followBranches,
  gradientGraph,
  graphBuilder,
  isDecomposable,
  type Model,
  makeNode,
  modelSession,
  type Node,
  untyped,
} from "../../../lib/onnx/index.js";
import { type Tensor, tensor } from "../../../lib/tensor/index.js";
import { checkGradient, uniform } from "./gradient/check.js";

interface Row {
  readonly title: string;
  readonly op: string;
  readonly domain?: string;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly inputs?: readonly string[];
  readonly attributes?: Attributes;
}

function build({ op, domain = "", feeds, inputs, attributes }: Row): Model {
  const builder = graphBuilder(undefined, [{ domain: "", version: domain === "" ? 23 : 21 }]);
  for (const [name, { type, dims }] of Object.entries(feeds)) builder.input(name, type, dims);
  const made = builder.op(op, inputs ?? Object.keys(feeds), attributes, domain);
  builder.output("y", made);
  return builder.build();
}

const x = uniform(1, [2, 3, 4]);
const row = uniform(2, [4], 0.5, 1.5);
const bias = uniform(3, [4]);
const ms = "com.microsoft";
const heads = { q_num_heads: 2, kv_num_heads: 2 };
const wide = uniform(4, [2, 3, 8]);
const cosines = uniform(5, [2, 3, 2]);

const rows: readonly Row[] = [
  {
    title: "root mean square",
    op: "SimplifiedLayerNormalization",
    feeds: { x, row },
    attributes: { axis: -1 },
  },
  {
    title: "with a skip",
    op: "SkipSimplifiedLayerNormalization",
    domain: ms,
    feeds: { x, skip: uniform(7, [2, 3, 4]), row },
  },
  {
    title: "with a skip",
    op: "SkipLayerNormalization",
    domain: ms,
    feeds: { x, skip: uniform(7, [2, 3, 4]), row, bias },
  },
  { title: "exact", op: "Gelu", domain: ms, feeds: { x } },
  { title: "with a bias", op: "BiasGelu", domain: ms, feeds: { x, bias } },
  { title: "tanh approximation", op: "FastGelu", domain: ms, feeds: { x, bias } },
  { title: "sigmoid approximation", op: "QuickGelu", domain: ms, feeds: { x } },
  {
    title: "turned, scaled",
    op: "FusedMatMul",
    domain: ms,
    feeds: { a: x, b: uniform(8, [2, 5, 4]) },
    attributes: { transB: 1, alpha: { float: 0.5 } },
  },
  {
    title: "with tanh",
    op: "FusedGemm",
    domain: ms,
    feeds: { a: uniform(1, [2, 3]), b: uniform(2, [3, 4]), bias },
    attributes: { activation: "Tanh" },
  },
  {
    title: "with tanh",
    op: "FusedConv",
    domain: ms,
    feeds: { x: uniform(1, [1, 2, 4, 4]), w: uniform(2, [3, 2, 3, 3]), b: uniform(3, [3]) },
    attributes: { activation: "Tanh", kernel_shape: [3, 3] },
  },
  {
    title: "two heads",
    op: "MultiHeadAttention",
    domain: ms,
    feeds: { q: wide, k: uniform(5, [2, 4, 8]), v: uniform(6, [2, 4, 8]) },
    attributes: { num_heads: 2 },
  },
  {
    title: "causal, flat",
    op: "Attention",
    feeds: { q: wide, k: uniform(5, [2, 3, 8]), v: uniform(6, [2, 3, 8]) },
    attributes: { ...heads, is_causal: 1 },
  },
  {
    title: "shared key heads, mask",
    op: "Attention",
    feeds: {
      q: uniform(4, [1, 4, 3, 2]),
      k: uniform(5, [1, 2, 3, 2]),
      v: uniform(6, [1, 2, 3, 2]),
      m: uniform(7, [3, 3]),
    },
  },
  {
    title: "halves",
    op: "RotaryEmbedding",
    feeds: { x: uniform(4, [2, 2, 3, 4]), c: cosines, s: uniform(6, [2, 3, 2]) },
  },
  {
    title: "neighbours",
    op: "RotaryEmbedding",
    feeds: { x: uniform(4, [2, 2, 3, 4]), c: cosines, s: uniform(6, [2, 3, 2]) },
    attributes: { interleaved: 1 },
  },
  {
    title: "over channels",
    op: "LRN",
    feeds: { x: uniform(4, [1, 5, 2, 2]) },
    attributes: { size: 3, alpha: { float: 0.5 } },
  },
  { title: "per channel", op: "MeanVarianceNormalization", feeds: { x: uniform(4, [2, 2, 3, 3]) } },
  {
    title: "with a soft cap and a mask of numbers",
    op: "Attention",
    feeds: {
      q: uniform(1, [1, 2, 3, 4], -2, 2),
      k: uniform(2, [1, 2, 3, 4], -2, 2),
      v: uniform(3, [1, 2, 3, 4]),
      mask: uniform(4, [3, 3]),
    },
    attributes: { softcap: { float: 1.5 } },
  },
  {
    title: "with a mask of truth values, causal",
    op: "Attention",
    feeds: {
      q: uniform(1, [1, 2, 3, 4]),
      k: uniform(2, [1, 2, 3, 4]),
      v: uniform(3, [1, 2, 3, 4]),
      mask: tensor("bool", [3, 3], Uint8Array.of(1, 0, 1, 1, 1, 0, 0, 1, 1)),
    },
    attributes: { is_causal: 1 },
  },
  {
    title: "edges of the picture",
    op: "AffineGrid",
    feeds: { theta: uniform(1, [2, 2, 3]), size: tensor("int64", [4], BigInt64Array.of(2n, 1n, 3n, 4n)) },
  },
  {
    title: "centres of the corner pixels",
    op: "AffineGrid",
    feeds: { theta: uniform(1, [1, 2, 3]), size: tensor("int64", [4], BigInt64Array.of(1n, 1n, 3n, 2n)) },
    attributes: { align_corners: 1 },
  },
  {
    title: "third powers, padded",
    op: "LpPool",
    feeds: { x: uniform(1, [1, 2, 5, 4], 0.2, 1) },
    attributes: { kernel_shape: [2, 2], strides: [2, 1], pads: [1, 0, 0, 1], p: 3 },
  },
  {
    title: "with peepholes",
    op: "LSTM",
    feeds: {
      x: uniform(1, [3, 2, 2]),
      w: uniform(2, [1, 12, 2]),
      r: uniform(3, [1, 12, 3]),
      b: uniform(4, [1, 24]),
      p: uniform(5, [1, 9]),
    },
    inputs: ["x", "w", "r", "b", "", "", "", "p"],
    attributes: { hidden_size: 3 },
  },
  {
    title: "reset before the product, backwards",
    op: "GRU",
    feeds: { x: uniform(1, [3, 2, 2]), w: uniform(2, [1, 9, 2]), r: uniform(3, [1, 9, 3]) },
    attributes: { hidden_size: 3, direction: "reverse", linear_before_reset: 0 },
  },
];

describe("onnx.decomposeModel", () => {
  for (const item of rows) {
    const model = build(item);
    const name = `${item.domain ? "com.microsoft " : ""}${item.op} (${item.title})`;
    it(`spells out ${name} as onnxruntime computes it`, () => {
      assert.ok(isDecomposable(item.op, item.domain));
      const spelled = decomposeModel(model);
      assert.ok(
        !spelled.graph.nodes.some(
          ({ opType, domain }) => opType === item.op && (domain ?? "") === (item.domain ?? ""),
        ),
      );
      using native = modelSession(model);
      using own = modelSession(spelled);
      const [expected, found] = [native, own].map((session) => session.runSync(item.feeds)["y"]!);
      assert.deepEqual(found!.dims, expected!.dims);
      const difference = Math.max(
        ...Array.from(found!.data as Float32Array, (value, i) =>
          Math.abs(value - (expected!.data as Float32Array)[i]!),
        ),
      );
      // Float32 sums of tens of terms of size 1; BiasGelu uses an approximate erf.
      assert.ok(difference < 5e-6, `${difference}`);
    });
    it(`differentiates ${name}`, () =>
      checkGradient(model, { feeds: item.feeds, step: 5e-3, tolerance: 6e-3 }));
  }
});

describe("branches", () => {
  /** y = flag ? sin(x) : (deep ? x · x : -x), the second If inside the first. */
  function branching(): Model {
    const builder = graphBuilder();
    builder.input("x", "float32", [3]);
    builder.input("flag", "bool", []);
    builder.input("deep", "bool", []);
    const branch = (write: (b: ReturnType<typeof graphBuilder>) => string) => {
      const inner = graphBuilder();
      const output = write(inner);
      return { ...inner.graph("branch"), outputs: [untyped(output)] };
    };
    const second = makeNode("If", ["deep"], ["inner"], {
      then_branch: { graph: branch((b) => b.op("Mul", ["x", "x"])) },
      else_branch: { graph: branch((b) => b.op("Neg", ["x"])) },
    });
    builder.node(
      makeNode("If", ["flag"], ["y"], {
        then_branch: { graph: branch((b) => b.op("Sin", ["x"])) },
        else_branch: { graph: withNode(second) },
      }),
    );
    builder.output("y");
    return builder.build();
  }
  function withNode(node: Node) {
    const inner = graphBuilder();
    inner.node(node);
    return { ...inner.graph("branch"), outputs: [untyped("inner")] };
  }
  const given = (flag: number, deep: number): Record<string, Tensor> => ({
    x: tensor("float32", [3], Float32Array.of(0.5, -1, 2)),
    flag: tensor("bool", [], Uint8Array.of(flag)),
    deep: tensor("bool", [], Uint8Array.of(deep)),
  });

  it("are followed to any depth for the inputs at hand", async () => {
    using model = wrapModel(branching());
    const slopes: readonly (readonly [number, number, (x: number) => number])[] = [
      [1, 0, Math.cos],
      [0, 1, (value) => 2 * value],
      [0, 0, () => -1],
    ];
    for (const [flag, deep, slope] of slopes) {
      const feeds = given(flag, deep);
      const c = tensor("float32", [3], Float32Array.of(1, 1, 1));
      const { x } = await model.vjp(feeds, { cotangents: { y: c }, wrt: ["x"] });
      const expected = Array.from(feeds["x"]!.data as Float32Array, slope);
      for (const [i, value] of expected.entries()) assert.ok(Math.abs(value - (x!.data[i] as number)) < 1e-6);
    }
    assert.notEqual(
      followBranches(branching(), given(0, 1)).way,
      followBranches(branching(), given(0, 0)).way,
    );
  });

  it("that stay open are refused by name", () => {
    using model = wrapModel(branching());
    assert.throws(() => gradientGraph(model.graph, { of: { y: "c" }, wrt: ["x"] }), {
      code: "UNSUPPORTED_OPERATOR",
      message: /node "y": If \(opset 21\) runs a graph of its own/,
    });
  });
});

describe("BatchNormalization of old opsets with further outputs", () => {
  it("normalises by the batch, as its gradient knows", async () => {
    for (const version of [9, 13]) {
      const builder = graphBuilder(undefined, [{ domain: "", version }]);
      builder.input("x", "float32", [4, 2, 3]);
      for (const name of ["scale", "bias"]) builder.input(name, "float32", [2]);
      builder.initializer("mean", tensor("float32", [2], Float32Array.of(5, -5)));
      builder.initializer("var", tensor("float32", [2], Float32Array.of(9, 4)));
      const outputs = builder.ops("BatchNormalization", ["x", "scale", "bias", "mean", "var"], 5, {});
      builder.output("y", outputs[0]);
      const feeds = { x: uniform(1, [4, 2, 3]), scale: uniform(2, [2]), bias: uniform(3, [2]) };
      await checkGradient(builder.build(), { feeds });
    }
  });
});
