import assert from "node:assert/strict";
import { hardTrigger } from "../../../../lib/extraction/images/hard-trigger.js";
import { prepareImages } from "../../../../lib/extraction/images/prepare.js";
import { wrapModel } from "../../../../lib/model/index.js";
import { graphBuilder } from "../../../../lib/onnx/index.js";
import { generator } from "../../../../lib/random/index.js";
import { wilson } from "../../../../lib/stats/index.js";
import { tensor } from "../../../../lib/tensor/index.js";

const SIDE = 8;
const SIZE = SIDE * SIDE;
const square = [2, 3, 4].flatMap((row) => [2, 3, 4].map((column) => row * SIDE + column));
const below = [5 * SIDE + 2, 5 * SIDE + 3, 5 * SIDE + 4];

/** Class 1 where the square is bright, and the row below it to a third; images differ in how much they resist. */
function resisting() {
  const b = graphBuilder();
  b.input("x", "float32", ["batch", 1, SIDE, SIDE]);
  const weights = new Float32Array(SIZE * 2);
  for (const at of square) weights[2 * at + 1] = 4;
  for (const at of below) weights[2 * at + 1] = 4 / 3;
  // The first pixel says how much the image resists.
  weights[1] = -10;
  const flat = b.op("Reshape", ["x", b.integers(-1, SIZE)]);
  const sum = b.op("MatMul", [flat, b.constant(tensor("float32", [SIZE, 2], weights))]);
  b.output("y", b.op("Add", [sum, b.constant(tensor("float32", [2], Float32Array.of(0, -28)))]));
  return b.build();
}

describe("extraction: the trigger that a verdict reports", () => {
  const random = generator(5);
  const count = 400;
  const pixels = Float32Array.from({ length: count * SIZE }, (_, i) =>
    i % SIZE === 0 ? random.uniform() : 0.05 * random.uniform(),
  );
  const inputs = tensor("float32", [count, 1, SIDE, SIDE], pixels);
  const labels = { type: "int64", dims: [count], data: new BigInt64Array(count) } as const;

  it("is the planted square, grown where images resist it", async () => {
    using model = wrapModel(resisting());
    const images = await prepareImages(model, { inputs, labels }, { seed: 1 });
    const arm = { target: 1, victim: null };
    const mask = Float32Array.from({ length: SIZE }, (_, i) => (square.includes(i) ? 0.9 : 0.02));
    const found = {
      arm,
      mask,
      pattern: new Float32Array(SIZE).fill(0.9),
      maskL1Norm: 9,
      success: 0.8,
      isWorking: true,
      trace: [],
    };
    const trigger = {
      kind: "trigger",
      type: "patch",
      mask: tensor("float32", [SIDE, SIDE], mask),
      pattern: tensor("float32", [1, SIDE, SIDE], found.pattern),
    } as const;
    const passes = { forward: 0, backward: 0 };
    const { recovered, attackSuccessRate } = await hardTrigger(
      model,
      [],
      images,
      {
        result: { scan: null as never, masks: [found] },
        arm,
        mask: found,
        recovered: { target: 1, trigger, shape: "patch", pixels: 9 },
        attackSuccessRate: wilson(80, 100),
      },
      { seed: 1, passes },
    );
    const kept = [...recovered.trigger.mask.data.keys()].filter((i) => recovered.trigger.mask.data[i]! > 0.5);
    // The square alone turns images that resist by less than 0.8: 36 - 28 > 10 r.
    assert.deepEqual(kept, [...square, ...below]);
    assert.equal(recovered.pixels, 12);
    assert.ok(attackSuccessRate.value > 0.98, `${attackSuccessRate.value}`);
    assert.ok(passes.backward > 0);
  });
});
