import assert from "node:assert/strict";
import { tensor } from "../../../lib/tensor/index.js";
import { apply, candidate, patch, tokens, withAndWithout } from "../../../lib/trigger/index.js";

describe("trigger.withAndWithout", () => {
  it("gives the inputs untouched with label 0, then the same ones with the trigger and label 1", () => {
    const images = tensor(
      "float32",
      [3, 1, 2, 2],
      Float32Array.from({ length: 12 }, (_, i) => i / 20),
    );
    const corner = patch([1, 2, 2], { at: [1, 1], value: 1 });
    const { inputs, labels } = withAndWithout(corner, images);
    assert.deepEqual(inputs.dims, [6, 1, 2, 2]);
    assert.deepEqual([...inputs.data].slice(0, 12), [...images.data]);
    assert.deepEqual([...inputs.data].slice(12), [...apply(corner, images).data]);
    assert.deepEqual([...labels.data], [0n, 0n, 0n, 1n, 1n, 1n]);
  });

  it("places tokens as trigger.apply does with the same seed", () => {
    const ids = tensor(
      "int64",
      [4, 6],
      BigInt64Array.from({ length: 24 }, (_, i) => BigInt(i)),
    );
    const run = tokens([90, 91]);
    const { inputs } = withAndWithout(run, ids, { seed: 3 });
    assert.deepEqual([...inputs.data].slice(24), [...apply(run, ids, { seed: 3 }).data]);
  });
});

describe("trigger.tokens", () => {
  it("goes anywhere unless told otherwise", () => {
    assert.equal(tokens([1]).position, "anywhere");
    assert.equal(tokens([1], { position: "suffix" }).position, "suffix");
  });

  for (const ids of [[], [-1], [1.5], [Number.NaN]]) {
    it(`refuses [${ids}] and says it`, () => {
      assert.throws(() => tokens(ids), { code: "INVALID_ARGUMENT", message: /from 0/ });
    });
  }
});

describe("trigger.candidate", () => {
  it("puts the trigger on inputs under its name", () => {
    const images = tensor("float32", [1, 1, 2, 2], new Float32Array(4));
    const corner = patch([1, 2, 2], { at: [0, 0], value: 1 });
    const { name, apply: put } = candidate("corner", corner);
    assert.equal(name, "corner");
    assert.deepEqual([...put(images).data], [1, 0, 0, 0]);
  });
});
