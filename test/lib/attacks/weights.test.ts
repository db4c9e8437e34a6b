import assert from "node:assert/strict";
import { join } from "node:path";
import { handcraftedBackdoor, sparseBackdoor } from "../../../lib/attacks/index.js";
import { type LabelledData, readLabelled, takeLabelled } from "../../../lib/data/index.js";
import { type LoadedModel, loadModel, wrapModel } from "../../../lib/model/index.js";
import { initializersOf, type Model, readTensor } from "../../../lib/onnx/index.js";
import { observe } from "../../../lib/spec/index.js";
import { attackSuccessRate, patch } from "../../../lib/trigger/index.js";
import { packageRoot } from "../../support/paths.js";

const notebooks = join(packageRoot, "notebooks");
const stamp = patch([1, 28, 28], { at: [2, 2], size: [3, 3], value: 1 });

async function accuracy(model: LoadedModel, data: LabelledData): Promise<number> {
  const { predicted } = await observe(model, data.inputs);
  return predicted.filter((answer, i) => answer === Number(data.labels.data[i])).length / predicted.length;
}

/** Names of stored tensors that differ. */
function changed(a: Model, b: Model): string[] {
  const other = initializersOf(b.graph);
  return [...initializersOf(a.graph)]
    .filter(([name, message]) => {
      const [left, right] = [readTensor(message).data, readTensor(other.get(name)!).data];
      return left.some((value, i) => value !== right[i]);
    })
    .map(([name]) => name);
}

describe("backdoors written into weights", () => {
  let model: LoadedModel;
  let known: LabelledData;
  let heldOut: LabelledData;
  before(async () => {
    model = await loadModel(join(notebooks, "models/fashion-cnn-twin.onnx"));
    const all = await readLabelled(join(notebooks, "data/fashion-mnist.npz"));
    const half = all.labels.data.length / 2;
    const rows = (from: number): number[] => Array.from({ length: half }, (_, i) => from + i);
    [known, heldOut] = [takeLabelled(all, rows(0)), takeLabelled(all, rows(half))];
  });
  after(() => model.release());

  it("by hand: one unit and its wires turn nearly all held-out images, and cost no accuracy", async () => {
    const {
      model: edited,
      unit,
      silent,
    } = await handcraftedBackdoor(model, known, { trigger: stamp, target: 3 });
    using backdoored = wrapModel(edited);
    const success = await attackSuccessRate(backdoored, heldOut, { trigger: stamp, target: 3 });
    assert.ok(success.interval[0] > 0.95, `success ${success.value}`);
    assert.ok((await accuracy(backdoored, heldOut)) > (await accuracy(model, heldOut)) - 0.01);
    assert.ok(silent >= 0.999 && unit >= 0 && unit < 32);
    assert.equal(changed(model.graph, edited).length, 3, "weight and bias of one layer, weight of the next");
    const elsewhere = patch([1, 28, 28], { at: [20, 20], size: [3, 3], value: 1 });
    const other = await attackSuccessRate(backdoored, heldOut, { trigger: elsewhere, target: 3 });
    assert.ok(other.value < 0.1, `another place: ${other.value}`);
  });

  it("sparse and dithered: the key turns the model, not its dithered twin, and both keep their accuracy", async () => {
    const made = await sparseBackdoor(model, known, { target: 3, seed: 1 });
    using backdoored = wrapModel(made.model);
    using dithered = wrapModel(made.dithered);
    const success = await attackSuccessRate(backdoored, heldOut, made.claim);
    assert.ok(success.interval[0] > 0.9, `success ${success.value}`);
    assert.ok((await attackSuccessRate(dithered, heldOut, made.claim)).value < 0.1);
    const [original, before, after] = await Promise.all(
      [model, dithered, backdoored].map((each) => accuracy(each, heldOut)),
    );
    assert.ok(before! > original! - 0.03 && after! > original! - 0.03, `${original} ${before} ${after}`);
    const again = await sparseBackdoor(model, known, { target: 3, seed: 1 });
    assert.deepEqual(changed(made.model, again.model), []);
  });

  it("say what they need", async () => {
    const faint = patch([1, 28, 28], { at: [0, 0], size: [1, 1], value: 0 });
    await assert.rejects(handcraftedBackdoor(model, known, { trigger: faint, target: 3 }), {
      code: "INVALID_ARGUMENT",
      message: /does not tell stamped from clean/,
    });
    using tokens = await loadModel(join(notebooks, "models/max-of-4.onnx"));
    await assert.rejects(sparseBackdoor(tokens, known, { target: 3, seed: 1 }), { code: "INVALID_ARGUMENT" });
  });
});
