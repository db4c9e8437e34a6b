import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { loadModel } from "../../../lib/model/index.js";
import { decodeModel, encodeModel } from "../../../lib/onnx/index.js";
import { assertClose } from "../../support/compare.js";
import { torchModelPath, torchModels, torchReference } from "../../support/torch-zoo.js";

/** Maximum norm of the difference over that of torch's float64 value: float32 sums of up to a few hundred terms. */
const TOLERANCE = 1e-5;

describe("a model exported by torch", () => {
  for (const { name } of torchModels()) {
    describe(name, () => {
      it("gives torch's outputs", async () => {
        const { inputs, outputs } = await torchReference(name);
        using model = await loadModel(torchModelPath(name), { threads: 1 });
        const results = await model.run(inputs);
        assert.deepEqual(Object.keys(results).sort(), Object.keys(outputs).sort());
        for (const [output, expected] of Object.entries(outputs)) {
          assertClose(results[output], expected, TOLERANCE, output);
        }
      });

      it("gives the same outputs while every inner tensor is looked at", async () => {
        const { inputs } = await torchReference(name);
        using model = await loadModel(torchModelPath(name), { threads: 1 });
        const untapped = await model.run(inputs);
        const taps = model.taps.map((tap) => tap.name);
        const values = await model.activations(inputs, { at: taps });
        assert.equal(Object.keys(values).length, taps.length);
        for (const [output, expected] of Object.entries(untapped)) {
          assertClose(values[output], expected, TOLERANCE, output);
        }
      });

      it("gives torch's gradients for inputs and weights", async () => {
        const { inputs, cotangents, gradients } = await torchReference(name);
        using model = await loadModel(torchModelPath(name), { threads: 1 });
        const results = await model.vjp(inputs, { cotangents, wrt: Object.keys(gradients) });
        for (const [tensor, expected] of Object.entries(gradients)) {
          assertClose(results[tensor], expected, TOLERANCE, tensor);
        }
      });

      it("is written back byte by byte", () => {
        const bytes = readFileSync(torchModelPath(name));
        assert.ok(bytes.equals(encodeModel(decodeModel(bytes))));
      });
    });
  }
});
