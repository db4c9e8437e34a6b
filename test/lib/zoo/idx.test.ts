import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { readIdx } from "../../../lib/zoo/idx.js";

/** Two images of 2 x 3 pixels, byte for byte as the format's description lays them out. */
const file = Uint8Array.of(
  0,
  0,
  8,
  3,
  0,
  0,
  0,
  2,
  0,
  0,
  0,
  2,
  0,
  0,
  0,
  3,
  0,
  1,
  2,
  3,
  4,
  5,
  250,
  251,
  252,
  253,
  254,
  255,
);

describe("zoo.readIdx", () => {
  it("reads dimensions and bytes", () => {
    const images = readIdx(file, "images");
    assert.deepEqual(images.dims, [2, 2, 3]);
    assert.deepEqual([...images.data.slice(4, 8)], [4, 5, 250, 251]);
  });

  it("reads gzipped files alike", () => {
    assert.deepEqual(readIdx(gzipSync(file), "images"), readIdx(file, "images"));
  });

  it("refuses every truncation and every damaged header with one clear message", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: file.length - 1 }), (length) => {
        assert.throws(() => readIdx(file.subarray(0, length), "cut.idx"), {
          code: "INVALID_FILE",
          message: /"cut.idx" is not a readable IDX file/,
        });
      }),
    );
    assert.throws(() => readIdx(Uint8Array.of(0x1f, 0x8b, 1, 2, 3), "zip.idx"), { code: "INVALID_FILE" });
  });

  it("does not believe a header that asks for terabytes", () => {
    const bomb = Uint8Array.of(0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2);
    assert.throws(() => readIdx(bomb, "bomb.idx"), { code: "INVALID_FILE" });
  });
});
