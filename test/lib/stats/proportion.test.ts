import assert from "node:assert/strict";
import fc from "fast-check";
import { clopperPearson, upperLimit, wilson } from "../../../lib/stats/index.js";
import { readFixture } from "../../support/fixtures.js";

interface Row {
  readonly k: number;
  readonly n: number;
  readonly level: number;
  readonly exact: [number, number];
  readonly wilson: [number, number];
  readonly upper: number;
}
const { proportions } = readFixture<{ proportions: readonly Row[] }>("scipy", "stats.json");
const near = (actual: readonly number[], expected: readonly number[], tolerance: number): void =>
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) < tolerance, `${actual} instead of ${expected}`);
  });

describe("stats: intervals of a proportion", () => {
  for (const { k, n, level, ...expected } of proportions) {
    it(`agree with SciPy at ${k}/${n}, level ${level}`, () => {
      near(wilson(k, n, { level }).interval, expected.wilson, 1e-12);
      near(clopperPearson(k, n, { level }).interval, expected.exact, 1e-10);
      near(upperLimit(k, n, { level }).interval, [0, expected.upper], 1e-10);
    });
  }

  const counts = fc
    .integer({ min: 1, max: 10_000 })
    .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));

  it("contain the observed rate and stay in [0, 1]", () => {
    fc.assert(
      fc.property(counts, ([successes, n]) =>
        [wilson, clopperPearson, upperLimit].every((interval) => {
          const { value, interval: bounds } = interval(successes, n);
          return 0 <= bounds[0] && bounds[0] <= value && value <= bounds[1] && bounds[1] <= 1;
        }),
      ),
    );
  });

  it("name both counts when they are impossible", () => {
    assert.throws(() => wilson(11, 10), { code: "INVALID_ARGUMENT", message: /successes = 11, n = 10/ });
    assert.throws(() => clopperPearson(0, 0), { code: "INVALID_ARGUMENT" });
    assert.throws(() => upperLimit(1.5, 10), { code: "INVALID_ARGUMENT" });
    assert.throws(() => wilson(1, 10, { level: 95 }), { code: "INVALID_ARGUMENT", message: /got 95/ });
  });
});
