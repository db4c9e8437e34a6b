import assert from "node:assert/strict";
import {
  betaCdf,
  betaQuantile,
  logGamma,
  normalCdf,
  normalQuantile,
  regularisedGammaP,
  regularisedGammaQ,
  studentCdf,
} from "../../../lib/stats/index.js";
import { readFixture } from "../../support/fixtures.js";

type Row<Keys extends string> = Readonly<Record<Keys, number>>;
const reference = readFixture<{
  versions: Row<string>;
  beta: Row<"a" | "b" | "p" | "x">[];
  gamma: Row<"a" | "x" | "p" | "q">[];
  normal: Row<"z" | "p">[];
  quantile: Row<"z" | "p">[];
  student: Row<"t" | "df" | "p">[];
  logGamma: Row<"x" | "y">[];
}>("scipy", "stats.json");

/** Relative error, or absolute where the value is below 1e-300. */
const close = (actual: number, expected: number, tolerance: number, what: string): void =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.abs(expected) + 1e-300,
    `${what}: ${actual} instead of ${expected}`,
  );

describe("stats: the special functions agree with SciPy to 1e-11", () => {
  it("incomplete beta function and its inverse, up to parameters of a million", () => {
    for (const { a, b, p, x } of reference.beta) {
      close(betaCdf(x, a, b), p, 1e-11, `I_${x}(${a}, ${b})`);
      close(betaQuantile(p, a, b), x, 1e-11, `inverse at ${p} of (${a}, ${b})`);
    }
  });

  it("both tails of the incomplete gamma function", () => {
    for (const { a, x, p, q } of reference.gamma) {
      if (p > 1e-290) close(regularisedGammaP(a, x), p, 1e-11, `P(${a}, ${x})`);
      if (q > 1e-290) close(regularisedGammaQ(a, x), q, 1e-11, `Q(${a}, ${x})`);
    }
  });

  it("normal distribution, far into the tails, and its quantiles", () => {
    for (const { z, p } of reference.normal) close(normalCdf(z), p, 1e-11, `at ${z}`);
    for (const { z, p } of reference.quantile) {
      assert.ok(Math.abs(normalQuantile(p) - z) < 1e-11 * (1 + Math.abs(z)), `quantile at ${p}`);
    }
  });

  it("Student's t and the logarithm of gamma", () => {
    for (const { t, df, p } of reference.student) close(studentCdf(t, df), p, 1e-10, `t = ${t}, df = ${df}`);
    for (const { x, y } of reference.logGamma) {
      assert.ok(Math.abs(logGamma(x) - y) < 1e-13 * (1 + Math.abs(y)), `log gamma of ${x}`);
    }
  });
});
