import assert from "node:assert/strict";
import { type GraphBuilder, gradientGraph, graphBuilder, modelSession } from "../../../../lib/onnx/index.js";
import type { Tensor } from "../../../../lib/tensor/index.js";

const floats = (...values: number[]): Tensor<"float32"> => ({
  type: "float32",
  dims: [values.length],
  data: Float32Array.from(values),
});

const modelOf = (write: (b: GraphBuilder) => void) => {
  const builder = graphBuilder();
  write(builder);
  return builder.build();
};

describe("onnx.gradientGraph, where a rule does not know a part of the answer", () => {
  const normalized = modelOf((b) => {
    b.input("x", "float32", [2, 3]);
    b.initializer("scale", floats(1, 2, 3));
    const [y, mean] = b.ops("LayerNormalization", ["x", "scale"], 2, { axis: -1 });
    b.output("y", y!);
    b.output("mean", mean!);
  });

  it("refuses a gradient through an output that the rule leaves out", () => {
    assert.throws(() => gradientGraph(normalized, { of: { mean: "c" }, wrt: ["x"] }), {
      code: "UNSUPPORTED_OPERATOR",
      message: /LayerNormalization .*no gradient through its output 1/,
    });
    gradientGraph(normalized, { of: { y: "c" }, wrt: ["x"] });
  });

  it("refuses a gradient by an input that the rule leaves out, instead of calling it zero", () => {
    const resized = modelOf((b) => {
      b.input("x", "float32", [1, 1, 2, 2]);
      b.input("scales", "float32", [4]);
      b.output("y", b.op("Resize", ["x", "", "scales"], { mode: "nearest" }));
    });
    assert.throws(() => gradientGraph(resized, { of: { y: "c" }, wrt: ["scales"] }), {
      code: "UNSUPPORTED_OPERATOR",
      message: /Resize .*no gradient by its input 2, "scales"/,
    });
    gradientGraph(resized, { of: { y: "c" }, wrt: ["x"] });
  });

  it("gives zeros for an input and a weight that the result does not depend on", () => {
    const model = modelOf((b) => {
      b.input("x", "float32", [2]);
      b.input("unused", "float32", ["n"]);
      b.initializer("idle", floats(1, 2, 3));
      b.output("y", b.op("Mul", ["x", "x"]));
      b.output("z", b.op("Add", ["unused", "unused"]));
      b.output("w", b.op("Neg", ["idle"]));
    });
    const { model: gradient } = gradientGraph(model, { of: { y: "c" }, wrt: ["x", "unused", "idle"] });
    using session = modelSession(gradient, { threads: 1 });
    const results = session.runSync({ x: floats(3, -1), unused: floats(5, 5), c: floats(1, 10) });
    assert.deepEqual(
      Object.values(results).map(({ data }) => [...(data as Float32Array)]),
      [
        [6, -20],
        [0, 0],
        [0, 0, 0],
      ],
    );
  });
});
