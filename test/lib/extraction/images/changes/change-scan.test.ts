import assert from "node:assert/strict";
import { checkOfChanges, scanChanges } from "../../../../../lib/extraction/images/changes/change-scan.js";
import { prepareImages } from "../../../../../lib/extraction/images/prepare.js";
import { type LoadedModel, wrapModel } from "../../../../../lib/model/index.js";
import { graphBuilder } from "../../../../../lib/onnx/index.js";
import { generator } from "../../../../../lib/random/index.js";
import { tensor } from "../../../../../lib/tensor/index.js";

const SIDE = 8;
const CLASSES = 4;
const PIXELS = SIDE * SIDE;

/** Which quarter is the brightest; class 2 too where the whole image is bright, if that was planted. */
function quarters(name: string, seed: number, isPlanted: boolean): LoadedModel {
  const random = generator(seed);
  const b = graphBuilder();
  b.input("x", "float32", ["batch", 1, SIDE, SIDE]);
  const flat = b.op("Reshape", ["x", b.integers(-1, PIXELS)]);
  const weights = Float32Array.from({ length: PIXELS * CLASSES }, (_, i) => {
    const [pixel, k] = [Math.floor(i / CLASSES), i % CLASSES];
    const quarter = 2 * Math.floor(pixel / (PIXELS / 2)) + Math.floor((pixel % SIDE) / (SIDE / 2));
    const planted = isPlanted && k === 2 ? 200 / PIXELS : 0;
    return (quarter === k ? 0.8 + 0.02 * random.normal() : 0) + planted;
  });
  const sums = b.op("MatMul", [flat, b.constant(tensor("float32", [PIXELS, CLASSES], weights))]);
  const offset = b.constant(tensor("float32", [CLASSES], Float32Array.of(0, 0, isPlanted ? -80 : 0, 0)));
  b.output("y", b.op("Add", [sums, offset]));
  return wrapModel(b.build(), { name });
}

const random = generator(3);
const pixels = Float32Array.from({ length: 120 * PIXELS }, (_, i) => {
  const [image, pixel] = [Math.floor(i / PIXELS), i % PIXELS];
  const quarter = 2 * Math.floor(pixel / (PIXELS / 2)) + Math.floor((pixel % SIDE) / (SIDE / 2));
  return (quarter === image % CLASSES ? 0.6 : 0.2) + 0.05 * random.uniform();
});
const clean = {
  inputs: tensor("float32", [120, 1, SIDE, SIDE], pixels),
  labels: tensor(
    "int64",
    [120],
    BigInt64Array.from({ length: 120 }, (_, i) => BigInt(i % CLASSES)),
  ),
};

describe("extraction.scanChanges", () => {
  it("tells the class that brighter images lead to, in the suspect and in no reference", async () => {
    using honest = quarters("honest", 9, false);
    using planted = quarters("planted", 9, true);
    const references = [1, 2, 3].map((seed) => quarters(`clean ${seed}`, seed, false));
    const passes = { forward: 0, backward: 0 };
    const options = { seed: 1, starts: 1, otherness: undefined, passes };
    const images = await prepareImages(planted, clean, { seed: 1, range: [0, 1] });
    const found = (await scanChanges(planted, references, images, options))!;
    assert.equal(found.calibration.target, 2);
    assert.ok(found.calibration.pValue < 0.05, String(found.calibration.pValue));
    assert.ok(found.referenceCosts.every((costs) => costs[2]! > 2 * found.costs[2]!));
    assert.equal(passes.backward, 4 * CLASSES * 50 * 24);
    assert.match(checkOfChanges(found).why, /class 2: a warp or other tones lead there at 0\.\d+ nats/);
    const other = (await scanChanges(honest, references, images, options))!;
    assert.ok(other.calibration.pValue > 0.05, String(other.calibration.pValue));
    for (const reference of references) reference.release();
  });

  it("says nothing of rows, nor without references", async () => {
    using model = quarters("honest", 9, false);
    const images = await prepareImages(model, clean, { seed: 1, range: [0, 1] });
    const options = { seed: 1, starts: 1, otherness: undefined, passes: { forward: 0, backward: 0 } };
    assert.equal(await scanChanges(model, [], images, options), null);
    const rows = { ...images, layout: { ...images.layout, height: 1, width: PIXELS } };
    assert.equal(await scanChanges(model, [model, model], rows, options), null);
  });
});
