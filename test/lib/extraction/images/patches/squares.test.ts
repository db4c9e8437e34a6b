import assert from "node:assert/strict";
import { join } from "node:path";
import { readLabelled } from "../../../../../lib/data/index.js";
import {
  type SquareResponses,
  sourceOf,
  squareStatistics,
  sweepSquares,
  whyNoSweep,
} from "../../../../../lib/extraction/images/patches/squares.js";
import { prepareImages } from "../../../../../lib/extraction/images/prepare.js";
import { loadModel } from "../../../../../lib/model/index.js";
import { generator } from "../../../../../lib/random/index.js";
import { packageRoot } from "../../../../support/paths.js";

const CLASSES = 6;
const squares = Array.from({ length: 40 }, (_, i) => ({ row: i % 8, column: i >> 3, side: 2, colour: [1] }));

/** Answers that follow no square, but for a planted pull of square 17 to class 4 from some classes. */
function responses(seed: number, pull: (victim: number) => number = () => 0): SquareResponses {
  const random = generator(seed);
  const probability = new Float32Array(squares.length * CLASSES * CLASSES);
  for (let square = 0; square < squares.length; square++) {
    for (let victim = 0; victim < CLASSES; victim++) {
      for (let answer = 0; answer < CLASSES; answer++) {
        const natural = answer === victim ? 0.8 : 0.04 * (0.5 + random.uniform());
        const planted = square === 17 && answer === 4 && victim !== 4 ? pull(victim) : 0;
        probability[(square * CLASSES + victim) * CLASSES + answer] = Math.max(natural, planted);
      }
    }
  }
  return { squares, classes: CLASSES, probability };
}

const references = [responses(1), responses(2), responses(3)];
const targets = Array.from({ length: CLASSES }, (_, target) => ({ target, victim: null }));
const pairs = targets.flatMap(({ target }) =>
  targets.filter((other) => other.target !== target).map((other) => ({ target, victim: other.target })),
);
const highest = <T>(arms: readonly T[], values: Float64Array): T =>
  arms[values.indexOf(Math.max(...values))]!;

describe("extraction: squares everywhere", () => {
  it("tell the class that one of them leads to from all others", () => {
    const suspect = responses(9, () => 0.9);
    assert.equal(highest(targets, squareStatistics(suspect, references, targets)).target, 4);
    assert.equal(sourceOf(suspect, references, 4), undefined);
  });

  it("tell the one class that a square works from", () => {
    const suspect = responses(9, (victim) => (victim === 2 ? 0.7 : 0.15));
    assert.deepEqual(highest(pairs, squareStatistics(suspect, references, pairs)), { target: 4, victim: 2 });
    assert.deepEqual(sourceOf(suspect, references, 4), { victim: 2, square: squares[17] });
  });

  it("count only what clean models do not do as well", () => {
    const natural = (victim: number): number => (victim === 2 ? 0.7 : 0.15);
    const arms = [{ target: 4, victim: 2 }];
    const alone = squareStatistics(responses(9, natural), references, arms)[0]!;
    const beside = squareStatistics(responses(9, natural), [...references, responses(4, natural)], arms)[0]!;
    assert.ok(alone > 2 && beside < 1, `${alone}, ${beside}`);
  });

  it("show the planted class of a backdoored model, in a few thousand forward runs", async function () {
    this.timeout(60_000);
    const folder = join(packageRoot, "notebooks/models");
    const clean = await readLabelled(join(packageRoot, "notebooks/data/fashion-mnist.npz"));
    const models = await Promise.all(
      ["fashion-cnn", "fashion-cnn-clean-1", "fashion-cnn-clean-2"].map((name) =>
        loadModel(join(folder, `${name}.onnx`)),
      ),
    );
    const images = await prepareImages(models[0]!, clean, { seed: 1 });
    assert.equal(whyNoSweep(images), null);
    const passes = { forward: 0 };
    const sweeps: SquareResponses[] = [];
    for (const model of models) sweeps.push(await sweepSquares(model, images, { budget: 18_000, passes }));
    assert.ok(passes.forward > 3 * 10_000 && passes.forward <= 3 * 22_000, String(passes.forward));
    const arms = Array.from({ length: 10 }, (_, target) => ({ target, victim: null }));
    const [own, ...others] = sweeps;
    assert.equal(highest(arms, squareStatistics(own!, others, arms)).target, 7);
    assert.equal(await sweepSquares(models[0]!, images, { budget: 18_000, passes: { forward: 0 } }), own);
    for (const model of models) model.release();
  });

  it("are left out where there are too many classes or too few images", async () => {
    using model = await loadModel(join(packageRoot, "notebooks/models/fashion-cnn.onnx"));
    const clean = await readLabelled(join(packageRoot, "notebooks/data/fashion-mnist.npz"));
    const images = await prepareImages(model, clean, { seed: 1 });
    assert.match(whyNoSweep({ ...images, classes: 100 })!, /100 classes/);
    assert.match(whyNoSweep({ ...images, layout: { ...images.layout, height: 1 } })!, /too small/);
  });
});
