import assert from "node:assert/strict";
import { gradientGraph, graphBuilder, modelSession } from "../../../../lib/onnx/index.js";
import { generator } from "../../../../lib/random/index.js";
import { type Tensor, tensor } from "../../../../lib/tensor/index.js";

/** Few values, so that most windows hold their maximum more than once. */
function withTies(dims: readonly number[]): Tensor {
  const random = generator(7);
  const length = dims.reduce((product, dim) => product * dim, 1);
  return tensor(
    "float32",
    dims,
    Float32Array.from({ length }, () => random.integer(3) - 1),
  );
}

describe("the gradient of a MaxPool with ties", () => {
  const cases = [
    { dims: [2, 3, 6, 8], kernel: [2, 2], strides: [2, 2] },
    { dims: [2, 3, 6, 9], kernel: [3, 3], strides: [3, 3] },
    { dims: [1, 2, 8, 6], kernel: [4, 2], strides: [4, 3] },
    { dims: [3, 2, 5, 5], kernel: [1, 2], strides: [2, 3] },
    { dims: [3, 2, 5, 5], kernel: [2, 1], strides: [3, 2] },
    { dims: [2, 5, 12], kernel: [3], strides: [3] },
    { dims: [2, 2, 5, 4], kernel: [1, 1], strides: [2, 3] },
    { dims: [1, 1, 4, 6, 2], kernel: [2, 2, 2], strides: [2, 2, 2] },
  ];
  for (const { dims, kernel, strides } of cases) {
    it(`goes to the element that MaxPool itself points at (${kernel.join(" x ")} of ${dims.join(" x ")})`, () => {
      const x = withTies(dims);
      const b = graphBuilder();
      b.input("x", "float32", ["batch", ...dims.slice(1)]);
      const [y, indices] = b.ops("MaxPool", ["x"], 2, { kernel_shape: kernel, strides });
      b.output("y", y!);
      b.output("indices", indices!);
      const model = b.build();
      using forward = modelSession(model, { threads: 1 });
      const found = forward.runSync({ x });
      const cotangent = found["y"]!.data as Float32Array;
      const expected = new Float32Array(x.data.length);
      found["indices"]!.data.forEach((at, i) => {
        expected[Number(at)] = cotangent[i]!;
      });
      const of = { ...model, graph: { ...model.graph, outputs: model.graph.outputs.slice(0, 1) } };
      const gradient = gradientGraph(of, { of: { y: "c" }, wrt: ["x"] });
      using session = modelSession(gradient.model, { threads: 1 });
      const { data } = session.runSync({ x, c: found["y"]! })[gradient.gradients["x"]!]!;
      assert.deepEqual(data, expected);
    });
  }
});
