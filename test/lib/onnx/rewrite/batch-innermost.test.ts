import assert from "node:assert/strict";
import {
  type Attributes,
  batchInnermost,
  graphBuilder,
  type Model,
  makeNode,
  modelSession,
} from "../../../../lib/onnx/index.js";
import { noise } from "../../../support/signals.js";

interface Case {
  readonly title: string;
  readonly x: readonly (number | string)[];
  readonly w: readonly number[];
  readonly attributes?: Attributes;
  readonly bias?: boolean;
}

function conv({ x, w, attributes, bias }: Case): Model {
  const b = graphBuilder();
  b.input("x", "float32", x);
  b.initializer("w", noise(w, 1));
  const inputs = ["x", "w"];
  if (bias) inputs.push(b.initializer("b", noise([w[0]!], 2)));
  b.node(makeNode("Conv", inputs, ["y"], attributes));
  b.output("y");
  return b.build();
}

const operators = ({ graph }: Model): string[] => graph.nodes.map(({ opType }) => opType);

describe("onnx.batchInnermost", () => {
  const cases: readonly Case[] = [
    { title: "plain", x: [3, 16, 5, 6], w: [4, 16, 3, 3] },
    {
      title: "pads and bias",
      x: [4, 16, 5, 6],
      w: [4, 16, 3, 2],
      attributes: { pads: [1, 0, 2, 1] },
      bias: true,
    },
    {
      title: "dilation",
      x: [3, 20, 7, 9],
      w: [2, 20, 2, 3],
      attributes: { dilations: [2, 3], pads: [1, 1, 1, 1] },
    },
    { title: "one dimension", x: [5, 16, 8], w: [3, 16, 3], attributes: { pads: [2, 1] }, bias: true },
    {
      title: "three dimensions",
      x: [2, 16, 3, 4, 5],
      w: [3, 16, 2, 1, 3],
      attributes: { pads: [0, 0, 1, 1, 0, 2] },
    },
  ];
  for (const each of cases) {
    it(`gives the same convolution: ${each.title}`, () => {
      const model = conv(each);
      const rewritten = batchInnermost(model, new Set(["w"]));
      assert.deepEqual(operators(rewritten), ["Transpose", "Reshape", "Conv", "Reshape", "Transpose"]);
      const feeds = { x: noise(each.x as number[], 3) };
      using before = modelSession(model, { threads: 1 });
      using after = modelSession(rewritten, { threads: 1 });
      const [expected, found] = [before, after].map((session) => session.runSync(feeds)["y"]!);
      assert.deepEqual(found!.dims, expected!.dims);
      const largest = Math.max(...(expected!.data as Float32Array).map(Math.abs));
      (expected!.data as Float32Array).forEach((value, i) => {
        // Sums of up to 200 products in another order.
        assert.ok(Math.abs(Number(found!.data[i]) - value) <= 1e-5 * largest);
      });
    });
  }

  const left: readonly Case[] = [
    { title: "strides", x: [3, 16, 5, 6], w: [4, 16, 3, 3], attributes: { strides: [1, 2] } },
    { title: "groups", x: [3, 32, 5, 6], w: [4, 16, 3, 3], attributes: { group: 2 } },
    { title: "a free batch", x: ["batch", 16, 5, 6], w: [4, 16, 3, 3] },
    { title: "one image", x: [1, 16, 5, 6], w: [4, 16, 3, 3] },
    { title: "few channels", x: [3, 3, 5, 6], w: [4, 3, 3, 3] },
    { title: "a kernel of one element", x: [3, 16, 5, 6], w: [4, 16, 1, 1] },
  ];
  for (const each of left) {
    it(`leaves a convolution with ${each.title}`, () => {
      assert.deepEqual(operators(batchInnermost(conv(each), new Set(["w"]))), ["Conv"]);
    });
  }

  it("rewrites few channels for several threads", () => {
    const few: Case = { title: "", x: [3, 1, 5, 6], w: [4, 1, 3, 3] };
    assert.ok(operators(batchInnermost(conv(few), new Set(["w"]), 2)).includes("Transpose"));
  });

  it("leaves constant weights, for which onnxruntime has a layout of its own", () => {
    const model = conv(cases[0]!);
    assert.equal(batchInnermost(model, new Set()), model);
  });
});
