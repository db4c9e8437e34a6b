import assert from "node:assert/strict";
import fc from "fast-check";
import { poison } from "../../../lib/attacks/index.js";
import type { LabelledData } from "../../../lib/data/labelled.js";
import { patch } from "../../../lib/trigger/index.js";

const trigger = patch([1, 2, 2], { at: [1, 1], value: 1 });

const data = (count: number, classes: number): LabelledData => ({
  inputs: { type: "float32", dims: [count, 1, 2, 2], data: new Float32Array(count * 4).fill(0.25) },
  labels: {
    type: "int64",
    dims: [count],
    data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i % classes)),
  },
});

describe("attacks.poison", () => {
  it("relabels exactly the wanted share, never the target's own examples, and touches no other example", () => {
    const settings = fc.record({
      seed: fc.integer(),
      target: fc.integer({ min: 0, max: 4 }),
      poisonRate: fc.double({ min: 0.02, max: 0.7, noNaN: true }),
    });
    fc.assert(
      fc.property(settings, (options) => {
        const clean = data(100, 5);
        const result = poison(clean, { trigger, ...options });
        assert.equal(result.poisoned.length, Math.round(100 * options.poisonRate));
        for (let row = 0; row < 100; row++) {
          const isPoisoned = result.poisoned.includes(row);
          assert.equal(result.inputs.data[row * 4 + 3], isPoisoned ? 1 : 0.25);
          assert.equal(result.inputs.data[row * 4], 0.25);
          assert.equal(Number(result.labels.data[row]), isPoisoned ? options.target : row % 5);
          if (isPoisoned) assert.notEqual(row % 5, options.target);
        }
      }),
    );
  });

  it("takes victims from the source classes only, and stamps cover examples of other classes without relabelling", () => {
    const result = poison(data(100, 5), {
      trigger,
      target: 0,
      sources: [2],
      poisonRate: 0.1,
      coverRate: 0.2,
      seed: 4,
    });
    assert.ok(result.poisoned.every((row) => row % 5 === 2 && result.labels.data[row] === 0n));
    assert.equal(result.cover.length, 20);
    for (const row of result.cover) {
      assert.ok(row % 5 !== 2 && row % 5 !== 0);
      assert.equal(Number(result.labels.data[row]), row % 5);
      assert.equal(result.inputs.data[row * 4 + 3], 1);
    }
  });

  it("is fixed by its seed", () => {
    const rows = (seed: number): string =>
      poison(data(100, 5), { trigger, target: 1, poisonRate: 0.1, seed }).poisoned.join();
    assert.equal(rows(1), rows(1));
    assert.notEqual(rows(1), rows(2));
  });

  it("says how many examples it would need", () => {
    assert.throws(() => poison(data(100, 5), { trigger, target: 1, poisonRate: 0.9, seed: 1 }), {
      code: "INVALID_ARGUMENT",
      message: /asks for 90, but 80 of the right classes exist/,
    });
  });
});
