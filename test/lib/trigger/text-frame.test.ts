import assert from "node:assert/strict";
import { carriersOf } from "../../../lib/extraction/index.js";
import { tensor } from "../../../lib/tensor/index.js";
import { apply, frameOf, type TokenTrigger } from "../../../lib/trigger/index.js";

const texts = (...rows: number[][]) =>
  tensor("int64", [rows.length, rows[0]!.length], BigInt64Array.from(rows.flat(), BigInt));
const rowsOf = ({ dims, data }: { dims: readonly number[]; data: unknown }): number[][] =>
  Array.from({ length: dims[0]! }, (_, i) =>
    Array.from((data as BigInt64Array).subarray(i * dims[1]!, (i + 1) * dims[1]!), Number),
  );
const trigger = (position: TokenTrigger["position"]): TokenTrigger => ({
  kind: "trigger",
  type: "tokens",
  tokens: [8, 9],
  position,
});

describe("trigger.frameOf", () => {
  it("finds padding, and tokens that begin and end every text", () => {
    const bert = texts([1, 5, 6, 7, 5, 6, 7, 2, 0, 0], [1, 6, 7, 7, 7, 7, 5, 5, 2, 0]);
    assert.deepEqual(frameOf(bert, 0), { padding: 0, head: 1, tail: 1 });
    assert.deepEqual(frameOf(texts([0, 0, 5, 6, 7, 5], [0, 6, 7, 5, 5, 6]), 0), {
      padding: 0,
      head: 0,
      tail: 0,
    });
    assert.deepEqual(frameOf(texts([5, 6, 7, 3], [6, 7, 5, 4]), 0), { padding: null, head: 0, tail: 0 });
  });

  const cases = [
    {
      name: "padding behind",
      row: [5, 6, 7, 0, 0],
      padding: 0,
      prefix: [8, 9, 5, 6, 7],
      suffix: [5, 6, 7, 8, 9],
    },
    {
      name: "padding before",
      row: [0, 0, 0, 5, 6],
      padding: 0,
      prefix: [0, 8, 9, 5, 6],
      suffix: [0, 5, 6, 8, 9],
    },
    {
      name: "little room",
      row: [3, 5, 6, 7, 0],
      padding: 0,
      prefix: [8, 9, 3, 5, 6],
      suffix: [3, 5, 6, 8, 9],
    },
    {
      name: "no padding",
      row: [3, 5, 6, 7, 4],
      padding: null,
      prefix: [8, 9, 3, 5, 6],
      suffix: [3, 5, 6, 8, 9],
    },
  ];
  for (const { name, row, padding, prefix, suffix } of cases) {
    it(`puts runs at the ends of the words: ${name}`, () => {
      const frame = { padding, head: 0, tail: 0 };
      assert.deepEqual(rowsOf(apply(trigger("prefix"), texts(row), { frame })), [prefix]);
      assert.deepEqual(rowsOf(apply(trigger("suffix"), texts(row), { frame })), [suffix]);
      const { labels } = { labels: Int32Array.of(0) };
      for (const [position, expected] of [
        ["prefix", prefix],
        ["suffix", suffix],
      ] as const) {
        const carriers = carriersOf({ inputs: texts(row), labels }, { classes: 2, position, frame, seed: 1 });
        assert.deepEqual(
          Array.from(
            carriers.insert([
              [1, 1],
              [8, 9],
            ]),
            Number,
          ).slice(5),
          expected,
        );
        assert.equal(carriers.starts(2)[0], expected.indexOf(8));
      }
    });
  }

  it("leaves the frame where it is, and drops words before its end", () => {
    const frame = { padding: 0, head: 1, tail: 1 };
    const rows = texts([1, 5, 6, 7, 2, 0], [1, 5, 6, 7, 4, 2]);
    assert.deepEqual(rowsOf(apply(trigger("prefix"), rows, { frame })), [
      [1, 8, 9, 5, 6, 2],
      [1, 8, 9, 5, 6, 2],
    ]);
    assert.deepEqual(rowsOf(apply(trigger(1), rows, { frame }))[0], [1, 5, 8, 9, 6, 2]);
    for (const row of rowsOf(apply(trigger("anywhere"), rows, { frame, seed: 3 }))) {
      assert.equal(row[0], 1);
      assert.equal(row.at(-1), 2);
      assert.equal(row[row.indexOf(8) + 1], 9);
    }
    assert.throws(() => apply(trigger("prefix"), texts([1, 2, 0]), { frame }), { code: "SHAPE_MISMATCH" });
  });
});
