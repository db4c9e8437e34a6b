import assert from "node:assert/strict";
import { overlap, patch } from "../../../lib/trigger/index.js";

const square = (row: number, column: number, size = 3) =>
  patch([1, 9, 9], { at: [row, column], size: [size, size], value: 1 });

describe("trigger.overlap", () => {
  it("is intersection over union of the replaced pixels", () => {
    assert.equal(overlap(square(2, 2), square(2, 2)), 1);
    assert.equal(overlap(square(2, 2), square(2, 3)), 6 / 12);
    assert.equal(overlap(square(0, 0), square(4, 4)), 0);
    assert.equal(overlap(square(1, 1, 2), square(0, 0, 4)), 4 / 16);
  });

  it("refuses masks of different sizes", () => {
    const other = patch([1, 8, 8], { at: [0, 0], value: 1 });
    assert.throws(() => overlap(square(0, 0), other), { code: "SHAPE_MISMATCH", message: /\[8, 8\]/ });
  });
});
