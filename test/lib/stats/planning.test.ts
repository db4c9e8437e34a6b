import assert from "node:assert/strict";
import { madIndex } from "../../../lib/extraction/index.js";
import {
  cleanScoresForThreshold,
  clopperPearson,
  conformalThreshold,
  monteCarloNull,
  normalQuantile,
  ruleOfThree,
  trialsForUpperLimit,
  trialsForWidth,
  upperLimit,
  wilson,
} from "../../../lib/stats/index.js";

describe("stats: sample sizes", () => {
  it("trialsForUpperLimit is the smallest number of trials that suffices", () => {
    assert.equal(trialsForUpperLimit(0.01), 299);
    for (const [rate, allowed] of [
      [0.01, 0],
      [0.05, 3],
      [0.5, 0],
      [0.2, 7],
    ] as const) {
      const n = trialsForUpperLimit(rate, { allowed });
      assert.ok(upperLimit(allowed, n).interval[1] <= rate);
      if (n > allowed + 1) assert.ok(upperLimit(allowed, n - 1).interval[1] > rate);
    }
  });

  it("ruleOfThree is 1 - 0.05^(1/n), about 3/n", () => {
    for (const n of [1, 20, 300, 5000]) {
      const limit = ruleOfThree(n).interval[1];
      assert.ok(Math.abs(limit - (1 - 0.05 ** (1 / n))) < 1e-12);
      if (n >= 20) assert.ok(limit < 3 / n && limit > 2.7 / n);
    }
  });

  it("trialsForWidth gives intervals of the wanted width", () => {
    // The textbook's normal approximation is z²/4w² - z² for Wilson at a rate of one half.
    const z = normalQuantile(0.975);
    assert.ok(Math.abs(trialsForWidth(0.05) - (z ** 2 / 0.01 - z ** 2)) <= 2);
    for (const [method, interval] of [
      ["Wilson", wilson],
      ["Clopper-Pearson", clopperPearson],
    ] as const) {
      const n = trialsForWidth(0.03, { rate: 0.1, method });
      const [low, high] = interval(Math.round(0.1 * n), n).interval;
      assert.ok(high - low <= 0.06 && high - low > 0.055);
    }
  });

  it("cleanScoresForThreshold keeps the false-positive rate below its limit", () => {
    // The upper end of a two-sided interval of level 0.9 is a one-sided limit of level 0.95.
    const reached = (n: number): number =>
      conformalThreshold(new Float64Array(n), 0.01, { level: 0.9 }).falsePositiveRate.interval[1];
    const n = cleanScoresForThreshold(0.01, 0.02);
    assert.ok(reached(n - 1) > 0.02);
    for (let more = n; more < n + 400; more++) assert.ok(reached(more) <= 0.02, String(more));
    assert.throws(() => cleanScoresForThreshold(0.02, 0.01), { code: "INVALID_ARGUMENT" });
    assert.throws(() => trialsForWidth(0.7), { code: "INVALID_ARGUMENT" });
    assert.throws(() => trialsForUpperLimit(1), { code: "INVALID_ARGUMENT" });
  });
});

describe("stats.monteCarloNull", () => {
  it("has the quantiles and p-values of the distribution that it draws from", () => {
    const null_ = monteCarloNull((random) => random.normal(), { seed: 1 });
    for (const probability of [0.05, 0.5, 0.95, 0.99]) {
      const { value, interval } = null_.quantile(probability);
      const exact = normalQuantile(probability);
      assert.ok(
        interval[0] <= exact && exact <= interval[1] && interval[1] - interval[0] < 0.3,
        `${interval}`,
      );
      assert.ok(value >= interval[0] && value <= interval[1]);
    }
    assert.ok(Math.abs(null_.pValue(1.6449) - 0.05) < 0.01);
    assert.equal(null_.pValue(99), 1 / 10_000);
    assert.equal(null_.pValue(-99), 1);
  });

  it("shows what a published rule really does: an anomaly index above 2 accuses a third of clean models", () => {
    const index = monteCarloNull(
      (random) => madIndex(Float64Array.from({ length: 10 }, () => random.normal())),
      { seed: 1, draws: 4000 },
    );
    // 40,000 draws in NumPy: 0.334, and quantiles 3.89 and 6.02.
    const { interval } = index.exceedance(2);
    assert.ok(interval[0] < 0.334 && interval[1] > 0.334, String(interval));
    const [low, high] = index.quantile(0.95, { level: 0.999 }).interval;
    assert.ok(low < 3.89 && high > 3.89, `${low} ${high}`);
  });

  it("repeats for a seed, knows no bound beyond its draws, and refuses NaN", () => {
    const draw = (seed: number) => monteCarloNull((random) => random.uniform(), { seed, draws: 99 });
    assert.deepEqual(draw(1).values, draw(1).values);
    assert.notDeepEqual(draw(1).values, draw(2).values);
    assert.equal(draw(1).quantile(0.999).interval[1], Number.POSITIVE_INFINITY);
    assert.throws(() => monteCarloNull(() => Number.NaN, { seed: 1 }), { code: "NOT_FINITE" });
    assert.throws(() => monteCarloNull(() => 0, { seed: 1, draws: 5 }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => draw(1).pValue(Number.NaN), { code: "NOT_FINITE" });
    assert.throws(() => draw(1).quantile(1), { code: "INVALID_ARGUMENT" });
  });
});
