import assert from "node:assert/strict";
import fc from "fast-check";
import { confusionMatrix } from "../../../lib/stats/index.js";
import { readFixture } from "../../support/fixtures.js";

interface Agreement {
  readonly labels: number[];
  readonly answers: number[];
  readonly kappa: number;
  readonly counts: number[];
}

describe("stats.confusionMatrix", () => {
  const { labels, answers, kappa, counts } = readFixture<{ agreement: Agreement }>(
    "scipy",
    "stats.json",
  ).agreement;

  it("agrees with scikit-learn's counts and kappa", () => {
    const result = confusionMatrix(labels, answers);
    assert.deepEqual([...result.counts], counts);
    assert.ok(Math.abs(result.kappa!.value - kappa) < 1e-12);
    assert.equal(result.accuracy.value, labels.filter((label, i) => label === answers[i]).length / 90);
  });

  it("has Agresti's kappa and standard error on his table of married couples", () => {
    // A. Agresti (1990), Categorical data analysis, p. 367: kappa 0.129, standard error 0.0686.
    const table = [7, 7, 2, 3, 2, 8, 3, 7, 1, 5, 4, 9, 2, 8, 9, 14];
    const pairs = table.flatMap((count, at) => Array<[number, number]>(count).fill([at >> 2, at & 3]));
    const { value, interval } = confusionMatrix(
      pairs.map(([label]) => label),
      pairs.map(([, answer]) => answer),
    ).kappa!;
    assert.ok(Math.abs(value - 0.1293) < 5e-5);
    // At n = 91 the score interval's length is the normal one's up to a few percent.
    assert.ok(Math.abs((interval[1] - interval[0]) / (2 * 1.96 * 0.0686) - 1) < 0.05, String(interval));
  });

  it("leaves out rates of classes that do not occur, and kappa where one class is all there is", () => {
    const {
      recalls,
      precisions,
      kappa: none,
      classes,
      names,
    } = confusionMatrix([0, 0, 1], [0, 2, 0], {
      names: ["bag", "boot"],
    });
    assert.deepEqual(classes, [0, 1, 2]);
    assert.deepEqual(names, ["bag", "boot", "2"]);
    assert.equal(recalls[2], null);
    assert.equal(precisions[1], null);
    assert.ok(none!.value < 0);
    assert.equal(confusionMatrix([1, 1], [1, 1]).kappa, null);
  });

  it("contains every estimate in its own interval", () => {
    const integers = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })), {
      minLength: 2,
    });
    fc.assert(
      fc.property(integers, (cases) => {
        const result = confusionMatrix(
          cases.map(([label]) => label),
          cases.map(([, answer]) => answer),
        );
        for (const estimate of [result.accuracy, result.kappa, ...result.recalls, ...result.precisions]) {
          if (estimate === null) continue;
          assert.ok(estimate.interval[0] <= estimate.value && estimate.value <= estimate.interval[1]);
          assert.ok(estimate.interval.every((bound) => bound >= -1 && bound <= 1));
        }
      }),
    );
  });

  it("refuses unequal lengths, nothing, and words", () => {
    assert.throws(() => confusionMatrix([1, 2], [1]), { code: "SHAPE_MISMATCH" });
    assert.throws(() => confusionMatrix([], []), { code: "INVALID_ARGUMENT" });
    assert.throws(() => confusionMatrix(["cat"] as unknown as number[], [1]), { code: "TYPE_MISMATCH" });
  });
});
