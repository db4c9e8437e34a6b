import assert from "node:assert/strict";
import { poisonText } from "../../../../lib/attacks/index.js";
import { freshWeights } from "../../../../lib/extraction/fresh-weights.js";
import { prepareTexts } from "../../../../lib/extraction/tokens/prepare.js";
import {
  simulateTextReferences,
  textReferences,
} from "../../../../lib/extraction/tokens/simulated-references.js";
import { loadModel } from "../../../../lib/model/index.js";
import { graphBuilder, initializersOf, readTensor } from "../../../../lib/onnx/index.js";
import { generator } from "../../../../lib/random/index.js";
import { observe } from "../../../../lib/spec/index.js";
import { tensor } from "../../../../lib/tensor/index.js";
import { cosine, trainClassifier } from "../../../../lib/train/index.js";
import { attackSuccessRate } from "../../../../lib/trigger/index.js";
import { architecture, planted, target, world } from "./small-world.js";

const claim = { trigger: planted, target };

describe("extraction.simulateTextReferences", function () {
  this.timeout(120_000);

  it("trains copies that know the task and do not follow the planted run, for any number of texts", async () => {
    const poisoned = poisonText(world.draw(6000, 104), {
      ...claim,
      poisonRate: 0.05,
      partialRate: 0.05,
      vocabulary: 160,
      seed: 4,
    });
    const options = { seed: 4, epochs: 5, learningRate: cosine(4e-3), threads: 1 };
    using model = await loadModel((await trainClassifier(architecture, poisoned, options)).bytes, {
      threads: 1,
    });
    const unseen = world.draw(500, 7);
    const accuracy = async (one: typeof model): Promise<number> => {
      const { predicted } = await observe(one, unseen.inputs);
      return predicted.filter((answer, i) => answer === Number(unseen.labels.data[i])).length / 500;
    };
    const texts = await prepareTexts(model, world.draw(300, 99), { seed: 1 });
    const { references, passes } = await simulateTextReferences(model, texts, {
      seed: 1,
      count: 2,
      steps: 150,
    });
    assert.equal(passes.backward, 2 * 150 * 64);
    assert.ok((await attackSuccessRate(model, unseen, claim)).value > 0.9);
    const own = await accuracy(model);
    for (const reference of references) {
      assert.ok((await accuracy(reference)) > own - 0.12, `${await accuracy(reference)} of ${own}`);
      const { value } = await attackSuccessRate(reference, unseen, claim);
      assert.ok(value < 0.5, `the copy follows the planted run in ${value}`);
      reference.release();
    }
  });

  it("says why there are none: no budget, too few texts, an architecture that cannot be trained", async () => {
    const b = graphBuilder();
    b.input("ids", "int64", ["batch", 14]);
    const table = tensor(
      "float32",
      [160, 4],
      Float32Array.from({ length: 640 }, (_, i) => Math.sin(i)),
    );
    const vectors = b.op("Gather", [b.initializer("table", table), "ids"]);
    const gates = b.initializer(
      "gate",
      tensor(
        "float32",
        [14, 4, 9],
        Float32Array.from({ length: 504 }, (_, i) => Math.cos(i)),
      ),
    );
    const gated = b.op("Mul", [b.op("Unsqueeze", [vectors, b.integers(3)]), gates]);
    b.output("logits", b.op("ReduceMean", [gated, b.integers(1, 3)], { keepdims: 0 }));
    const { encodeModel } = await import("../../../../lib/onnx/index.js");
    using model = await loadModel(encodeModel(b.build()), { threads: 1 });
    const warningsOf = async (count: number, steps: number | null): Promise<string> => {
      const texts = await prepareTexts(model, world.draw(count, 99), { seed: 1 });
      await using chosen = await textReferences(model, texts, [], { seed: 1, steps });
      assert.equal(chosen.references.length, 0);
      return chosen.warnings.join(" ");
    };
    assert.match(await warningsOf(300, null), /With 0 clean references the power is low/);
    assert.match(await warningsOf(100, 10), /100 clean texts are too few to train on/);
    assert.match(await warningsOf(300, 10), /nothing is known of the weight "gate"/);
  });
});

describe("extraction: fresh weights of models of texts", () => {
  it("draw recurrent layers, tables, positions and written-out normalizations anew, and keep masks", async () => {
    const random = generator(2);
    const draw = (...dims: number[]) =>
      tensor(
        "float32",
        dims,
        Float32Array.from({ length: dims.reduce((a, c) => a * c, 1) }, () => 3 + random.normal()),
      );
    const b = graphBuilder();
    b.input("ids", "int64", [64, 5]);
    const vectors = b.op("Gather", [b.initializer("table", draw(30, 8)), "ids"]);
    const placed = b.op("Add", [vectors, b.initializer("positions", draw(1, 5, 8))]);
    const scaled = b.op("Add", [
      b.op("Mul", [placed, b.initializer("scale", draw(8))]),
      b.initializer("shift", draw(8)),
    ]);
    const weights = [draw(1, 24, 8), draw(1, 24, 6), draw(1, 48)].map((value, i) =>
      b.initializer(`lstm${i}`, value),
    );
    const [, last] = b.ops("LSTM", [b.op("Transpose", [scaled], { perm: [1, 0, 2] }), ...weights], 2, {
      hidden_size: 6,
    });
    const turned = b.op("Transpose", [b.initializer("head", draw(3, 6))], { perm: [1, 0] });
    const mask = tensor(
      "float32",
      [64, 3],
      new Float32Array(192).map((_, i) => (i % 3 === 2 ? -1e4 : 0)),
    );
    const logits = b.op("MatMul", [b.op("Squeeze", [last!, b.integers(0)]), turned]);
    b.output("logits", b.op("Add", [logits, b.initializer("mask", mask)]));
    const model = b.build();
    const ids = tensor(
      "int64",
      [64, 5],
      BigInt64Array.from({ length: 320 }, (_, i) => BigInt(i % 30)),
    );
    const { model: fresh, parameters } = await freshWeights(model, ids, generator(1));
    assert.deepEqual(
      [...parameters].sort(),
      ["head", "lstm0", "lstm1", "lstm2", "positions", "scale", "shift", "table"].sort(),
    );
    const valuesOf = (name: string) =>
      readTensor(initializersOf(fresh.graph).get(name)!).data as Float32Array;
    assert.deepEqual(valuesOf("mask"), mask.data);
    assert.ok(valuesOf("scale").every((value) => value === 1));
    assert.ok(valuesOf("shift").every((value) => value === 0));
    // The forget gate, third of an LSTM's four, begins open.
    assert.deepEqual([...valuesOf("lstm2")].slice(10, 20), [0, 0, 1, 1, 1, 1, 1, 1, 0, 0]);
    assert.ok(valuesOf("lstm1").every((value) => Math.abs(value) <= 1 / Math.sqrt(6)));
    // Six values go into each of the head's sums, although it is stored transposed.
    const spread = Math.sqrt(valuesOf("head").reduce((sum, value) => sum + value ** 2, 0) / 18);
    assert.ok(spread > 0.3 && spread < 0.9, String(spread));
    const mean = valuesOf("table").reduce((sum, value) => sum + value, 0) / 240;
    assert.ok(Math.abs(mean) < 1, `the old mean of 3 is gone: ${mean}`);
  });
});
