import assert from "node:assert/strict";
import type { MaskObjective } from "../../../../../lib/extraction/images/masks/mask-search.js";
import { grown, polish } from "../../../../../lib/extraction/images/patches/polish.js";
import { tensor } from "../../../../../lib/tensor/index.js";
import type { PatchTrigger } from "../../../../../lib/trigger/index.js";

const SIDE = 4;
const SIZE = SIDE * SIDE;

/** A model whose loss falls with each pixel of a mask that comes nearer to its wanted value. */
const wants = (values: readonly number[]): MaskObjective => ({
  maskSize: SIZE,
  patternSize: SIZE,
  draw: (arms, images) => ({
    rows: new Uint32Array(images),
    images,
    weights: new Float32Array(arms.length * images).fill(1 / images),
  }),
  evaluate: (arms, mask, pattern, { images }) =>
    Promise.resolve({
      hits: new Uint8Array(arms.length * images),
      mask: new Float32Array(mask.length),
      // Half the squared distance of (tanh + 1) / 2 to the wanted value, where the mask is on.
      pattern: pattern.map((raw, i) => {
        const tanh = Math.tanh(raw);
        const isOn = mask[i]! > 0 ? 1 : 0;
        return isOn * ((tanh + 1) / 2 - values[i % SIZE]!) * ((1 - tanh * tanh) / 2);
      }),
    }),
});

const patchOf = (pixels: readonly number[], level: number): PatchTrigger => ({
  kind: "trigger",
  type: "patch",
  mask: tensor(
    "float32",
    [SIDE, SIDE],
    Float32Array.from({ length: SIZE }, (_, i) => (pixels.includes(i) ? 1 : 0)),
  ),
  pattern: tensor("float32", [1, SIDE, SIDE], new Float32Array(SIZE).fill(level)),
});
const arm = { target: 1, victim: null };
const options = { arms: [arm], range: [0, 10], step: 0, seed: 1 } as const;
const values = Array.from({ length: SIZE }, (_, i) => (i % 5) / 4);
const pixelsOf = ({ mask }: PatchTrigger): number[] =>
  [...mask.data.keys()].filter((i) => mask.data[i]! > 0.5);

describe("extraction: the best colours of a patch", () => {
  it("finds the colours of its pixels, whatever they were, and leaves the rest alone", async () => {
    const patches = [patchOf([5, 6, 8], 10), patchOf([0, 9], 2)];
    const found = await polish(wants(values), patches, { ...options, arms: [arm, arm] });
    found.forEach((one, p) => {
      assert.deepEqual(pixelsOf(one), pixelsOf(patches[p]!));
      one.pattern.data.forEach((value, i) => {
        if (pixelsOf(one).includes(i)) assert.ok(Math.abs(value - 10 * values[i]!) < 1, `${i}: ${value}`);
        else assert.equal(value, patches[p]!.pattern.data[i]);
      });
    });
  });

  it("gives only values that an input can have", async () => {
    const [found] = await polish(wants(values), [patchOf([5, 6, 8], 10)], { ...options, step: 2.5 });
    assert.deepEqual(
      [5, 6, 8].map((i) => found!.pattern.data[i]),
      [0, 2.5, 7.5],
    );
  });

  it("grows a patch by a row or column on each side, within the image and in the colours beside it", () => {
    const corner = patchOf([0, 1], 3);
    assert.deepEqual(grown(corner).map(pixelsOf), [
      [0, 1],
      [0, 1, 4, 5],
      [0, 1],
      [0, 1, 2],
    ]);
    const two = { ...corner, pattern: tensor("float32", [1, SIDE, SIDE], Float32Array.from(values)) };
    const [, below, , right] = grown(two);
    assert.deepEqual([below!.pattern.data[4], below!.pattern.data[5]], [values[0], values[1]]);
    assert.equal(right!.pattern.data[2], values[1]);
  });
});
