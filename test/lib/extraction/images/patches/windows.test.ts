import assert from "node:assert/strict";
import { imageLayout } from "../../../../../lib/extraction/images/image-model.js";
import { windowAnswers, windowOf } from "../../../../../lib/extraction/images/patches/windows.js";
import { prepareImages } from "../../../../../lib/extraction/images/prepare.js";
import { type LoadedModel, wrapModel } from "../../../../../lib/model/index.js";
import { graphBuilder } from "../../../../../lib/onnx/index.js";
import { generator } from "../../../../../lib/random/index.js";
import { tensor } from "../../../../../lib/tensor/index.js";

const SIDE = 8;
const SIZE = SIDE * SIDE;
const square = [4, 5, 6].flatMap((row) => [1, 2, 3].map((column) => row * SIDE + column));

/** Class 1 where the square has the colours of a chequerboard, if planted; else class 0. */
function chequered(isPlanted: boolean): LoadedModel {
  const b = graphBuilder();
  b.input("x", "float32", ["batch", 1, SIDE, SIDE]);
  const weights = new Float32Array(SIZE * 2);
  square.forEach((at, i) => {
    weights[2 * at + 1] = (isPlanted ? 8 : 0.5) * (i % 2 === 0 ? 1 : -1);
  });
  const flat = b.op("Reshape", ["x", b.integers(-1, SIZE)]);
  const sum = b.op("MatMul", [flat, b.constant(tensor("float32", [SIZE, 2], weights))]);
  // Five bright pixels and four dark ones give 40, images without the square about 4.
  b.output("y", b.op("Add", [sum, b.constant(tensor("float32", [2], Float32Array.of(0, -30)))]));
  return wrapModel(b.build());
}

const random = generator(5);
const clean = {
  inputs: tensor(
    "float32",
    [200, 1, SIDE, SIDE],
    Float32Array.from({ length: 200 * SIZE }, () => random.uniform()),
  ),
  labels: { type: "int64", dims: [200], data: new BigInt64Array(200) } as const,
};
const mask = Float32Array.from({ length: SIZE }, (_, i) => (square.includes(i) ? 0.6 : 0.02));
mask[7] = 0.9;

describe("extraction: windows where masks are strongest", () => {
  it("lie over the most of a mask, not over its strongest pixel", () => {
    const pattern = tensor("float32", [1, SIDE, SIDE], new Float32Array(SIZE));
    const { mask: window } = windowOf(mask, pattern, imageLayout([1, 1, SIDE, SIDE]));
    assert.deepEqual(
      [...window.data.keys()].filter((i) => window.data[i]! > 0.5),
      square,
    );
  });

  it("find the colours of a planted patch, and turn a model without it nowhere", async () => {
    const answers: number[] = [];
    const passes = { forward: 0, backward: 0 };
    for (const isPlanted of [true, false]) {
      using model = chequered(isPlanted);
      const images = await prepareImages(model, clean, { seed: 1 });
      const found = {
        arm: { target: 1, victim: null },
        mask,
        pattern: new Float32Array(SIZE).fill(0.5),
        maskL1Norm: 7,
        success: 1,
        isWorking: true,
        trace: [],
      };
      answers.push(...(await windowAnswers(model, images, [found], { seed: 1, passes })));
    }
    const [planted, honest] = answers;
    assert.ok(planted! > 2 && honest! < -2, answers.join());
    assert.deepEqual(passes, { forward: 2 * (24 * 16 + 64), backward: 2 * 24 * 16 });
  });
});
