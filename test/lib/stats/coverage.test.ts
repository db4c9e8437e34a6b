import assert from "node:assert/strict";
import { wilson } from "../../../lib/stats/index.js";
import { coverageOf } from "../../support/coverage/index.js";
import { binomial, proportions } from "../../support/coverage/proportions.js";

describe("stats: exact coverage of 95 % intervals of rates, n = 10 to 1,000, rates 0.01 to 0.5", () => {
  for (const subject of proportions) {
    it(`${subject.name}: never below ${subject.worst.toFixed(2)}`, () => {
      const { mean, worst, worstAt } = coverageOf(subject, 0, true);
      assert.ok(mean >= subject.mean[0] && mean <= subject.mean[1], `mean ${mean}`);
      assert.ok(worst >= subject.worst, `worst ${worst} (${worstAt})`);
    });
  }

  it("Wilson: its worst rates, near 1/(6n), are as the docstring says", () => {
    const n = 1000;
    const intervals = Array.from({ length: n + 1 }, (_, k) => wilson(k, n).interval);
    const coverage = (rate: number): number =>
      intervals.reduce(
        (sum, [low, high], k) => sum + (low <= rate && rate <= high ? binomial(k, n, rate) : 0),
        0,
      );
    const worst = Math.min(...Array.from({ length: 400 }, (_, i) => coverage((i + 1) / 400_000)));
    assert.ok(worst > 0.82 && worst < 0.85, String(worst));
  });
});
