import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheActivations, type LoadedModel, wrapModel } from "../../../lib/model/index.js";
import { uniform } from "../onnx/gradient/check.js";
import { smallModel } from "../onnx/models.js";

describe("model.cacheActivations", () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-cache-"));
  const inputs = uniform(1, [25, 3]);
  let model: LoadedModel;
  before(() => {
    model = wrapModel(smallModel(), { threads: 1 });
  });
  after(() => {
    model.release();
    rmSync(folder, { recursive: true });
  });

  it("gives in shards what activations gives at once", async () => {
    const cache = await cacheActivations(model, inputs, { at: ["hidden", "y"], folder, batchSize: 10 });
    assert.deepEqual([cache.examples, cache.shards], [25, 3]);
    const whole = await model.activations(inputs, { at: "hidden" });
    const parts = [...cache.chunks("hidden")];
    assert.deepEqual(
      parts.map(({ dims }) => dims[0]),
      [10, 10, 5],
    );
    assert.deepEqual(
      parts.flatMap(({ data }) => Array.from(data as Float32Array)),
      Array.from(whole.data as Float32Array),
    );
    assert.throws(() => [...cache.chunks("relu")], { code: "UNKNOWN_TAP", message: /hidden, y/ });
  });

  it("stops between shards, goes on there, and computes nothing twice", async () => {
    const controller = new AbortController();
    const options = { at: ["active"], folder, batchSize: 5 };
    const stopped = cacheActivations(model, inputs, {
      ...options,
      signal: controller.signal,
      onProgress: ({ done }) => done >= 10 && controller.abort(),
    });
    await assert.rejects(stopped, { code: "ABORTED", message: /after 2 of 5 shards/ });
    const cache = await cacheActivations(model, inputs, options);
    const times = (): number[] =>
      readdirSync(cache.folder)
        .filter((file) => file.endsWith(".npy"))
        .map((file) => statSync(join(cache.folder, file)).mtimeMs);
    const before = times();
    assert.equal(before.length, 5);
    await cacheActivations(model, inputs, options);
    assert.deepEqual(times(), before);
  });

  it("keeps other data and other taps apart", async () => {
    const keyFor = async (seed: number, at: string): Promise<string> =>
      (await cacheActivations(model, uniform(seed, [5, 3]), { at: [at], folder })).key;
    const keys = [await keyFor(1, "y"), await keyFor(2, "y"), await keyFor(1, "active")];
    assert.equal(new Set(keys).size, 3);
  });
});
