import assert from "node:assert/strict";
import { join } from "node:path";
import { answers } from "../../../lib/bench/graph/answers.js";
import { imageCarrier, textCarrier } from "../../../lib/bench/graph/carriers.js";
import { disguises } from "../../../lib/bench/graph/disguises.js";
import { floatLookAlikes } from "../../../lib/bench/graph/look-alikes.js";
import { questions } from "../../../lib/bench/graph/questions.js";
import { sealedSets } from "../../../lib/bench/graph/sealed-sets.js";
import { plant } from "../../../lib/bench/graph/site.js";
import { readLabelled } from "../../../lib/data/index.js";
import { findWitness } from "../../../lib/extraction/index.js";
import { wrapModel } from "../../../lib/model/index.js";
import { decodeModel, encodeModel, type Model } from "../../../lib/onnx/index.js";
import { type Tensor, takeExamples, tensor } from "../../../lib/tensor/index.js";
import { packageRoot } from "../../support/paths.js";

const image = imageCarrier();
const text = textCarrier();
const words = tensor(
  "int64",
  [32, 20],
  BigInt64Array.from({ length: 640 }, (_, i) => BigInt(10 + ((i * 7919) % 38))),
);
let images: Tensor;
/** They wait for a sum of the whole input that no constant tells. */
const hashes = new Set(["the parity of all pixels", "a sum of words times primes, modulo another"]);

/** The witness of a model, and what the model, loaded anew, answers to it. */
async function witnessOf(model: Model, inputs: Tensor) {
  using loaded = wrapModel(decodeModel(encodeModel(model)));
  const witness = await findWitness(loaded, inputs, { seed: 1 });
  if (witness === null) return null;
  const label = async (input: Tensor): Promise<number> => {
    const [output] = Object.values(await loaded.run(input));
    const values = Array.from(output!.data as ArrayLike<number | bigint>, Number);
    return values.length === 1 ? values[0]! : values.indexOf(Math.max(...values));
  };
  return { witness, before: await label(witness.clean), after: await label(witness.triggered) };
}

describe("extraction.findWitness", () => {
  before(async () => {
    const clean = await readLabelled(join(packageRoot, "notebooks/data/fashion-mnist.npz"));
    images = takeExamples(
      clean.inputs,
      Uint32Array.from({ length: 32 }, (_, i) => i),
    );
  });

  const acts = Object.entries(answers);
  for (const [i, [asked, ask]] of Object.entries(questions).entries()) {
    const [acted, act] = acts[i % acts.length]!;
    it(`finds an input that wakes "${asked}" and sees "${acted}" happen, in images and words`, async () => {
      for (const [carrier, inputs] of [
        [image, images],
        [text, words],
      ] as const) {
        const found = await witnessOf(plant(carrier, ask, act), inputs);
        assert.ok(found, "no witness");
        const { witness, after } = found;
        assert.ok(witness.wakeRate.value >= 0.8, `wakes on ${witness.wakeRate.value}`);
        if (witness.attackSuccessRate.value === 1 && witness.target !== null)
          assert.equal(after, witness.target);
        assert.equal(witness.mask.dims.length, carrier.dims.length);
        const needed = witness.mask.data.reduce((sum, value) => sum + value, 0);
        assert.ok(needed <= 100, `${needed} places`);
      }
    });
  }

  it("takes away what the trigger does not need", async () => {
    const act = answers["Where with a payload"];
    const found = await witnessOf(plant(image, questions["Greater of a minimum"], act), images);
    const { mask, attackSuccessRate, withoutLogic, target } = found!.witness;
    assert.equal(target, 3);
    assert.deepEqual(
      Array.from(mask.data.keys()).filter((place) => mask.data[place] === 1),
      [25, 26, 27].flatMap((row) => [25, 26, 27].map((column) => 28 * row + column)),
    );
    assert.equal(attackSuccessRate.value, 1);
    assert.ok(withoutLogic.value < 0.2);
  });

  it("finds one for every sealed backdoor that changes an answer", async () => {
    for (const { name, isBackdoored, make } of sealedSets.flatMap(({ models }) => models)) {
      const model = make(image, text);
      if (!isBackdoored || hashes.has(name)) continue;
      const isText = model.graph.inputs[0]!.name === "ids";
      const found = await witnessOf(model, isText ? words : images);
      assert.ok(found, name);
      assert.ok(found.witness.attackSuccessRate.value - found.witness.withoutLogic.value > 0.25, name);
    }
  });

  it("sees through functions and branches", async () => {
    for (const name of [
      "two functions deep",
      "in a branch that always runs",
      "a hidden row chosen by Where",
    ]) {
      assert.ok(await witnessOf(disguises[name]!(image), images), name);
    }
  });

  it("finds nothing where nothing is planted", async () => {
    for (const [name, make] of Object.entries(floatLookAlikes)) {
      assert.equal(await witnessOf(make(image), images), null, name);
    }
  });
});
