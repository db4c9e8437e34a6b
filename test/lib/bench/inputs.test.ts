import assert from "node:assert/strict";
import { join } from "node:path";
import { inputSets, measureLayer, WHERE_IT_WORKS } from "../../../lib/bench/vision/input-scores.js";
import { plainRecipes } from "../../../lib/bench/vision/plain-models.js";
import { readLabelled, split } from "../../../lib/data/index.js";
import { loadModel } from "../../../lib/model/index.js";
import { type Tensor, tensor } from "../../../lib/tensor/index.js";
import { apply, patch } from "../../../lib/trigger/index.js";
import { packageRoot } from "../../support/paths.js";

/** n images of one pixel, each with its own value. */
const pixels = (n: number) => ({
  inputs: tensor(
    "float32",
    [n, 1, 1, 1],
    Float32Array.from({ length: n }, (_, i) => i),
  ),
  labels: tensor(
    "int64",
    [n],
    BigInt64Array.from({ length: n }, (_, i) => BigInt(i % 10)),
  ),
});
/** Marks an image, so that it can still be recognised. */
const mark = (images: Tensor): Tensor =>
  tensor(
    "float32",
    images.dims,
    (images.data as Float32Array).map((value) => value + 0.5),
  );

describe("the sets of images that track I judges", () => {
  const sets = inputSets(pixels(5), pixels(9000), mark, (label) => label !== 3, 7);
  const of = ({ data }: Tensor): number[] => [...(data as Float32Array)];

  it("have the stated sizes, and no image is in two of them", () => {
    assert.deepEqual(
      [sets.clean, sets.triggered, sets.labelled, sets.batch].map(({ dims }) => dims[0]),
      [600, 600, 64, 3000],
    );
    const all = [sets.clean, sets.triggered, sets.labelled, sets.batch].flatMap(of).map(Math.floor);
    assert.equal(new Set(all).size, all.length);
  });

  it("mark victims only, and one image in twenty of the batch", () => {
    const isMarked = (value: number): boolean => value % 1 === 0.5;
    const marked = [...of(sets.triggered), ...of(sets.labelled)];
    assert.ok(marked.every((value) => isMarked(value) && Math.floor(value) % 10 !== 3));
    assert.equal(of(sets.batch).filter(isMarked).length, 150);
    assert.ok(!of(sets.clean).some(isMarked));
  });

  it("depend on the seed alone", () => {
    const again = inputSets(pixels(5), pixels(9000), mark, (label) => label !== 3, 7);
    assert.deepEqual(of(again.batch), of(sets.batch));
    const other = inputSets(pixels(5), pixels(9000), mark, (label) => label !== 3, 8);
    assert.notDeepEqual(of(other.batch), of(sets.batch));
  });
});

describe("the scores of single inputs", () => {
  it("see the planted patch of the tour's model, and hardly in its twin", async function () {
    this.timeout(120_000);
    const [trusted, heldOut] = split(
      await readLabelled(join(packageRoot, "notebooks/data/fashion-mnist.npz")),
      {
        seed: 1,
        share: 0.3,
      },
    );
    const stamp = patch([1, 28, 28], { at: [23, 23], size: [3, 3], value: 1 });
    const sets = inputSets(
      trusted,
      heldOut,
      (images) => apply(stamp, images),
      (label) => label !== 7,
      1,
    );
    const narrow = async (file: string, turned?: readonly number[]) => {
      using model = await loadModel(join(packageRoot, "notebooks/models", file), { threads: 1 });
      return await measureLayer(model, sets, { seed: 1, draws: 1, at: "hidden", turned });
    };
    const some = Array.from({ length: 200 }, (_, i) => 3 * i);
    const [own, twin] = [await narrow("fashion-cnn.onnx", some), await narrow("fashion-cnn-twin.onnx")];
    for (const name of [
      "Ledoit-Wolf Mahalanobis",
      "QUE, batch with 5 % triggered",
      "logistic probe, 4 labels",
    ]) {
      const part = own[`${name}${WHERE_IT_WORKS}`]!;
      assert.equal(part.n, own[name]!.n - 400);
      assert.ok(Math.abs(part.value - own[name]!.value) < 0.03, `${name}: ${part.value}`);
      assert.equal(twin[`${name}${WHERE_IT_WORKS}`], undefined);
    }
    for (const name of ["Ledoit-Wolf Mahalanobis", "logistic probe, 4 labels"]) {
      assert.ok(own[name]!.value > 0.97, `${name}: ${own[name]!.value}`);
      assert.ok(twin[name]!.value < own[name]!.value - 0.15, `${name}, twin: ${twin[name]!.value}`);
    }
  });
});

describe("the plain models of track I", () => {
  it("are eight patches, four pixels and four blends, in turns, with seeds of their own in each pool", () => {
    for (const pool of ["dev", "test"] as const) {
      const families = plainRecipes(pool).map(({ family }) => family);
      assert.deepEqual(
        ["patch", "pixel", "blend"].map((family) => families.filter((one) => one === family).length),
        [8, 4, 4],
      );
      assert.deepEqual([...new Set(families.slice(0, 4))].sort(), ["blend", "patch", "pixel"]);
    }
    const seeds = (["dev", "test"] as const).flatMap((pool) => plainRecipes(pool).map(({ seed }) => seed));
    assert.equal(new Set(seeds).size, 32);
  });
});
