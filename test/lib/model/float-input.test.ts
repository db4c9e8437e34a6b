import assert from "node:assert/strict";
import { floatExamples, floatInput, type LoadedModel, wrapModel } from "../../../lib/model/index.js";
import { graphBuilder, type Model } from "../../../lib/onnx/index.js";
import { type Tensor, tensor } from "../../../lib/tensor/index.js";

/** softmax(W x / 255) of images given in some type, answered in float64. */
function classifier(type: "uint8" | "float64"): Model {
  const b = graphBuilder();
  b.input("x", type, ["batch", 4]);
  const weights = Float64Array.from([3, -1, 0.5, 2, -2, 1, 0, 1, 1, -1, 2, 0.25]);
  const values = type === "float64" ? "x" : b.op("Cast", ["x"], { to: 11 });
  const unit = b.op("Div", [values, b.number(255, "float64")]);
  b.output("y", b.op("Softmax", [b.op("MatMul", [unit, b.constant(tensor("float64", [4, 3], weights))])]));
  return b.build();
}

const bytes = tensor("uint8", [2, 4], Uint8Array.of(0, 50, 100, 255, 7, 200, 31, 128));

describe("model.floatInput", () => {
  const version = async (graph: Model, examples: Tensor): Promise<[LoadedModel, LoadedModel | undefined]> => {
    const model = wrapModel(graph);
    return [model, await floatInput(model, examples)];
  };

  for (const type of ["uint8", "float64"] as const) {
    it(`gives a model of ${type} that takes float32, answers the same and has a gradient`, async () => {
      const examples =
        type === "uint8" ? bytes : tensor("float64", bytes.dims, Float64Array.from(bytes.data, Number));
      const [model, made] = await version(classifier(type), examples);
      assert.equal(made!.inputs[0]!.type, "float32");
      const expected = (await model.run(examples))["y"]!;
      const { y } = await made!.run(floatExamples(examples));
      Array.from(expected.data as Float64Array).forEach((value, i) => {
        assert.ok(Math.abs(value - Number(y!.data[i])) < 1e-6);
      });
      const first = Float32Array.from({ length: 6 }, (_, i) => (i % 3 === 0 ? 1 : 0));
      const { x } = await made!.vjp(floatExamples(examples), {
        cotangents: { y: tensor("float32", [2, 3], first) },
        wrt: ["x"],
      });
      assert.ok(Array.from(x!.data as Float32Array).some((value) => value !== 0));
      made!.release();
      model.release();
    });
  }

  it("gives none where the graph goes on with whole numbers", async () => {
    const b = graphBuilder();
    b.input("x", "uint8", ["batch", 4]);
    b.output(
      "y",
      b.op("DequantizeLinear", ["x", b.number(0.5), b.constant(tensor("uint8", [], Uint8Array.of(7)))]),
    );
    const [model, made] = await version(b.build(), bytes);
    assert.equal(made, undefined);
    model.release();
  });
});
