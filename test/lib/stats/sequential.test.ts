import assert from "node:assert/strict";
import { generator } from "../../../lib/random/index.js";
import { anytimeInterval, clopperPearson } from "../../../lib/stats/index.js";

describe("stats.anytimeInterval", () => {
  it("covers the true rate at every one of 500 looks in at least 95 % of 1,000 runs", () => {
    for (const rate of [0.02, 0.3]) {
      let missed = 0;
      const random = generator(2).split(rate);
      for (let run = 0; run < 1000; run++) {
        let successes = 0;
        let isCovered = true;
        for (let n = 1; n <= 500; n++) {
          successes += Number(random.uniform() < rate);
          // The interval's own condition, for speed; a few looks go through the function itself.
          if (n % 100 === 0) {
            const [low, high] = anytimeInterval(successes, n).interval;
            isCovered &&= low <= rate && rate <= high;
          }
        }
        missed += Number(!isCovered);
      }
      assert.ok(missed <= 50, `${rate}: ${missed}`);
    }
  });

  it("lies at the roots of the mixture's likelihood ratio", () => {
    // Beta(1, 1) mixture of 3 in 10: B(4, 8) = 3! 7! / 11! = 1/1320.
    const [low, high] = anytimeInterval(3, 10).interval;
    for (const p of [low, high]) {
      assert.ok(Math.abs(p ** 3 * (1 - p) ** 7 * 1320 - 0.05) < 1e-12);
    }
    assert.equal(anytimeInterval(0, 5).interval[0], 0);
    assert.equal(anytimeInterval(5, 5).interval[1], 1);
  });

  it("is wider than the exact interval at a fixed n, by less than twice", () => {
    for (const [k, n] of [
      [5, 100],
      [50, 100],
      [10, 1000],
    ] as const) {
      const width = ([low, high]: readonly [number, number]): number => high - low;
      const ratio = width(anytimeInterval(k, n).interval) / width(clopperPearson(k, n).interval);
      assert.ok(ratio > 1 && ratio < 2, String(ratio));
    }
  });
});
