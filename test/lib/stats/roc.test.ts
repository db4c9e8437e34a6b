import assert from "node:assert/strict";
import fc from "fast-check";
import { generator } from "../../../lib/random/index.js";
import {
  auroc,
  clopperPearson,
  compareAuroc,
  delong,
  normalCdf,
  normalQuantile,
  partialAuroc,
  rocCurve,
  truePositiveRateAt,
} from "../../../lib/stats/index.js";
import { readFixture } from "../../support/fixtures.js";

interface Row {
  readonly negatives: number[];
  readonly positives: number[];
  readonly otherNegatives: number[];
  readonly otherPositives: number[];
  readonly auroc: number;
  readonly mannWhitney: number;
  readonly variance: number;
  readonly pairedVariance: number;
  readonly partial: [number, number][];
}
const { roc } = readFixture<{ roc: readonly Row[] }>("scipy", "stats.json");
const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} instead of ${expected}`);

describe("stats.auroc", () => {
  for (const [index, row] of roc.entries()) {
    it(`agrees with scikit-learn, Mann-Whitney and DeLong's definition, case ${index}`, () => {
      near(auroc(row).value, row.auroc);
      near(auroc(row).value, row.mannWhitney);
      near(delong(row).standardError ** 2, row.variance);
    });

    it(`tests paired scores with DeLong's covariance, case ${index}`, () => {
      const other = { negatives: row.otherNegatives, positives: row.otherPositives };
      const { difference, pValue } = compareAuroc(row, other);
      near(pValue, 2 * normalCdf(-Math.abs(difference.value) / Math.sqrt(row.pairedVariance)));
    });
  }

  it("counts ties one half", () => {
    assert.equal(auroc({ negatives: [1, 1], positives: [1, 1, 1] }).value, 0.5);
    assert.equal(auroc({ negatives: [0.1, 0.3], positives: [0.3, 0.9] }).value, 0.875);
  });

  it("has a 95 % interval that covers the true value in 93 to 97 % of 1,000 draws", () => {
    for (const n of [50, 100]) {
      for (const truth of [0.6, 0.75, 0.85, 0.95]) {
        const random = generator(1).split(`${n} ${truth}`);
        const shift = normalQuantile(truth) * Math.SQRT2;
        let covered = 0;
        for (let draw = 0; draw < 1000; draw++) {
          const negatives = Array.from({ length: n }, () => random.normal());
          const positives = Array.from({ length: n }, () => random.normal() + shift);
          const [low, high] = auroc({ negatives, positives }).interval;
          covered += Number(low <= truth && truth <= high);
        }
        assert.ok(covered >= 930 && covered <= 970, `n = ${n}, AUROC ${truth}: ${covered / 1000}`);
      }
    }
  });

  it("admits uncertainty when the groups separate completely", () => {
    const { value, interval } = auroc({ negatives: [1, 2, 3], positives: [4, 5, 6, 7] });
    assert.equal(value, 1);
    assert.ok(interval[0] > 0.2 && interval[0] < 0.4 && interval[1] === 1, String(interval));
    assert.deepEqual(auroc({ negatives: [4, 5], positives: [1] }).interval[0], 0);
    // One pair out of order must not promise more than none.
    const many = Array.from({ length: 100 }, (_, i) => i);
    const perfect = auroc({ negatives: many, positives: many.map((x) => x + 100) });
    const nearly = auroc({ negatives: many, positives: many.map((x) => x + 98.5) });
    assert.ok(
      nearly.value < 1 && nearly.interval[0] <= perfect.interval[0],
      `${nearly.interval} ${perfect.interval}`,
    );
  });

  it("mirrors when the groups are swapped and ignores monotone changes of the score", () => {
    const scores = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(scores, scores, (negatives, positives) => {
        const there = auroc({ negatives, positives });
        const back = auroc({ negatives: positives, positives: negatives });
        const cube = (x: number): number => x ** 3;
        near(there.value, 1 - back.value);
        near(there.interval[0], 1 - back.interval[1]);
        assert.deepEqual(auroc({ negatives: negatives.map(cube), positives: positives.map(cube) }), there);
      }),
    );
  });

  it("names what is empty or not a number", () => {
    assert.throws(() => auroc({ negatives: [], positives: [1] }), {
      code: "INVALID_ARGUMENT",
      message: /no negatives/,
    });
    assert.throws(() => auroc({ negatives: [1], positives: [1, Number.NaN] }), {
      code: "NOT_FINITE",
      message: /positives\[1\] is NaN/,
    });
  });
});

describe("stats.rocCurve", () => {
  it("rises from (0, 0) to (1, 1), and its area is the AUROC", () => {
    for (const row of roc) {
      const { falsePositiveRates: x, truePositiveRates: y, auroc: area, thresholds } = rocCurve(row);
      assert.deepEqual([x[0], y[0], x.at(-1), y.at(-1)], [0, 0, 1, 1]);
      assert.equal(thresholds[0], Number.POSITIVE_INFINITY);
      let sum = 0;
      for (let i = 1; i < x.length; i++) sum += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2;
      near(sum, area.value);
    }
  });
});

describe("stats.partialAuroc", () => {
  it("agrees with scikit-learn's standardised partial area", () => {
    for (const row of roc) {
      for (const [rate, expected] of row.partial) near(partialAuroc(rate, row), expected);
    }
  });
});

describe("stats.truePositiveRateAt", () => {
  it("never lets more negatives through than asked", () => {
    const negatives = [0, 0, 1, 1, 2, 3, 4, 5, 6, 7];
    const positives = [1, 3.5, 5, 6.5, 8];
    const at = (rate: number): number =>
      truePositiveRateAt(rate, { negatives, positives }, { seed: 1 }).value;
    assert.equal(at(0), 1 / 5);
    assert.equal(at(0.1), 2 / 5);
    assert.equal(at(0.2), 2 / 5);
    // Two negatives tie at 1: with 7 of 10 allowed, only the 6 above 1 may be flagged.
    assert.equal(at(0.7), 4 / 5);
  });

  it("has an interval that is wider than the binomial one, since the threshold is estimated too", () => {
    const random = generator(5);
    const negatives = Array.from({ length: 60 }, () => random.normal());
    const positives = Array.from({ length: 60 }, () => random.normal() + 2);
    const { value, interval } = truePositiveRateAt(0.05, { negatives, positives }, { seed: 1 });
    const binomial = clopperPearson(Math.round(value * 60), 60).interval;
    assert.ok(interval[1] - interval[0] > binomial[1] - binomial[0]);
  });
});
