import assert from "node:assert/strict";
import { carriersOf } from "../../../../lib/extraction/tokens/carriers.js";
import { tokenModel } from "../../../../lib/extraction/tokens/model/token-model.js";
import { armObjective, REFERENCE_LIMIT } from "../../../../lib/extraction/tokens/objective.js";
import { generator } from "../../../../lib/random/index.js";
import { tensor } from "../../../../lib/tensor/index.js";
import { apply } from "../../../../lib/trigger/index.js";
import { linearModel, tokenScores } from "./linear-model.js";

const vocabulary = 30;
const classes = 3;
const length = 6;
const count = 8;
const own = tokenScores(vocabulary, classes, 1);
const other = tokenScores(vocabulary, classes, 2);
const random = generator(3);
const ids = BigInt64Array.from({ length: count * length }, () => BigInt(1 + random.integer(vocabulary - 1)));
const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
const inputs = tensor("int64", [count, length], ids);
const allowed = Int32Array.from({ length: vocabulary - 1 }, (_, i) => i + 1);
const carriers = carriersOf({ inputs, labels }, { classes, position: "prefix", seed: 1 });
const arm = { target: 1, victim: null };

/** The objective by the formula, for a run in front. */
function byHand(run: readonly number[], references: readonly Float32Array[]): number {
  const rows = [...labels.keys()].filter((row) => labels[row] !== arm.target);
  const loss = (scores: Float32Array, row: number): number => {
    const text = [
      ...run,
      ...Array.from(ids.subarray(row * length, row * length + length - run.length), Number),
    ];
    const logits = Array.from(
      { length: classes },
      (_, k) => text.reduce((sum, token) => sum + scores[token * classes + k]!, 0) / length,
    );
    return Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0)) - logits[arm.target]!;
  };
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, one) => sum + one, 0) / values.length;
  const limited = references.map((scores) =>
    mean(rows.map((row) => Math.min(loss(scores, row), REFERENCE_LIMIT))),
  );
  return mean(rows.map((row) => loss(own, row))) - (limited.length > 0 ? mean(limited) : 0);
}

describe("extraction: the objective of a search for tokens", () => {
  for (const positionFirst of [false, true]) {
    it(`equals its formula, and its gradient central differences, with vectors ${positionFirst ? "position" : "example"} by ${positionFirst ? "position" : "example"}`, async () => {
      using suspect = linearModel(own, classes, { positionFirst });
      using reference = linearModel(other, classes, { positionFirst });
      const models = [suspect, reference].map((one) => tokenModel(one, length));
      assert.deepEqual(
        models[0]!.lookups.map(({ order, width }) => [order, width]),
        [[positionFirst ? "positions" : "examples", classes]],
      );
      const objective = armObjective({
        model: models[0]!,
        references: [models[1]!],
        carriers,
        arm,
        allowed,
        vocabulary,
      });
      const runs = [
        [4, 9],
        [20, 7],
        [1, 1],
      ];
      const values = await objective.evaluate(runs);
      runs.forEach((run, i) => {
        assert.ok(Math.abs(values[i]! - byHand(run, [other])) < 1e-5);
      });
      // The loss as a function of a mixture of tokens at the first place is smooth: its slope is the gradient.
      const run = [4, 9];
      const gradient = await objective.gradient(run);
      const shares = (token: number, step: number): Float64Array => {
        const all = new Float64Array(2 * vocabulary);
        all[4] = 1;
        all[vocabulary + 9] = 1;
        all[token] = all[token]! + step;
        return all;
      };
      for (const token of [2, 11, 25]) {
        const [up, down] = [
          await objective.mixture(shares(token, 1e-2), 2),
          await objective.mixture(shares(token, -1e-2), 2),
        ];
        assert.ok(Math.abs((up.value - down.value) / 2e-2 - gradient[token]!) < 2e-3);
      }
    });
  }

  it("counts every sequence, and saves those of references that cannot matter", async () => {
    using suspect = linearModel(own, classes);
    using reference = linearModel(other, classes);
    const [model, beside] = [suspect, reference].map((one) => tokenModel(one, length));
    const objective = armObjective({
      model: model!,
      references: [beside!],
      carriers,
      arm,
      allowed,
      vocabulary,
    });
    const victims = labels.filter((label) => label !== arm.target).length;
    await objective.evaluate([[1], [2], [3]]);
    assert.equal(objective.spent, 2 * 3 * victims);
    const values = await objective.evaluate([[1], [2], [3]], -100);
    // A quarter of the texts, in the model alone, tells that none of the runs comes that low.
    const spent = (2 * victims + Math.ceil(victims / 4)) * 3;
    assert.equal(objective.spent, spent);
    assert.ok(values.every((value) => value === Number.POSITIVE_INFINITY));
    await objective.gradient([5]);
    // Both models, forward and back.
    assert.equal(objective.spent, spent + 4 * victims);
  });

  it("gives with a bound the same values, but for runs that do not come below it", async () => {
    using one = linearModel(own, classes);
    using another = linearModel(other, classes);
    const [model, beside] = [one, another].map((loaded) => tokenModel(loaded, length));
    const of = { model: model!, carriers, arm, allowed, vocabulary };
    const runs = [...allowed].map((token) => [token, 3]);
    for (const references of [[], [beside!]]) {
      const objective = armObjective({ ...of, references });
      const values = await objective.evaluate(runs);
      const bound = [...values].sort((a, b) => a - b)[5]!;
      const bounded = await objective.evaluate(runs, bound);
      bounded.forEach((value, i) => {
        if (value === Number.POSITIVE_INFINITY) assert.ok(values[i]! > bound - 1e-9);
        else assert.ok(Math.abs(value - values[i]!) < 1e-9);
      });
      assert.ok(bounded.filter(Number.isFinite).length < runs.length);
    }
  });

  it("puts runs in as apply does", () => {
    for (const position of ["prefix", "suffix"] as const) {
      const here = carriersOf({ inputs, labels }, { classes, position, seed: 1 });
      const trigger = { kind: "trigger", type: "tokens", tokens: [7, 8], position } as const;
      assert.deepEqual(here.insert([[7, 8]]), apply(trigger, inputs).data);
    }
    const anywhere = carriersOf({ inputs, labels }, { classes, position: "anywhere", seed: 1 });
    const starts = anywhere.starts(2);
    anywhere.insert([[7, 8]]).forEach((token, i) => {
      const [row, at] = [Math.floor(i / length), i % length];
      const begin = starts[row]!;
      const expected =
        at < begin
          ? ids[row * length + at]
          : at < begin + 2
            ? BigInt(7 + at - begin)
            : ids[row * length + at - 2];
      assert.equal(token, expected);
    });
  });
});
