import assert from "node:assert/strict";
import { labelledChunks, rowChunks, type Tensor, tensor } from "../../../lib/tensor/index.js";

const table = (n: number, d: number): Tensor =>
  tensor(
    "float32",
    [n, d],
    Float32Array.from({ length: n * d }, (_, i) => i),
  );

describe("tensor.rowChunks", () => {
  it("gives a tensor as one table, and tensors as one table each", () => {
    assert.deepEqual(
      Array.from(rowChunks(table(3, 2), "fit"), ({ n, d }) => [n, d]),
      [[3, 2]],
    );
    const parts = rowChunks([table(3, 2), tensor("float64", [1, 2, 1], Float64Array.of(7, 8))], "fit");
    for (const _pass of [1, 2]) {
      assert.deepEqual(
        Array.from(parts, ({ n, d }) => [n, d]),
        [
          [3, 2],
          [1, 2],
        ],
      );
    }
  });

  it("says which chunk is wrong", () => {
    const wide = rowChunks([table(3, 2), table(3, 4)], "fit");
    assert.throws(() => [...wide], {
      code: "SHAPE_MISMATCH",
      message: /fit: chunk 1 has 4 .* before have 2/,
    });
    const holed = rowChunks([table(3, 2), tensor("float64", [1, 2], Float64Array.of(1, Number.NaN))], "fit");
    assert.throws(() => [...holed], { code: "NOT_FINITE", message: /chunk 1: example 0, feature 1 is NaN/ });
    assert.throws(() => [...rowChunks([], "fit")], { code: "SHAPE_MISMATCH", message: /no chunk/ });
    assert.throws(() => rowChunks(3 as never, "fit"), { code: "TYPE_MISMATCH" });
  });

  it("refuses to read a generator a second time instead of finding it empty", () => {
    function* read(): Iterable<Tensor> {
      yield table(3, 2);
    }
    const once = rowChunks(read(), "fit");
    assert.equal([...once].length, 1);
    assert.throws(() => [...once], { code: "INVALID_ARGUMENT", message: /only once/ });
    const again = rowChunks({ [Symbol.iterator]: () => read()[Symbol.iterator]() }, "fit");
    assert.equal([...again].length + [...again].length, 2);
  });
});

describe("tensor.labelledChunks", () => {
  it("deals labels out to chunks, and counts them", () => {
    const parts = [table(2, 1), table(3, 1)];
    const labels = [5, 6, 7, 8, 9];
    assert.deepEqual(
      Array.from(labelledChunks(parts, labels, "fit"), (chunk) => [...chunk.labels]),
      [
        [5, 6],
        [7, 8, 9],
      ],
    );
    assert.throws(() => [...labelledChunks(parts, [1, 2, 3, 4], "fit")], {
      code: "SHAPE_MISMATCH",
      message: /at least 5 examples, but 4 labels/,
    });
    assert.throws(() => [...labelledChunks(parts, [1, 2, 3, 4, 5, 6], "fit")], { code: "SHAPE_MISMATCH" });
    assert.throws(() => labelledChunks(table(3, 1), [1], "fit"), { code: "SHAPE_MISMATCH" });
  });
});
