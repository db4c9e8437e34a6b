import assert from "node:assert/strict";
import { anytimeInterval, clopperPearson, logGamma, upperLimit, wilson } from "../../../lib/stats/index.js";

/** Exact probability that an interval of k successes in n trials covers the rate, summed over all k. */
function coverage(interval: (k: number) => readonly [number, number], n: number, rate: number): number {
  let sum = 0;
  for (let k = 0; k <= n; k++) {
    const [low, high] = interval(k);
    if (low > rate || rate > high) continue;
    sum += Math.exp(
      logGamma(n + 1) -
        logGamma(k + 1) -
        logGamma(n - k + 1) +
        k * Math.log(rate) +
        (n - k) * Math.log1p(-rate),
    );
  }
  return sum;
}

const sizes = [10, 20, 50, 100, 300, 1000];
const rates = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5];

/** Coverage at every size and rate of the grid. */
function grid(estimate: typeof wilson): number[] {
  return sizes.flatMap((n) => {
    const intervals = Array.from({ length: n + 1 }, (_, k) => estimate(k, n).interval);
    return rates.map((rate) => coverage((k) => intervals[k]!, n, rate));
  });
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe("stats: exact coverage of 95 % intervals, n = 10 to 1,000, rates 0.01 to 0.5", () => {
  it("Wilson: nominal on average, and never below 0.85 on the grid", () => {
    const covered = grid(wilson);
    assert.ok(mean(covered) > 0.945 && mean(covered) < 0.965, `mean ${mean(covered)}`);
    assert.ok(Math.min(...covered) > 0.85, `worst ${Math.min(...covered)}`);
  });

  it("Wilson: its worst rates, near 1/(6n), are as the docstring says", () => {
    const n = 1000;
    const intervals = Array.from({ length: n + 1 }, (_, k) => wilson(k, n).interval);
    const worst = Math.min(
      ...Array.from({ length: 400 }, (_, i) => coverage((k) => intervals[k]!, n, (i + 1) / 400_000)),
    );
    assert.ok(worst > 0.82 && worst < 0.85, String(worst));
  });

  it("Clopper-Pearson: never below 0.95", () => {
    const covered = grid(clopperPearson);
    assert.ok(Math.min(...covered) >= 0.95 - 1e-12, `worst ${Math.min(...covered)}`);
    assert.ok(mean(covered) < 0.98, `mean ${mean(covered)}`);
  });

  it("upper limits of rates: never below 0.95 at a level of 0.95", () => {
    assert.ok(Math.min(...grid(upperLimit)) >= 0.95 - 1e-12);
  });

  it("valid at any stop: never below 0.95 at a fixed n", () => {
    assert.ok(Math.min(...grid(anytimeInterval)) >= 0.95);
  });
});
