import assert from "node:assert/strict";
import {
  float16ToNumber,
  integerLabels,
  numberToFloat16,
  rows,
  tensor,
  toFloat32,
} from "../../../lib/tensor/index.js";

describe("tensor conversions", () => {
  it("round-trip every finite half", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = float16ToNumber(bits);
      if (!Number.isNaN(value)) assert.equal(numberToFloat16(value), bits);
    }
  });

  it("round to the nearest half, ties to even", () => {
    assert.equal(numberToFloat16(1 + 2 ** -11), 0x3c00);
    assert.equal(numberToFloat16(1 + 3 * 2 ** -11), 0x3c02);
    assert.equal(numberToFloat16(65519), 0x7bff);
    assert.equal(numberToFloat16(65520), 0x7c00);
    assert.equal(numberToFloat16(2 ** -25), 0);
    assert.equal(numberToFloat16(2 ** -14 - 2 ** -26), 0x400);
  });

  it("refuse text and integers that a double cannot hold", () => {
    assert.throws(() => toFloat32(tensor("string", [1], ["cat"])), { code: "TYPE_MISMATCH" });
    assert.throws(() => toFloat32(tensor("int64", [1], BigInt64Array.of(2n ** 60n + 1n))), {
      code: "NOT_FINITE",
    });
  });
});

describe("tensor.rows", () => {
  it("flattens each example and views floats without a copy", () => {
    const data = new Float32Array(24);
    const table = rows(tensor("float32", [2, 3, 4], data), "test");
    assert.deepEqual([table.n, table.d], [2, 12]);
    assert.equal(table.data, data);
    assert.deepEqual(rows(tensor("bool", [3], Uint8Array.of(0, 1, 1)), "test").d, 1);
  });

  it("names the first value that is not a number", () => {
    const x = tensor("float64", [2, 2], Float64Array.of(1, 2, 3, Number.NaN));
    assert.throws(() => rows(x, "fitGaussian"), {
      code: "NOT_FINITE",
      message: /fitGaussian: example 1, feature 1 is NaN/,
    });
  });

  it("refuses empty tensors and scalars", () => {
    for (const dims of [[], [0, 3], [3, 0]]) {
      const length = dims.length === 0 ? 1 : 0;
      assert.throws(() => rows(tensor("float32", dims, new Float32Array(length)), "t"), {
        code: "SHAPE_MISMATCH",
      });
    }
  });
});

describe("tensor.integerLabels", () => {
  it("takes tensors, bigints, booleans and plain numbers", () => {
    assert.deepEqual([...integerLabels(tensor("int64", [2], BigInt64Array.of(3n, 1n)), 2, "t")], [3, 1]);
    assert.deepEqual([...integerLabels([true, false, 1], 3, "t")], [1, 0, 1]);
  });

  it("names a label that is not an integer, and a wrong number of labels", () => {
    assert.throws(() => integerLabels(tensor("string", [1], ["cat"]), 1, "t"), {
      code: "TYPE_MISMATCH",
      message: /"cat"/,
    });
    assert.throws(() => integerLabels([0.5], 1, "t"), { code: "TYPE_MISMATCH" });
    assert.throws(() => integerLabels([1], 2, "t"), {
      code: "SHAPE_MISMATCH",
      message: /2 examples need 2 labels, got 1/,
    });
  });
});
