import assert from "node:assert/strict";
import { allTargets, fastSearch } from "../../../../lib/extraction/images/masks/invert.js";
import type { SquareResponses } from "../../../../lib/extraction/images/patches/squares.js";
import { prepareImages } from "../../../../lib/extraction/images/prepare.js";
import { scanTargets, sweepPairs } from "../../../../lib/extraction/images/scan.js";
import { type LoadedModel, wrapModel } from "../../../../lib/model/index.js";
import { graphBuilder } from "../../../../lib/onnx/index.js";
import { generator } from "../../../../lib/random/index.js";
import { tensor } from "../../../../lib/tensor/index.js";

const CLASSES = 40;
const SIDE = 6;
const PLANTED = 17;

/** A linear classifier of 6 x 6 images whose class 17 has, if planted, a pixel of its own. */
function linear(seed: number, isPlanted: boolean): LoadedModel {
  const task = generator(1);
  const own = generator(seed);
  const weights = Float32Array.from(
    { length: SIDE * SIDE * CLASSES },
    () => task.normal() + 0.2 * own.normal(),
  );
  if (isPlanted) weights[8 * CLASSES + PLANTED] = 25;
  const b = graphBuilder();
  b.input("x", "float32", ["batch", 1, SIDE, SIDE]);
  const flat = b.op("Reshape", ["x", b.integers(-1, SIDE * SIDE)]);
  b.output(
    "y",
    b.op("MatMul", [flat, b.initializer("w", tensor("float32", [SIDE * SIDE, CLASSES], weights))]),
  );
  return wrapModel(b.build("linear"), { name: `linear ${seed}` });
}

const random = generator(4);
const clean = {
  inputs: tensor(
    "float32",
    [200, 1, SIDE, SIDE],
    Float32Array.from({ length: 200 * SIDE * SIDE }, (_, i) => (i % 36 === 8 ? 0 : random.uniform())),
  ),
};

describe("extraction: a scan of many targets", () => {
  it("asks the references of the unusual ones only, and finds the planted class among them", async () => {
    using suspect = linear(2, true);
    const references = [linear(3, false), linear(4, false), linear(5, false)];
    const images = await prepareImages(suspect, clean, { seed: 1 });
    const run = async (model: LoadedModel) => {
      const passes = { forward: 0, backward: 0 };
      const { scan } = await scanTargets(model, references, images, {
        name: "every class as target",
        arms: allTargets(CLASSES),
        search: { ...fastSearch, steps: 64, seed: 1 },
        sweeps: null,
        passes,
      });
      return { scan, passes };
    };
    const { scan, passes } = await run(suspect);
    assert.equal(scan.arms.length, 24);
    assert.equal(scan.arms[scan.calibration.target]!.target, PLANTED);
    assert.ok(scan.calibration.pValue < 0.01, String(scan.calibration.pValue));
    const { round, batch } = fastSearch;
    assert.equal(passes.forward, 4 * CLASSES * round * batch + 4 * 24 * 64 * batch);
    let accused = 0;
    for (const seed of [6, 7, 8]) {
      using honest = linear(seed, false);
      if ((await run(honest)).scan.calibration.pValue < 0.05) accused++;
    }
    assert.ok(accused <= 1, String(accused));
    for (const one of references) one.release();
  });
});

describe("extraction: pairs judged by squares alone", () => {
  const classes = 6;
  const squares = Array.from({ length: 40 }, (_, i) => ({
    row: i % 5,
    column: i >> 3,
    side: 2,
    colour: [1],
  }));
  /** Answers that follow no square, but for a planted pull of square 17 from class 2 to class 4. */
  const responses = (seed: number, pull = 0): SquareResponses => {
    const draws = generator(seed);
    const probability = Float32Array.from({ length: squares.length * classes * classes }, (_, i) => {
      const [victim, answer] = [Math.floor(i / classes) % classes, i % classes];
      const natural = answer === victim ? 0.8 : 0.04 * (0.5 + draws.uniform());
      const isPlanted = Math.floor(i / classes ** 2) === 17 && victim === 2 && answer === 4;
      return isPlanted ? Math.max(natural, pull) : natural;
    });
    return { squares, classes, probability };
  };
  const arms = Array.from({ length: classes * classes }, (_, i) => ({
    victim: Math.floor(i / classes),
    target: i % classes,
  })).filter(({ victim, target }) => victim !== target);

  it("name the planted pair, and search masks in the suspect for three of them", async () => {
    using model = linear(2, false);
    const images = await prepareImages(model, clean, { seed: 1 });
    const run = async (own: SquareResponses) => {
      const passes = { forward: 0, backward: 0 };
      const { scan, masks } = await sweepPairs(model, images, {
        name: "every pair of victim and target",
        arms,
        search: { ...fastSearch, steps: 16, batch: 8, seed: 1 },
        sweeps: { own, references: [responses(1), responses(2), responses(3)] },
        passes,
      });
      assert.deepEqual([scan.arms.length, masks.length, passes.forward], [3, 3, 3 * 16 * 8]);
      assert.deepEqual(
        masks.map(({ arm }) => arm),
        scan.arms,
      );
      return scan;
    };
    const planted = await run(responses(9, 0.8));
    assert.deepEqual(planted.arms[planted.calibration.target], { victim: 2, target: 4 });
    assert.ok(planted.calibration.pValue < 0.01, String(planted.calibration.pValue));
    const honest = await run(responses(9));
    assert.ok(honest.calibration.pValue > 0.05, String(honest.calibration.pValue));
  });
});
