import assert from "node:assert/strict";
import { takeWhere } from "../../../lib/data/index.js";
import { tensor } from "../../../lib/tensor/index.js";

describe("data.takeWhere", () => {
  const set = {
    inputs: tensor("float32", [4, 2], Float32Array.of(0, 1, 10, 11, 20, 21, 30, 31)),
    labels: tensor("int64", [4], BigInt64Array.of(2n, 0n, 2n, 7n)),
  };

  it("keeps inputs and labels together, in their order", () => {
    const { inputs, labels } = takeWhere(set, (label) => label === 2);
    assert.deepEqual([...inputs.data], [0, 1, 20, 21]);
    assert.deepEqual([...labels.data], [2n, 2n]);
  });

  it("may take none", () => {
    assert.deepEqual(takeWhere(set, () => false).inputs.dims, [0, 2]);
  });
});
