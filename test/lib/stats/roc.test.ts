import assert from "node:assert/strict";
import fc from "fast-check";
import { generator } from "../../../lib/random/index.js";
import {
  auroc,
  clopperPearson,
  compareAuroc,
  delong,
  detCurve,
  normalCdf,
  normalQuantile,
  partialAuroc,
  rocCurve,
  stratifiedAuroc,
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
interface Ovarian {
  readonly outcome: number[];
  readonly single: Readonly<Record<string, { scores: number[]; auroc: number; variance: number }>>;
  readonly pairs: readonly { first: string; second: string; pValue: number }[];
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

  it("agrees with a published implementation of DeLong's method on the data of DeLong's paper", () => {
    const { outcome, single, pairs } = readFixture<Ovarian>("delong", "ovarian.json");
    const groups = (scores: readonly number[]) => ({
      negatives: scores.filter((_, i) => outcome[i] === 0),
      positives: scores.filter((_, i) => outcome[i] === 1),
    });
    for (const { scores, auroc: area, variance } of Object.values(single)) {
      near(delong(groups(scores)).auroc, area);
      near(delong(groups(scores)).standardError ** 2, variance);
    }
    for (const { first, second, pValue } of pairs) {
      const [one, two] = [groups(single[first]!.scores), groups(single[second]!.scores)];
      near(compareAuroc(one, two).pValue, pValue);
    }
  });

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

describe("stats.stratifiedAuroc", () => {
  it("is the AUROC of one stratum, and blind to offsets between several", () => {
    for (const row of roc) {
      const { negatives, positives } = row;
      assert.deepEqual(stratifiedAuroc([row]), auroc(row));
      const up = (scores: readonly number[]): number[] => scores.map((score) => score + 100);
      const moved = stratifiedAuroc([row, { negatives: up(negatives), positives: up(positives) }]);
      near(moved.value, auroc(row).value);
      // Twice the examples: the variance is half, up to n / (n - 1).
      assert.ok(
        moved.interval[1] - moved.interval[0] < 0.78 * (auroc(row).interval[1] - auroc(row).interval[0]),
      );
    }
    assert.throws(() => stratifiedAuroc([]), { code: "INVALID_ARGUMENT" });
    assert.throws(() => stratifiedAuroc([{ negatives: [1], positives: [] }]), { code: "INVALID_ARGUMENT" });
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

describe("stats.detCurve", () => {
  it("agrees with scikit-learn's error rates", () => {
    const { det } = readFixture<{ det: { falsePositiveRates: number[]; missRates: number[] }[] }>(
      "scipy",
      "stats.json",
    );
    roc.forEach((row, index) => {
      const { falsePositiveRates, missRates } = detCurve(row, { seed: 1, resamples: 100 });
      const points = Array.from(falsePositiveRates, (x, i) => `${x.toFixed(9)} ${missRates[i]!.toFixed(9)}`);
      // scikit-learn leaves out points on the outer edges; every one that it has must be among ours.
      det[index]!.falsePositiveRates.forEach((x, i) => {
        assert.ok(
          points.includes(`${x.toFixed(9)} ${det[index]!.missRates[i]!.toFixed(9)}`),
          `${index} ${i}`,
        );
      });
    });
  });

  it("crosses the diagonal where misses and false alarms are equally frequent", () => {
    const { equalErrorRate } = detCurve(
      { negatives: [0, 1, 2, 3], positives: [2.5, 4, 5, 6] },
      { seed: 1, resamples: 100 },
    );
    // Above 2.5 a quarter of the negatives and none but one of the positives is on the wrong side.
    near(equalErrorRate.value, 0.25);
    assert.ok(equalErrorRate.interval[0] <= 0.25 && equalErrorRate.interval[1] >= 0.25);
    assert.equal(
      detCurve({ negatives: [0, 1], positives: [2, 3] }, { seed: 1, resamples: 100 }).equalErrorRate.value,
      0,
    );
  });
});

describe("stats.partialAuroc", () => {
  it("has the AUROC's value over the whole range, and an interval about as wide as DeLong's", () => {
    const row = roc[3]!;
    const [whole, usual] = [partialAuroc(1, row), auroc(row)];
    near(whole.value, usual.value);
    whole.interval.forEach((bound, i) => {
      assert.ok(Math.abs(bound - usual.interval[i]!) < 0.002, `${whole.interval} ${usual.interval}`);
    });
  });

  it("is 1 and sure of little where few negatives separate completely", () => {
    const { value, interval } = partialAuroc(0.1, { negatives: [0, 1, 2, 3], positives: [5, 6, 7] });
    assert.equal(value, 1);
    assert.ok(interval[1] === 1 && interval[0] < 0.6, String(interval));
  });

  it("agrees with scikit-learn's standardised partial area", () => {
    for (const row of roc) {
      for (const [rate, expected] of row.partial) near(partialAuroc(rate, row).value, expected);
    }
  });
});

describe("stats.truePositiveRateAt", () => {
  it("promises nothing from below where no negative can hold the rate", () => {
    const negatives = Array.from({ length: 100 }, (_, i) => i);
    const positives = negatives.map((score) => score + 1000);
    // P(rate above the largest of 100 > 1 %) = 0.99^100 = 0.37; 368 negatives bring it to 0.025.
    assert.ok(truePositiveRateAt(0.01, { negatives, positives }).interval[0] < 0.01);
    const more = Array.from({ length: 400 }, (_, i) => i);
    const { interval } = truePositiveRateAt(0.01, { negatives: more, positives });
    assert.ok(interval[0] > 0.95 && interval[1] === 1, String(interval));
  });

  it("never lets more negatives through than asked", () => {
    const negatives = [0, 0, 1, 1, 2, 3, 4, 5, 6, 7];
    const positives = [1, 3.5, 5, 6.5, 8];
    const at = (rate: number): number => truePositiveRateAt(rate, { negatives, positives }).value;
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
    const { value, interval } = truePositiveRateAt(0.05, { negatives, positives });
    const binomial = clopperPearson(Math.round(value * 60), 60).interval;
    assert.ok(interval[1] - interval[0] > binomial[1] - binomial[0]);
  });
});
