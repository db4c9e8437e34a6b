import assert from "node:assert/strict";
import fc from "fast-check";
import { type Tensor, tensor } from "../../../lib/tensor/index.js";
import { apply, noiseBlend, patch, smoothWarp, type Trigger } from "../../../lib/trigger/index.js";

const images = (count: number, channels = 1, size = 6): Tensor<"float32"> =>
  tensor(
    "float32",
    [count, channels, size, size],
    Float32Array.from({ length: count * channels * size * size }, (_, i) => ((i * 37) % 101) / 100),
  );

const close = (a: number, b: number): boolean => Math.abs(a - b) < 1e-6;

describe("trigger.apply", () => {
  it("replaces exactly the pixels of a patch, in every channel of every image", () => {
    const clean = images(2, 3);
    const stamped = apply(
      patch([3, 6, 6], { at: [4, 3], size: [2, 3], value: 0.9 }),
      clean,
    ) as Tensor<"float32">;
    stamped.data.forEach((value, i) => {
      const row = Math.floor(i / 6) % 6;
      const column = i % 6;
      const inPatch = row >= 4 && column >= 3;
      assert.ok(close(value, inPatch ? 0.9 : clean.data[i]!), `row ${row}, column ${column}`);
    });
  });

  it("mixes a blend by its share", () => {
    const clean = images(1);
    const blend = noiseBlend([1, 6, 6], { alpha: 0.2, seed: 3 });
    const stamped = apply(blend, clean) as Tensor<"float32">;
    stamped.data.forEach((value, i) => {
      assert.ok(close(value, 0.8 * clean.data[i]! + 0.2 * blend.pattern.data[i]!));
    });
  });

  it("bends a ramp by the displacement itself, since bilinear reading is exact on it", () => {
    const ramp = tensor(
      "float32",
      [1, 1, 8, 8],
      Float32Array.from({ length: 64 }, (_, i) => i % 8),
    );
    const warp = smoothWarp([1, 8, 8], { strength: 0.5, seed: 1 });
    const bent = apply(warp, ramp) as Tensor<"float32">;
    bent.data.forEach((value, i) => {
      const wanted = Math.min(Math.max((i % 8) + warp.field.data[64 + i]!, 0), 7);
      assert.ok(Math.abs(value - wanted) < 1e-5);
    });
  });

  it("leaves the inputs as they are", () => {
    const clean = images(2);
    const before = clean.data.slice();
    const triggers: Trigger[] = [
      patch([1, 6, 6], { at: [0, 0], value: 1 }),
      noiseBlend([1, 6, 6], { alpha: 0.5, seed: 1 }),
      smoothWarp([1, 6, 6], { strength: 1, seed: 1 }),
    ];
    for (const trigger of triggers) apply(trigger, clean);
    assert.deepEqual(clean.data, before);
  });

  it("puts tokens in as one run, keeps the length and drops the last tokens", () => {
    const sequences = tensor("int64", [2, 5], BigInt64Array.from([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n]));
    const at = (position: "prefix" | "suffix"): string =>
      [...apply({ kind: "trigger", type: "tokens", tokens: [70, 71], position }, sequences).data].join(" ");
    assert.equal(at("prefix"), "70 71 1 2 3 70 71 6 7 8");
    assert.equal(at("suffix"), "1 2 3 70 71 6 7 8 70 71");
  });

  it("finds the run whole and the other tokens in order, wherever it goes", () => {
    const sequences = tensor(
      "int64",
      [4, 8],
      BigInt64Array.from({ length: 32 }, (_, i) => BigInt(i)),
    );
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 8 }), (seed, length) => {
        const tokens = Array.from({ length }, (_, i) => 100 + i);
        const stamped = apply({ kind: "trigger", type: "tokens", tokens, position: "anywhere" }, sequences, {
          seed,
        });
        for (let example = 0; example < 4; example++) {
          const row = [...stamped.data.slice(example * 8, example * 8 + 8)].map(Number);
          const start = row.indexOf(100);
          assert.deepEqual(row.splice(start, length), tokens);
          assert.deepEqual(
            row,
            Array.from({ length: 8 - length }, (_, i) => example * 8 + i),
          );
        }
      }),
    );
  });

  it("says what does not fit", () => {
    const dot = patch([1, 6, 6], { at: [0, 0], value: 1 });
    assert.throws(() => apply(dot, images(1, 3)), {
      code: "SHAPE_MISMATCH",
      message: /\[n, 1, 6, 6\], got \[1,3,6,6\]/,
    });
    assert.throws(() => apply(dot, tensor("int64", [1, 2], BigInt64Array.of(1n, 2n))), {
      code: "TYPE_MISMATCH",
    });
    assert.throws(() => patch([1, 6, 6], { at: [5, 5], size: [2, 2], value: 1 }), {
      code: "INVALID_ARGUMENT",
      message: /2 x 2 pixels at row 5, column 5 do not lie inside an image of 6 x 6/,
    });
  });
});
