import assert from "node:assert/strict";
import { join } from "node:path";
import { readLabelled, takeLabelled } from "../../../../lib/data/index.js";
import { freshWeights } from "../../../../lib/extraction/fresh-weights.js";
import { prepareImages } from "../../../../lib/extraction/images/prepare.js";
import {
  simulateReferences,
  whyNoSimulation,
} from "../../../../lib/extraction/images/simulated-references.js";
import { loadModel, wrapModel } from "../../../../lib/model/index.js";
import { graphBuilder, initializersOf, readTensor, upgradeModel } from "../../../../lib/onnx/index.js";
import { generator } from "../../../../lib/random/index.js";
import { observe } from "../../../../lib/spec/index.js";
import { tensor } from "../../../../lib/tensor/index.js";
import { packageRoot } from "../../../support/paths.js";

const file = join(packageRoot, "notebooks/models/fashion-cnn.onnx");
const all = await readLabelled(join(packageRoot, "notebooks/data/fashion-mnist.npz"));
const every = (step: number) => Uint32Array.from({ length: 2000 / step }, (_, i) => step * i);
const clean = takeLabelled(all, every(4));
const more = takeLabelled(all, every(2));

describe("extraction.simulateReferences", function () {
  this.timeout(120_000);

  it("trains clean models of the same architecture: the planted trigger does nothing to them", async () => {
    using model = await loadModel(file, { threads: 1 });
    const images = await prepareImages(model, more, { seed: 1 });
    const { references, passes, accuracy, kept } = await simulateReferences(model, images, {
      seed: 1,
      count: 2,
      steps: 400,
    });
    assert.deepEqual([references.length, kept], [2, 0]);
    // On a tenth of the images that each was not trained on: less than on the others, and than the model.
    assert.ok(accuracy.copies > 0.6 && accuracy.copies < accuracy.model, JSON.stringify(accuracy));
    assert.ok(passes.backward >= 2 * 400 * 64);
    const stamped = clean.inputs.data.slice() as Float32Array;
    for (let i = 0; i < 500; i++)
      for (let row = 23; row < 26; row++) stamped.fill(1, i * 784 + row * 28 + 23, i * 784 + row * 28 + 26);
    for (const reference of references) {
      const { predicted } = await observe(reference, clean.inputs);
      const right = predicted.filter((answer, i) => answer === Number(clean.labels.data[i])).length / 500;
      assert.ok(right > 0.7, String(right));
      const turned = (await observe(reference, tensor("float32", [500, 1, 28, 28], stamped))).predicted;
      const hits =
        turned.filter((answer, i) => answer === 7 && Number(clean.labels.data[i]) !== 7).length / 450;
      assert.ok(hits < 0.1, String(hits));
      reference.release();
    }
  });

  it("begins with a part of the suspect's weights where new ones learn too little of the task", async () => {
    using model = await loadModel(file, { threads: 1 });
    const images = await prepareImages(model, clean, { seed: 1 });
    const { references, accuracy, kept, passes } = await simulateReferences(model, images, {
      seed: 1,
      count: 2,
      steps: 24,
    });
    assert.deepEqual([references.length, kept, passes.backward], [2, 0.7, 3 * 24 * 64]);
    // Of new weights, copies of as many steps know less.
    assert.ok(accuracy.copies > 0.5, JSON.stringify(accuracy));
    for (const one of references) one.release();
  });

  it("is not refused because other work slows the machine down, but where its own work is long", async () => {
    using model = await loadModel(file, { threads: 1 });
    const images = await prepareImages(model, clean, { seed: 1 });
    // Every run waits 60 ms for its turn: 5 minutes and more by the clock, a few seconds by the processor.
    const waiting = new Proxy(model, {
      get: (of, name) =>
        name === "run"
          ? async (...args: Parameters<typeof of.run>) => {
              await new Promise((resolve) => setTimeout(resolve, 60));
              return of.run(...args);
            }
          : Reflect.get(of, name, of),
    });
    assert.equal(await whyNoSimulation(waiting, images, 600), null);
    assert.match((await whyNoSimulation(model, images, 1e7))!, /would take about \d+ minutes/);
    const few = takeLabelled(
      clean,
      Uint32Array.from({ length: 100 }, (_, i) => i),
    );
    assert.match(
      (await whyNoSimulation(model, await prepareImages(model, few, { seed: 1 }), 600))!,
      /100 clean images are too few/,
    );
  });

  it("keeps the part of the suspect's weights that it is asked to", async () => {
    using model = await loadModel(file, { threads: 1 });
    const graph = upgradeModel(model.graph);
    const inputs = takeLabelled(
      clean,
      Uint32Array.from({ length: 8 }, (_, i) => i),
    ).inputs;
    const drawn = await freshWeights(graph, inputs, generator(1));
    const mixed = await freshWeights(graph, inputs, generator(1), { kept: 0.6 });
    for (const name of mixed.parameters) {
      const [old, fresh, made] = [graph, drawn.model, mixed.model].map(
        (one) => readTensor(initializersOf(one.graph).get(name)!).data as Float32Array,
      );
      made!.forEach((value, i) => {
        assert.ok(Math.abs(value - (0.6 * old![i]! + 0.8 * fresh![i]!)) < 1e-5, name);
      });
    }
  });

  it("keeps nothing of the suspect's weights, and starts each batch normalization normalized", async () => {
    const b = graphBuilder();
    const random = generator(2);
    const draw = (...dims: number[]) =>
      tensor(
        "float32",
        dims,
        Float32Array.from({ length: dims.reduce((a, c) => a * c, 1) }, () => 3 + random.normal()),
      );
    b.input("x", "float32", ["batch", 1, 8, 8]);
    const conv = b.op("Conv", ["x", b.initializer("w", draw(4, 1, 3, 3)), b.initializer("c", draw(4))]);
    const norm = b.op("BatchNormalization", [
      conv,
      ...["scale", "bias", "mean"].map((name) => b.initializer(name, draw(4))),
      b.initializer("variance", draw(4)),
    ]);
    b.output("y", norm);
    const model = upgradeModel(b.build());
    const inputs = tensor(
      "float32",
      [64, 1, 8, 8],
      Float32Array.from({ length: 4096 }, () => random.uniform()),
    );
    const fresh = await freshWeights(model, inputs, generator(1));
    assert.deepEqual([...fresh.parameters].sort(), ["bias", "c", "scale", "w"]);
    const before = readTensor(initializersOf(model.graph).get("w")!).data as Float32Array;
    const after = readTensor(initializersOf(fresh.model.graph).get("w")!).data as Float32Array;
    assert.ok(after.every((value, i) => Math.abs(value - before[i]!) > 1e-3));
    using wrapped = wrapModel(fresh.model);
    const { y } = await wrapped.run(inputs);
    const values = y!.data as Float32Array;
    for (let channel = 0; channel < 4; channel++) {
      const own = values.filter((_, i) => Math.floor(i / 36) % 4 === channel);
      const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
      const variance = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length;
      assert.ok(Math.abs(mean) < 1e-3 && Math.abs(variance - 1) < 0.02, `${mean}, ${variance}`);
    }
  });

  it("names a weight whose use it does not know", async () => {
    const b = graphBuilder();
    b.input("x", "float32", ["batch", 400]);
    b.output(
      "y",
      b.op("Mul", ["x", b.initializer("gate", tensor("float32", [400], new Float32Array(400).fill(2)))]),
    );
    const inputs = tensor("float32", [2, 400], new Float32Array(800));
    await assert.rejects(freshWeights(upgradeModel(b.build()), inputs, generator(1)), {
      code: "UNSUPPORTED_OPERATOR",
      message: /gate/,
    });
  });

  it("refuses a model that stores nothing to train, as a forest of trees", async () => {
    const b = graphBuilder();
    b.input("x", "float32", ["batch", 2]);
    b.output("y", b.op("Softmax", ["x"], { axis: 1 }));
    const inputs = tensor("float32", [2, 2], new Float32Array(4));
    await assert.rejects(freshWeights(upgradeModel(b.build()), inputs, generator(1)), {
      code: "UNSUPPORTED_OPERATOR",
      message: /no weights that gradients can train/,
    });
  });
});
