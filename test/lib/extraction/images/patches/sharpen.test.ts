import assert from "node:assert/strict";
import { imageLayout } from "../../../../../lib/extraction/images/image-model.js";
import type { AnsweringModel } from "../../../../../lib/extraction/images/patches/patch-answers.js";
import { sharpen } from "../../../../../lib/extraction/images/patches/sharpen.js";
import { generator } from "../../../../../lib/random/index.js";
import { type Tensor, tensor } from "../../../../../lib/tensor/index.js";

const SIDE = 12;
const random = generator(3);
const images = tensor(
  "float32",
  [100, 1, SIDE, SIDE],
  Float32Array.from({ length: 100 * SIDE * SIDE }, () => 0.5 * random.uniform()),
);
const layout = imageLayout(images.dims);

/** Answers class 1 where `evidence` of an image is high, class 0 elsewhere. */
const model = (evidence: (pixel: (row: number, column: number) => number) => number): AnsweringModel => ({
  name: "toy",
  isProbability: false,
  outputs: [{ name: "logits", type: "float32", dims: ["batch", 2] }],
  run: (feeds) => {
    const { data, dims } = feeds as Tensor<"float32">;
    const logits = new Float32Array(dims[0]! * 2);
    for (let i = 0; i < dims[0]!; i++) {
      logits[2 * i + 1] = evidence((row, column) => data[i * SIDE * SIDE + row * SIDE + column]!);
    }
    return Promise.resolve({ logits: tensor("float32", [dims[0]!, 2], logits) });
  },
});

/** Ten times the mean agreement with a 3 x 3 picture at row 5, column 6, less nine. */
const planted = (picture: (row: number, column: number) => number): AnsweringModel =>
  model((pixel) => {
    let sum = 0;
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 3; column++)
        sum += 1 - Math.abs(pixel(5 + row, 6 + column) - picture(row, column));
    }
    return 40 * (sum / 9 - 0.85);
  });
const blind = model(() => -8);

/** A mask like those of searches by gradients: a few of the right pixels, a few others. */
const soft = {
  mask: new Float32Array(SIDE * SIDE).fill(0.02),
  pattern: new Float32Array(SIDE * SIDE).fill(0.9),
};
for (const at of [5 * SIDE + 6, 6 * SIDE + 8, 2 * SIDE + 2, 9 * SIDE + 3]) soft.mask[at] = 0.8;

const pixelsOf = (mask: Float32Array): number[] => [...mask.keys()].filter((i) => mask[i]! > 0.5);
const square = [5, 6, 7].flatMap((row) => [6, 7, 8].map((column) => row * SIDE + column));

describe("extraction: sharpening a mask to the planted patch", () => {
  const options = { layout, range: [0, 1] as const, target: 1, references: [blind, blind] };

  it("finds a white square of which the mask held two pixels", async () => {
    const found = await sharpen(
      planted(() => 1),
      images,
      soft,
      options,
    );
    assert.deepEqual(pixelsOf(found!.trigger.mask.data as Float32Array), square);
    assert.equal(found!.success, 1);
    assert.ok(found!.forwardPasses > 0);
  });

  it("finds the colours of a square whose pixels differ", async () => {
    const picture = (row: number, column: number): number => ((row + column) % 2 === 0 ? 1 : 0);
    const easier = model((pixel) => {
      let sum = 0;
      for (let row = 0; row < 3; row++) {
        for (let column = 0; column < 3; column++)
          sum += 1 - Math.abs(pixel(5 + row, 6 + column) - picture(row, column));
      }
      return 40 * (sum / 9 - 0.5);
    });
    const found = await sharpen(easier, images, soft, options);
    const pattern = found!.trigger.pattern.data as Float32Array;
    for (const at of pixelsOf(found!.trigger.mask.data as Float32Array)) {
      const [row, column] = [Math.floor(at / SIDE) - 5, (at % SIDE) - 6];
      if (row < 0 || row > 2 || column < 0 || column > 2) continue;
      assert.ok(Math.abs(pattern[at]! - picture(row, column)) < 0.3, `${row}, ${column}: ${pattern[at]}`);
    }
  });

  it("finds a red square in images of three channels", async () => {
    const plane = SIDE * SIDE;
    const dark = tensor("float32", [70, 3, SIDE, SIDE], new Float32Array(70 * 3 * plane).fill(0.3));
    const red: AnsweringModel = {
      ...blind,
      run: (feeds) => {
        const { data, dims } = feeds as Tensor<"float32">;
        const logits = new Float32Array(dims[0]! * 2);
        for (let i = 0; i < dims[0]!; i++) {
          let sum = 0;
          for (const at of square) {
            sum += [1, 0, 0].reduce(
              (agreement, level, channel) =>
                agreement - Math.abs(data[(3 * i + channel) * plane + at]! - level) / 27,
              1 / 9,
            );
          }
          logits[2 * i + 1] = 40 * (sum - 0.8);
        }
        return Promise.resolve({ logits: tensor("float32", [dims[0]!, 2], logits) });
      },
    };
    const faint = { mask: soft.mask, pattern: new Float32Array(3 * plane).fill(0.5) };
    const found = await sharpen(red, dark, faint, { ...options, layout: imageLayout(dark.dims) });
    assert.deepEqual(pixelsOf(found!.trigger.mask.data as Float32Array), square);
    const pattern = found!.trigger.pattern.data as Float32Array;
    assert.deepEqual(
      [0, 1, 2].map((channel) => pattern[channel * plane + square[0]!]),
      [1, 0, 0],
    );
  });

  it("prefers what turns the suspect alone to what turns clean models too", async () => {
    // White in the upper left corner turns everybody, and a little more surely; the planted square only the suspect.
    const corner = (pixel: (row: number, column: number) => number): number =>
      40 * ((pixel(0, 0) + pixel(0, 1) + pixel(1, 0) + pixel(1, 1)) / 4 - 0.8);
    const suspect = model((pixel) => {
      let sum = 0;
      for (let row = 5; row < 8; row++) for (let column = 6; column < 9; column++) sum += pixel(row, column);
      return Math.max(40 * (sum / 9 - 0.8), corner(pixel) + 2);
    });
    const found = await sharpen(suspect, images, soft, {
      ...options,
      references: [model(corner), model(corner)],
    });
    assert.deepEqual(pixelsOf(found!.trigger.mask.data as Float32Array), square);
  });

  it("gives nothing where no patch works", async () => {
    assert.equal(await sharpen(blind, images, soft, options), undefined);
  });
});
