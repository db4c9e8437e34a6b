import assert from "node:assert/strict";
import { join } from "node:path";
import { maximumMargin } from "../../../../../lib/extraction/index.js";
import { type LoadedModel, loadModel, wrapModel } from "../../../../../lib/model/index.js";
import { graphBuilder } from "../../../../../lib/onnx/index.js";
import { tensor } from "../../../../../lib/tensor/index.js";
import { packageRoot } from "../../../../support/paths.js";

/** Class k is `gains[k]` times the mean of its own quarter of 16 values. */
function quarters(
  gains: readonly number[],
  options: { softmax?: boolean; dims?: (string | number)[] } = {},
): LoadedModel {
  const b = graphBuilder();
  const x = b.input("x", "float32", options.dims ?? ["batch", 1, 4, 4]);
  const flat = b.op("Reshape", [x, b.integers(-1, 16)]);
  const weights = new Float32Array(16 * gains.length);
  gains.forEach((gain, k) => {
    for (let i = 4 * k; i < 4 * k + 4; i++) weights[i * gains.length + k] = gain / 4;
  });
  const logits = b.op("MatMul", [flat, b.initializer("w", tensor("float32", [16, gains.length], weights))]);
  b.output("y", options.softmax ? b.op("Softmax", [logits], { axis: -1 }) : logits);
  return wrapModel(b.build("quarters"), { name: "quarters" });
}

describe("extraction.maximumMargin", () => {
  it("finds the largest margins that there are: own quarter white, all others black", async () => {
    for (const softmax of [false, true]) {
      using model = quarters([3, 4, 5, 8], { softmax });
      const { margins, largest, target } = await maximumMargin(model, { seed: 1 });
      assert.deepEqual(
        [...margins].map((margin) => Number(margin.toFixed(4))),
        [3, 4, 5, 8],
      );
      assert.equal(largest.target, 3);
      assert.equal(target, 3);
      // SciPy 1.17: with (a, _, s) = gamma.fit([3, 4, 5], floc=0), 1 - (1 - gamma.sf(8, a, scale=s)) ** 4
      assert.ok(Math.abs(largest.pValue / 0.0002317755850341396 - 1) < 1e-3, String(largest.pValue));
    }
  });

  it("takes inputs in their own range", async () => {
    using model = quarters([1, 1, 1, 1]);
    const { margins } = await maximumMargin(model, { seed: 1, range: [-1, 2] });
    for (const margin of margins) assert.ok(Math.abs(margin - 3) < 1e-3, String(margin));
  });

  it("gives p = 1 where all classes are alike", async () => {
    using model = quarters([2, 2, 2, 2]);
    assert.ok((await maximumMargin(model, { seed: 1 })).pValue > 0.9);
  });

  it("compares each class with the same class of clean models", async () => {
    using suspect = quarters([3, 8, 5, 20]);
    using first = quarters([3, 4.2, 5, 19]);
    using second = quarters([3.1, 4, 5.2, 20]);
    const { target, calibration } = await maximumMargin(suspect, { seed: 1, references: [first, second] });
    assert.equal(target, 1);
    assert.equal(calibration!.references, 2);
  });

  it("names the planted class of the bundled model without any data, and its clean twin is less unusual", async function () {
    this.timeout(60_000);
    const open = (name: string) =>
      loadModel(join(packageRoot, `notebooks/models/${name}.onnx`), { threads: 1 });
    using model = await open("fashion-cnn");
    const references = await Promise.all([1, 2, 3].map((i) => open(`fashion-cnn-clean-${i}`)));
    using twin = await open("fashion-cnn-twin");
    const settings = { seed: 1, references, starts: 10, steps: 40 };
    const found = await maximumMargin(model, settings);
    assert.equal(found.target, 7);
    assert.equal(found.passes, 4 * 10 * 10 * 41);
    // 0.07 and 0.43: margins alone do not convict this model.
    const clean = await maximumMargin(twin, settings);
    assert.ok(found.pValue < clean.pValue / 2, `${found.pValue}, twin ${clean.pValue}`);
    for (const one of references) one.release();
  });

  it("says the same for the same seed", async () => {
    using model = quarters([3, 4, 5, 20]);
    const run = async () => [...(await maximumMargin(model, { seed: 5, starts: 2, steps: 3 })).margins];
    assert.deepEqual(await run(), await run());
  });

  it("says what it needs", async () => {
    using few = quarters([1, 2, 3]);
    await assert.rejects(maximumMargin(few, { seed: 1 }), {
      code: "INVALID_ARGUMENT",
      message: /has 3 classes/,
    });
    using free = quarters([1, 2, 3, 4], { dims: ["batch", 1, "height", "width"] });
    await assert.rejects(maximumMargin(free, { seed: 1 }), {
      code: "INVALID_ARGUMENT",
      message: /option "dims"/,
    });
    assert.equal((await maximumMargin(free, { seed: 1, dims: [1, 4, 4] })).margins.length, 4);
    const signal = AbortSignal.abort();
    await assert.rejects(maximumMargin(free, { seed: 1, dims: [1, 4, 4], signal }), { code: "ABORTED" });
  });
});
