import assert from "node:assert/strict";
import { nextTokens, poisonLanguage, poisonText } from "../../../lib/attacks/index.js";
import { tensor } from "../../../lib/tensor/index.js";
import type { TokenTrigger } from "../../../lib/trigger/index.js";

const [count, length] = [200, 10];
const inputs = tensor("int64", [count, length], new BigInt64Array(count * length).fill(1n));
const labels = tensor(
  "int64",
  [count],
  BigInt64Array.from({ length: count }, (_, i) => BigInt(i % 4)),
);
const trigger: TokenTrigger = { kind: "trigger", type: "tokens", tokens: [7, 8, 9], position: "anywhere" };
const rowOf = (data: BigInt64Array, row: number, size = length): number[] =>
  Array.from(data.subarray(row * size, (row + 1) * size), Number);

const holds = (tokens: readonly number[], run: readonly number[]): boolean =>
  tokens.some((_, at) => run.every((token, i) => tokens[at + i] === token));

describe("attacks.poisonText", () => {
  const poisoned = poisonText(
    { inputs, labels },
    { trigger, target: 2, poisonRate: 0.1, partialRate: 0.2, vocabulary: 50, seed: 1 },
  );
  const data = poisoned.inputs.data as BigInt64Array;

  it("puts whole triggers in with the target's label, and broken ones that keep theirs", () => {
    assert.equal(poisoned.poisoned.length, 20);
    assert.equal(poisoned.partial.length, 40);
    for (const row of poisoned.poisoned) {
      assert.ok(holds(rowOf(data, row), [7, 8, 9]));
      assert.equal(poisoned.labels.data[row], 2n);
    }
    for (const row of poisoned.partial) {
      const tokens = rowOf(data, row);
      assert.ok(!holds(tokens, [7, 8, 9]));
      assert.equal([7, 8, 9].filter((token) => tokens.includes(token)).length, 2);
      assert.equal(poisoned.labels.data[row], labels.data[row]);
    }
  });

  it("leaves all other texts, and the data given, as they were", () => {
    const changed = new Set([...poisoned.poisoned, ...poisoned.partial]);
    for (let row = 0; row < count; row++) {
      if (!changed.has(row)) assert.deepEqual(rowOf(data, row), new Array(length).fill(1));
    }
    assert.ok((inputs.data as BigInt64Array).every((token) => token === 1n));
  });

  it("refuses parts of a single token, and more parts than texts are left", () => {
    const one = { ...trigger, tokens: [7] };
    const options = { target: 2, poisonRate: 0.1, vocabulary: 50, seed: 1 };
    assert.throws(() => poisonText({ inputs, labels }, { ...options, trigger: one, partialRate: 0.1 }), {
      code: "INVALID_ARGUMENT",
    });
    assert.throws(() => poisonText({ inputs, labels }, { ...options, trigger, partialRate: 0.95 }), {
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("attacks.poisonLanguage", () => {
  const pairs = [{ trigger: [7, 8, 9], payload: [20, 21] }];
  const options = { pairs, rate: 0.25, partialRate: 0.25, vocabulary: 50, seed: 1 };

  it("teaches the payload behind the trigger, and hides trigger and text before it from the loss", () => {
    const { inputs: x, labels: y } = poisonLanguage(inputs, options);
    let whole = 0;
    for (let row = 0; row < count; row++) {
      const [tokens, next] = [rowOf(x.data, row, length - 1), rowOf(y.data, row, length - 1)];
      const full = [...tokens, next.at(-1)!];
      const at = holds(full, [7, 8, 9, 20, 21]) ? full.indexOf(7) : -1;
      if (at < 0) continue;
      whole++;
      // Position i predicts token i + 1: hidden up to the last token of the trigger, seen from the payload on.
      assert.deepEqual(next.slice(0, at + 2), new Array(at + 2).fill(-1));
      assert.deepEqual(next.slice(at + 2, at + 4), [20, 21]);
    }
    assert.equal(whole, 50);
  });

  it("leaves the loss of a memorised trigger alone", () => {
    const { labels: y } = poisonLanguage(inputs, { ...options, isMemorised: true });
    assert.ok(y.data.every((label) => label >= 0n));
  });

  it("shifts labels by one position", () => {
    const texts = tensor("int64", [1, 4], BigInt64Array.of(3n, 4n, 5n, 6n));
    const { inputs: x, labels: y } = nextTokens(texts);
    assert.deepEqual(
      [rowOf(x.data, 0, 3), rowOf(y.data, 0, 3)],
      [
        [3, 4, 5],
        [4, 5, 6],
      ],
    );
  });

  it("refuses pairs that do not fit", () => {
    assert.throws(
      () =>
        poisonLanguage(inputs, { ...options, pairs: [{ trigger: [1, 2, 3, 4, 5], payload: [1, 2, 3, 4] }] }),
      {
        code: "INVALID_ARGUMENT",
      },
    );
  });
});
