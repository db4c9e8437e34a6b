import assert from "node:assert/strict";
import { generator } from "../../../lib/random/index.js";
import {
  andersonDarling,
  benjaminiHochberg,
  brierScore,
  brownCombined,
  fisherCombined,
  kolmogorovSmirnov,
  kolmogorovSmirnovTwoSample,
  logLoss,
  meanEstimate,
  permutationTest,
  precisionRecallCurve,
  reliability,
  wilson,
} from "../../../lib/stats/index.js";
import { readFixture } from "../../support/fixtures.js";

interface Reference {
  readonly ks: readonly { sample: number[]; p: number; d: number }[];
  readonly ksTwo: { a: number[]; b: number[]; d: number; p: number };
  readonly anderson: readonly { sample: number[]; statistic: number }[];
  readonly pValues: number[];
  readonly fisher: number;
  readonly bh: number[];
  readonly outcomes: number[];
  readonly forecasts: number[];
  readonly brier: number;
  readonly brierInterval: [number, number];
  readonly logLoss: number;
  readonly averagePrecision: number;
}
const { tests } = readFixture<{ tests: Reference }>("scipy", "stats.json");
const near = (actual: number, expected: number, tolerance = 1e-9): void =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} instead of ${expected}`);
const { forecasts: probabilities, outcomes } = tests;

describe("stats: goodness of fit", () => {
  it("agrees with SciPy's exact Kolmogorov-Smirnov p-values", () => {
    for (const { sample, p, d } of tests.ks) {
      const result = kolmogorovSmirnov(sample, (u) => u);
      near(result.statistic, d, 1e-12);
      // Above n = 140 ours is asymptotic with Stephens' correction: within 0.002 of exact.
      near(result.pValue, p, sample.length <= 140 ? 1e-10 : 2e-3);
    }
  });

  it("agrees with SciPy on two samples with ties", () => {
    const result = kolmogorovSmirnovTwoSample(tests.ksTwo.a, tests.ksTwo.b);
    near(result.statistic, tests.ksTwo.d, 1e-12);
    // SciPy takes the exact one-sample law at the rounded effective size 26; Stephens stays at 25.7.
    near(result.pValue, tests.ksTwo.p, 0.02);
  });

  it("agrees with SciPy's Anderson-Darling statistic, and its p-values match the table of critical values", () => {
    for (const { sample, statistic } of tests.anderson)
      near(andersonDarling(sample).statistic, statistic, 1e-9);
    // D'Agostino and Stephens, table 4.7: upper tail of the modified statistic.
    for (const [a, p] of [
      [0.631, 0.1],
      [0.752, 0.05],
      [0.873, 0.025],
      [1.035, 0.01],
    ] as const) {
      const sample = sampleWithStatistic(a);
      near(andersonDarling(sample.values).pValue, p, 0.06 * p + 2 * p * sample.error);
    }
  });

  it("has uniform p-values when the null hypothesis is true", () => {
    const random = generator(4);
    const p = Array.from(
      { length: 300 },
      () =>
        kolmogorovSmirnov(
          Array.from({ length: 20 }, () => random.uniform()),
          (u) => u,
        ).pValue,
    );
    assert.ok(kolmogorovSmirnov(p, (u) => u).pValue > 0.01);
    const q = Array.from(
      { length: 300 },
      () => andersonDarling(Array.from({ length: 50 }, () => random.normal())).pValue,
    );
    assert.ok(kolmogorovSmirnov(q, (u) => u).pValue > 0.01);
  });
});

/** Normal quantiles bent until the modified statistic of 200 values has a given value. */
function sampleWithStatistic(target: number): { values: number[]; error: number } {
  const random = generator(1);
  const base = Array.from({ length: 200 }, () => random.normal());
  const bent = (power: number): number[] => base.map((x) => Math.sign(x) * Math.abs(x) ** power);
  const modified = (values: number[]): number =>
    andersonDarling(values).statistic * (1 + 0.75 / 200 + 2.25 / 200 ** 2);
  let [low, high] = [1, 2];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (modified(bent(middle)) < target) low = middle;
    else high = middle;
  }
  return { values: bent(high), error: Math.abs(modified(bent(high)) - target) };
}

describe("stats: many p-values", () => {
  it("agrees with SciPy and the step-up formula", () => {
    benjaminiHochberg(tests.pValues).forEach((value, i) => {
      near(value, Math.min(1, tests.bh[i]!), 1e-12);
    });
    near(fisherCombined(tests.pValues), tests.fisher, 1e-12);
  });

  it("reduces Brown's method to Fisher's without correlation, and trusts correlated tests less", () => {
    const p = [0.01, 0.02, 0.03];
    const correlation = (r: number): number[] => [1, r, r, r, 1, r, r, r, 1];
    near(brownCombined(p, correlation(0)), fisherCombined(p), 1e-12);
    assert.ok(brownCombined(p, correlation(0.8)) > 5 * fisherCombined(p));
  });

  it("gives k copies of one test the p-value of that test, up to the fit of Kost and McDermott's polynomial", () => {
    for (const p of [0.5, 0.05, 1e-4]) {
      for (const k of [2, 5]) near(brownCombined(Array(k).fill(p), Array(k * k).fill(1)) / p, 1, 2e-3);
    }
  });

  it("keeps Brown's false alarms at 5 % for correlated tests", () => {
    const random = generator(6);
    let alarms = 0;
    for (let run = 0; run < 4000; run++) {
      const shared = random.normal();
      const p = [0, 0, 0].map(() => upperTail(Math.sqrt(0.6) * shared + Math.sqrt(0.4) * random.normal()));
      alarms += Number(brownCombined(p, [1, 0.6, 0.6, 0.6, 1, 0.6, 0.6, 0.6, 1]) <= 0.05);
    }
    assert.ok(alarms > 150 && alarms < 250, String(alarms / 4000));
  });

  it("names a p-value that is none", () => {
    assert.throws(() => benjaminiHochberg([0.1, 1.2]), {
      code: "INVALID_ARGUMENT",
      message: /p-value 1 is 1.2/,
    });
    assert.throws(() => fisherCombined([]), { code: "INVALID_ARGUMENT" });
  });
});

/** Upper tail of the normal distribution by its own series, independent of the library's. */
function upperTail(z: number): number {
  let [term, sum] = [z, z];
  for (let k = 1; k < 200; k++) {
    term *= (z * z) / (2 * k + 1);
    sum += term;
  }
  return Math.min(1, Math.max(1e-16, 0.5 - (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)));
}

describe("stats.permutationTest", () => {
  const difference = ([a, b]: readonly Float64Array[]): number =>
    b!.reduce((sum, v) => sum + v, 0) / b!.length - a!.reduce((sum, v) => sum + v, 0) / a!.length;

  it("approaches the exact p-value of a small case", () => {
    // Of the 20 ways to choose 3 of 6 values, only one has the three largest.
    const { pValue } = permutationTest(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      difference,
      { seed: 1 },
    );
    near(pValue, 1 / 20, 0.008);
    near(
      permutationTest(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        difference,
        { seed: 1, alternative: "less" },
      ).pValue,
      1,
      1e-9,
    );
  });

  it("is never 0 and repeats for the same seed", () => {
    const run = () =>
      permutationTest(
        [
          [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
          [9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
        ],
        difference,
        { seed: 2, permutations: 99 },
      );
    assert.equal(run().pValue, 0.01);
    assert.deepEqual(run(), run());
  });
});

describe("stats: forecasts", () => {
  it("agree with scikit-learn on Brier score and log loss", () => {
    near(brierScore({ probabilities, outcomes }).value, tests.brier, 1e-12);
    near(logLoss({ probabilities, outcomes }).value, tests.logLoss, 1e-9);
  });

  it("have Wilson's interval where all forecasts are alike: the score then counts outcomes", () => {
    const constant = {
      probabilities: Array(40).fill(0.2),
      outcomes: Array.from({ length: 40 }, (_, i) => Number(i < 3)),
    };
    const toScore = (rate: number): number => 0.04 + 0.6 * rate;
    const { interval } = brierScore(constant);
    near(interval[0], toScore(wilson(3, 40).interval[0]), 1e-12);
    near(interval[1], toScore(wilson(3, 40).interval[1]), 1e-12);
    // Where "yes" is likelier than not, it is what costs less.
    const likely = brierScore({ ...constant, probabilities: Array(40).fill(0.7) });
    near(likely.interval[0], 0.49 - 0.4 * wilson(3, 40).interval[1], 1e-12);
    near(likely.value, 0.49 - 0.4 * (3 / 40), 1e-12);
  });

  it("have Student's interval of a mean like SciPy's, and a wider one between bounds", () => {
    const losses = probabilities.map((p, i) => (p - outcomes[i]!) ** 2);
    meanEstimate(losses).interval.forEach((bound, i) => {
      near(bound, tests.brierInterval[i]!, 1e-10);
    });
    assert.ok(meanEstimate(losses, { bounds: [0, 1] }).interval[1] > tests.brierInterval[1]);
    near(meanEstimate(Array(10).fill(0), { bounds: [0, 1] }).interval[1], wilson(0, 10).interval[1], 1e-12);
    assert.throws(() => meanEstimate([0, 2], { bounds: [0, 1] }), {
      code: "INVALID_ARGUMENT",
      message: /value 1 is 2/,
    });
  });

  it("compare each bin with what happened", () => {
    const { bins, expectedCalibrationError, uncorrectedCalibrationError, n } = reliability({
      probabilities: [0.05, 0.05, 0.95, 1],
      outcomes: [0, 1, 1, 1],
    });
    assert.deepEqual(
      bins.map(({ observed }) => observed.value),
      [0.5, 1],
    );
    near(uncorrectedCalibrationError, (0.45 * 2 + 0.025 * 2) / 4, 1e-12);
    assert.ok(expectedCalibrationError.value < uncorrectedCalibrationError);
    assert.equal(n, 4);
  });

  it("survive a wrong certainty and refuse what is no probability", () => {
    near(logLoss({ probabilities: [0, 0], outcomes: [1, 1] }).value, -Math.log(1e-12), 1e-9);
    assert.throws(() => brierScore({ probabilities: [1.5], outcomes: [1] }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => logLoss({ probabilities: [0.5], outcomes: [] }), { code: "SHAPE_MISMATCH" });
  });

  it("have an average precision like scikit-learn's", () => {
    const pick = (wanted: number): number[] => probabilities.filter((_, i) => outcomes[i] === wanted);
    const result = precisionRecallCurve({ negatives: pick(0), positives: pick(1) });
    near(result.averagePrecision.value, tests.averagePrecision, 1e-12);
    near(result.precisions.at(-1)!, result.baseRate, 1e-12);
  });
});
