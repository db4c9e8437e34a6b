import assert from "node:assert/strict";
import { gradient, wrapModel } from "../../../lib/model/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";
import { smallModel } from "../onnx/models.js";

describe("model.gradient", () => {
  const values = [0.5, -1, 2, 1.5, 0.25, -0.75];
  const input = (data: readonly number[]): Tensor => ({
    type: "float32",
    dims: [2, 3],
    data: Float32Array.from(data),
  });
  const options = { loss: "cross-entropy", labels: [1, 3], wrt: ["x"], logits: "active" } as const;

  it("agrees with the model's own softmax and with central differences of the loss", async () => {
    using model = wrapModel(smallModel());
    const { loss, gradients } = await gradient(model, input(values), options);
    const y = (await model.run(input(values)))["y"]!.data;
    assert.ok(Math.abs(loss + (Math.log(Number(y[1])) + Math.log(Number(y[7]))) / 2) < 1e-6);
    const h = 1 / 64;
    for (let i = 0; i < 6; i++) {
      const moved = (by: number): Tensor => input(values.map((value, j) => value + (i === j ? by : 0)));
      const [up, down] = [
        await gradient(model, moved(h), options),
        await gradient(model, moved(-h), options),
      ];
      const slope = (up.loss - down.loss) / (2 * h);
      assert.ok(Math.abs(slope - Number(gradients["x"]!.data[i])) < 2e-4, `${i}: ${slope}`);
    }
  });

  it("names a label that is no class", async () => {
    using model = wrapModel(smallModel());
    await assert.rejects(gradient(model, input(values), { ...options, labels: [0, 4] }), {
      code: "INVALID_ARGUMENT",
      message: /label 4 of example 1/,
    });
  });
});
