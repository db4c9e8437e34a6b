import assert from "node:assert/strict";
import { concatExamples, takeExamples, tensor } from "../../../lib/tensor/index.js";

describe("tensor.concatExamples", () => {
  const a = tensor("int64", [2, 2], BigInt64Array.of(1n, 2n, 3n, 4n));
  const b = tensor("int64", [1, 2], BigInt64Array.of(5n, 6n));

  it("puts examples one after the other, and takeExamples takes them apart again", () => {
    const all = concatExamples([a, b]);
    assert.deepEqual(all, tensor("int64", [3, 2], BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n)));
    assert.deepEqual(takeExamples(all, [2]), b);
    assert.deepEqual(concatExamples([tensor("string", [1], ["x"]), tensor("string", [1], ["y"])]).data, [
      "x",
      "y",
    ]);
  });

  it("refuses other shapes, other types and nothing at all", () => {
    const wrong = tensor("int64", [1, 3], BigInt64Array.of(1n, 2n, 3n));
    assert.throws(() => concatExamples([a, wrong]), {
      code: "SHAPE_MISMATCH",
      message: /\[2, 2\] and int64 \[1, 3\]/,
    });
    assert.throws(() => concatExamples([]), { code: "SHAPE_MISMATCH", message: /none/ });
  });
});
