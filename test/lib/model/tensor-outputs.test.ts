import assert from "node:assert/strict";
import { withTensorOutputs, wrapModel } from "../../../lib/model/index.js";
import { graphBuilder } from "../../../lib/onnx/index.js";
import { tensor } from "../../../lib/tensor/index.js";

/** As scikit-learn's converter writes a classifier: labels, and a list of maps from class to probability. */
function converted(isMapped: boolean) {
  const b = graphBuilder(undefined, [
    { domain: "", version: 17 },
    { domain: "ai.onnx.ml", version: 1 },
  ]);
  b.input("X", "float32", ["n", 3]);
  const probabilities = b.op("Softmax", ["X"], { axis: 1 });
  const maps = isMapped
    ? b.op("ZipMap", [probabilities], { classlabels_int64s: [5, 6, 7] }, "ai.onnx.ml")
    : probabilities;
  b.output("output_label", b.op("ArgMax", [probabilities], { axis: 1, keepdims: 0 }));
  // Under its own name: no Identity takes a list of maps.
  b.output(maps);
  return wrapModel(b.build());
}

describe("model.withTensorOutputs", () => {
  const x = tensor("float32", [1, 3], Float32Array.of(0, Math.log(2), 0));

  it("gives the probabilities in place of scikit-learn's list of maps", async () => {
    using model = withTensorOutputs(converted(true));
    const [label, probabilities] = Object.values(await model.run({ X: x }));
    assert.deepEqual(Array.from(label!.data as BigInt64Array), [1n]);
    assert.deepEqual(probabilities!.dims, [1, 3]);
    [0.25, 0.5, 0.25].forEach((value, k) => {
      assert.ok(Math.abs((probabilities!.data as Float32Array)[k]! - value) < 1e-6);
    });
  });

  it("leaves a model that answers in tensors as it is", () => {
    using model = converted(false);
    assert.equal(withTensorOutputs(model), model);
  });
});
