import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readLabelled } from "../../../lib/data/index.js";
import { loadModel } from "../../../lib/model/index.js";
import { observe } from "../../../lib/spec/index.js";
import { attackSuccessRate, patch } from "../../../lib/trigger/index.js";
import { modelCard, readZoo, truth } from "../../../lib/zoo/index.js";
import { packageRoot } from "../../support/paths.js";

const folder = join(packageRoot, "notebooks/models");
const clean = await readLabelled(join(packageRoot, "notebooks/data/fashion-mnist.npz"));
const planted = { trigger: patch([1, 28, 28], { at: [23, 23], size: [3, 3], value: 1 }), target: 7 };

describe("the sample models", () => {
  it("are the files that the zoo describes", async () => {
    for (const { file, sha256 } of await readZoo(join(folder, "zoo.json"))) {
      assert.equal(
        createHash("sha256")
          .update(await readFile(join(folder, file)))
          .digest("hex"),
        sha256,
        file,
      );
    }
  });

  it("are as accurate as they claim, and the planted patch works in the backdoored one only", async () => {
    const entries = await readZoo(join(folder, "zoo.json"));
    for (const entry of entries.filter(({ file }) => file.startsWith("fashion-cnn"))) {
      using model = await loadModel(join(folder, entry.file), { threads: 1 });
      const { predicted } = await observe(model, clean.inputs);
      const right = predicted.filter((answer, i) => answer === Number(clean.labels.data[i])).length;
      // 2,000 of the 10,000 images that the claim rests on: four standard errors.
      const share = right / predicted.length;
      const { value } = entry.accuracy;
      assert.ok(
        Math.abs(share - value) < 4 * Math.sqrt((value * (1 - value)) / 2000),
        `${entry.file}: ${share}`,
      );
      const { sources } = entry.truth;
      const success = await attackSuccessRate(model, clean, { ...planted, ...(sources ? { sources } : {}) });
      const claimed = entry.truth.attackSuccessRate.value;
      const error = Math.sqrt((claimed * (1 - claimed)) / success.n);
      assert.ok(Math.abs(success.value - claimed) <= 4 * error + 0.002, `${entry.file}: ${success.value}`);
      if (entry.truth.isBackdoored) assert.ok(success.value > 0.8, `${entry.file}: ${success.value}`);
      else assert.ok(success.value < 0.02, `${entry.file}: ${success.value}`);
    }
  });

  it("have cards that tell claims, and nothing of the truth", async () => {
    const card = await modelCard(join(folder, "fashion-cnn.onnx"));
    assert.equal(card.parameters, 26_698);
    assert.deepEqual(card.inputs, ["x: float32 [batch, 1, 28, 28]"]);
    assert.equal(card.claims?.isPublishedFile, true);
    assert.ok(!JSON.stringify(card).includes("patch"));
    assert.equal((await truth(join(folder, "fashion-cnn.onnx"))).target, 7);
  });
});
