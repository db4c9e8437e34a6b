import assert from "node:assert/strict";
import { loadModel, wrapModel } from "../../../lib/model/index.js";
import { graphBuilder } from "../../../lib/onnx/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";
import { torchModelPath, torchModels, torchReference } from "../../support/torch-zoo.js";
import { uniform } from "../onnx/gradient/check.js";
import { smallModel } from "../onnx/models.js";

const floats = (tensor: Tensor | undefined): Float32Array => tensor!.data as Float32Array;

describe("model.jvp", () => {
  const seen = new Set<string>();
  for (const { name } of torchModels()) {
    // One opset of each: the derivative is taken after all are raised to the same one.
    const stem = name.replace(/-\d+$/, "");
    if (seen.has(stem)) continue;
    seen.add(stem);
    it(`is the adjoint of torch's gradient, by all inputs and weights: ${name}`, async () => {
      const { inputs, cotangents, gradients } = await torchReference(name);
      using model = await loadModel(torchModelPath(name), { threads: 1 });
      const used = Object.fromEntries(model.inputs.map((input) => [input.name, inputs[input.name]!]));
      const tangents = Object.fromEntries(
        Object.entries(gradients).map(([tensor, { dims }], i) => [tensor, uniform(i + 3, dims)]),
      );
      const changes = await model.jvp(used, { tangents, of: Object.keys(cotangents) });
      let [along, expected, size] = [0, 0, 0];
      for (const [output, c] of Object.entries(cotangents)) {
        floats(c).forEach((value, i) => {
          along += value * floats(changes[output])[i]!;
        });
      }
      for (const [tensor, g] of Object.entries(gradients)) {
        floats(g).forEach((value, i) => {
          expected += value * floats(tangents[tensor])[i]!;
          size += Math.abs(value * floats(tangents[tensor])[i]!);
        });
      }
      // c · J v = Jᵀc · v, to float32 sums; gradients that are zero are so to rounding of the terms that cancel.
      assert.ok(Math.abs(along - expected) <= 1e-5 * size + 1e-7, `${along} instead of ${expected}`);
    });
  }

  it("agrees with central differences of every output, by default", async () => {
    using model = wrapModel(smallModel(), { threads: 1 });
    const x = uniform(1, [4, 3]);
    const v = uniform(2, [4, 3]);
    const changes = await model.jvp(x, { tangents: { x: v } });
    const h = 1e-2;
    const moved = async (sign: number): Promise<Record<string, Tensor>> =>
      await model.run({ ...x, data: floats(x).map((value, i) => value + sign * h * floats(v)[i]!) });
    const [ahead, behind] = [await moved(1), await moved(-1)];
    assert.deepEqual(Object.keys(changes), Object.keys(ahead));
    for (const [name, change] of Object.entries(changes)) {
      floats(change).forEach((value, i) => {
        const measured = (floats(ahead[name])[i]! - floats(behind[name])[i]!) / (2 * h);
        assert.ok(Math.abs(value - measured) < 2e-3, `${name} ${i}: ${value}, measured ${measured}`);
      });
    }
  });

  it("serves another batch size, and inner tensors on both sides", async () => {
    using model = wrapModel(smallModel(), { threads: 1 });
    for (const n of [1, 5]) {
      const x = uniform(3, [n, 3]);
      const { hidden } = await model.jvp(x, { tangents: { x: uniform(4, [n, 3]) }, of: ["hidden"] });
      const { y } = await model.jvp(x, { tangents: { hidden: hidden! }, of: ["y"] });
      const { y: direct } = await model.jvp(x, { tangents: { x: uniform(4, [n, 3]) }, of: ["y"] });
      floats(direct).forEach((value, i) => {
        assert.ok(Math.abs(value - floats(y)[i]!) < 1e-6);
      });
    }
  });

  it("names the operator that has no derivative, and tensors that do not exist", async () => {
    const builder = graphBuilder();
    builder.input("x", "float32", ["n", 3]);
    builder.output("y", builder.op("Hardmax", ["x"]));
    using model = wrapModel(builder.build(), { threads: 1 });
    const x = uniform(1, [2, 3]);
    await assert.rejects(model.jvp(x, { tangents: { x } }), {
      code: "UNSUPPORTED_OPERATOR",
      message: /Hardmax/,
    });
    await assert.rejects(model.jvp(x, { tangents: { z: x } }), { code: "UNKNOWN_TENSOR", message: /"z"/ });
  });
});
