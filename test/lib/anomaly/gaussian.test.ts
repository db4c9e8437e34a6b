import assert from "node:assert/strict";
import fc from "fast-check";
import { detect, fitGaussian, type Shrinkage } from "../../../lib/anomaly/index.js";
import { generator } from "../../../lib/random/index.js";
import { auroc } from "../../../lib/stats/index.js";
import { type Tensor, tensor } from "../../../lib/tensor/index.js";
import { readFixture } from "../../support/fixtures.js";

interface Fit {
  readonly shrinkage: number;
  readonly mean: number[];
  readonly covariance: number[];
  readonly mahalanobis: number[];
  readonly logDensity: number[];
}
interface Case {
  readonly n: number;
  readonly d: number;
  readonly x: number[];
  readonly y: number[];
  readonly fits: Readonly<Record<string, Fit>>;
}

const table = (n: number, d: number, values: Iterable<number>): Tensor<"float64"> =>
  tensor("float64", [n, d], Float64Array.from(values));
const normals = (n: number, d: number, seed: number): Tensor<"float64"> => {
  const random = generator(seed);
  return table(
    n,
    d,
    Array.from({ length: n * d }, () => random.normal()),
  );
};
const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void => {
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!) / (1 + Math.abs(expected[i]!));
    assert.ok(error < 1e-9, `${what}[${i}]: ${actual[i]} instead of ${expected[i]}`);
  }
};

describe("anomaly.fitGaussian", () => {
  for (const { n, d, x, y, fits } of readFixture<{ gaussians: readonly Case[] }>("sklearn", "gaussians.json")
    .gaussians) {
    for (const [name, fit] of Object.entries(fits)) {
      it(`agrees with scikit-learn and SciPy to 1e-9: ${name}, ${n} examples of ${d} features`, () => {
        const shrinkage = (Number.isNaN(Number(name)) ? name : Number(name)) as Shrinkage;
        const gaussian = fitGaussian(table(n, d, x), { shrinkage });
        const suspects = table(5, d, y);
        near([gaussian.shrinkage], [fit.shrinkage], "shrinkage");
        near(gaussian.mean.data, fit.mean, "mean");
        near(gaussian.covariance.data, fit.covariance, "covariance");
        near(gaussian.mahalanobis(suspects), fit.mahalanobis, "mahalanobis");
        near(gaussian.logDensity(suspects), fit.logDensity, "logDensity");
      });
    }
  }

  it("keeps its digits under an offset a million times the spread", () => {
    const x = normals(100, 5, 1);
    const moved = tensor(
      "float64",
      [100, 5],
      x.data.map((value) => value + 2 ** 20),
    );
    const near6 = (a: Float64Array, b: Float64Array): void =>
      a.forEach((value, i) => {
        assert.ok(Math.abs(value - b[i]!) < 1e-6, `${value} ${b[i]}`);
      });
    near6(fitGaussian(moved).mahalanobis(moved), fitGaussian(x).mahalanobis(x));
  });

  it("shrinks towards the mean variance, not towards the trace", () => {
    const x = normals(60, 6, 4);
    const sample = fitGaussian(x, { shrinkage: "none" }).covariance.data;
    const meanVariance = [0, 1, 2, 3, 4, 5].reduce((sum, j) => sum + sample[j * 7]! / 6, 0);
    const target = fitGaussian(x, { shrinkage: 1 }).covariance.data;
    target.forEach((value, at) => {
      assert.ok(Math.abs(value - (at % 7 === 0 ? meanVariance : 0)) < 1e-14);
    });
  });

  it("keeps its ranking when every feature is given twice: the target does not grow with the number of features", () => {
    const [x, y] = [normals(60, 6, 4), normals(30, 6, 5)];
    const twice = ({ dims, data }: Tensor<"float64">): Tensor<"float64"> =>
      table(
        dims[0]!,
        12,
        Array.from({ length: dims[0]! * 12 }, (_, at) => data[Math.floor(at / 12) * 6 + (at % 6)]!),
      );
    // Along u = (x, x) / √2 the covariance is 2 S, so a share r2 of the target counts half as much there:
    // equal rankings need r2 / (2 (1 - r2)) = r / (1 - r).
    const r = 0.2;
    const r2 = (2 * r) / (1 + r);
    const scores = fitGaussian(x, { shrinkage: r }).mahalanobis(y);
    near(
      fitGaussian(twice(x), { shrinkage: r2 }).mahalanobis(twice(y)),
      scores.map((score) => (score * (1 - r)) / (1 - r2)),
      "duplicated",
    );
  });

  it("permutes its scores with the examples, and flattens further axes", () => {
    const clean = normals(40, 6, 2);
    const gaussian = fitGaussian(clean);
    const scores = gaussian.mahalanobis(clean);
    fc.assert(
      fc.property(fc.shuffledSubarray([...scores.keys()], { minLength: 1 }), (order) => {
        const rows = order.flatMap((i) => [...clean.data.subarray(i * 6, (i + 1) * 6)]);
        assert.deepEqual(
          [...gaussian.mahalanobis(table(order.length, 6, rows))],
          order.map((i) => scores[i]),
        );
      }),
      { numRuns: 30 },
    );
    const images = tensor("float64", [40, 1, 2, 3], clean.data);
    assert.deepEqual(fitGaussian(images).mahalanobis(images), scores);
  });

  it("works in doubles on single precision data, to single precision's own rounding", () => {
    const x = normals(200, 10, 3);
    const single = tensor("float32", [200, 10], Float32Array.from(x.data));
    const rounded = tensor("float64", [200, 10], Float64Array.from(single.data));
    assert.deepEqual(fitGaussian(single).mahalanobis(single), fitGaussian(rounded).mahalanobis(rounded));
  });

  it("says that a covariance is singular and what helps", () => {
    const few = normals(5, 8, 1);
    assert.throws(() => fitGaussian(few, { shrinkage: "none" }), {
      code: "SINGULAR_COVARIANCE",
      message: /5 examples with 8 features.*ledoit-wolf/,
    });
    assert.match(fitGaussian(few).warnings.join(), /5 examples for 8 features/);
    assert.throws(() => fitGaussian(table(3, 2, [1, 2, 1, 2, 1, 2])), {
      code: "SINGULAR_COVARIANCE",
      message: /do not vary/,
    });
    assert.throws(() => fitGaussian(table(1, 2, [1, 2])), {
      code: "SINGULAR_COVARIANCE",
      message: /at least 2/,
    });
  });

  it("tolerates constant features and reports them", () => {
    const x = normals(30, 3, 5);
    const data = Float64Array.from({ length: 30 * 4 }, (_, i) =>
      i % 4 === 3 ? 7 : x.data[Math.floor(i / 4) * 3 + (i % 4)]!,
    );
    const gaussian = fitGaussian(table(30, 4, data));
    assert.match(gaussian.warnings.join(), /1 of 4 features never vary/);
    assert.ok(
      gaussian.mahalanobis(table(1, 4, [0, 0, 0, 8]))[0]! >
        gaussian.mahalanobis(table(1, 4, [0, 0, 0, 7]))[0]!,
    );
  });

  it("refuses activations of another tap, NaN and unknown shrinkage by name", () => {
    const gaussian = fitGaussian(normals(20, 3, 1));
    assert.throws(() => gaussian.mahalanobis(normals(2, 4, 1)), {
      code: "SHAPE_MISMATCH",
      message: /3 features.*\[2, 4\] have 4/,
    });
    assert.throws(() => fitGaussian(table(2, 1, [1, Number.NaN])), { code: "NOT_FINITE" });
    const wrong = "shrunk" as unknown as Shrinkage;
    assert.throws(() => fitGaussian(normals(20, 3, 1), { shrinkage: wrong }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => fitGaussian(normals(20, 3, 1), { shrinkage: 1.5 }), { code: "INVALID_ARGUMENT" });
  });
});

describe("anomaly.detect", () => {
  const random = generator(8);
  const clean = Float64Array.from({ length: 199 }, () => random.normal());
  const suspect = Float64Array.from({ length: 50 }, () => random.normal() + 3);

  it("sets its threshold on clean scores only", () => {
    const detection = detect({ clean, suspect }, { falsePositiveRate: 0.05 });
    const moved = detect(
      { clean, suspect: suspect.map((score) => score * 100) },
      { falsePositiveRate: 0.05 },
    );
    assert.equal(detection.threshold, moved.threshold);
    assert.equal(clean.filter((score) => score > detection.threshold).length, 9);
    assert.equal(detection.falsePositiveRate.value, 0.05);
    assert.deepEqual(detection.roc.auroc, auroc({ negatives: clean, positives: suspect }));
  });

  it("flags exactly the suspects whose conformal p-value is at most the rate", () => {
    const { pValues, threshold, truePositiveRate } = detect({ clean, suspect }, { falsePositiveRate: 0.05 });
    const flagged = suspect.map((score) => Number(score > threshold));
    assert.deepEqual(
      flagged,
      pValues.map((p) => Number(p <= 0.05)),
    );
    assert.equal(truePositiveRate.value, flagged.reduce((sum, value) => sum + value, 0) / 50);
  });

  it("flags new clean examples at the promised rate, with an interval that covers it in 93 to 97 % of 2,000 draws", () => {
    const draws = generator(9);
    let flagged = 0;
    let covered = 0;
    for (let i = 0; i < 2000; i++) {
      // Uniform scores: the rate above a threshold is 1 minus the threshold.
      const sample = Float64Array.from({ length: 60 }, () => draws.uniform());
      const { threshold, falsePositiveRate } = detect(
        { clean: sample, suspect: [1] },
        { falsePositiveRate: 0.1 },
      );
      flagged += 1 - threshold;
      covered += Number(
        falsePositiveRate.interval[0] <= 1 - threshold && 1 - threshold <= falsePositiveRate.interval[1],
      );
    }
    assert.ok(Math.abs(flagged / 2000 - 6 / 61) < 0.003, String(flagged / 2000));
    assert.ok(covered >= 1860 && covered <= 1940, String(covered / 2000));
  });

  it("refuses a rate that so few clean scores cannot promise", () => {
    assert.throws(() => detect({ clean, suspect }, { falsePositiveRate: 0.001 }), {
      code: "INVALID_ARGUMENT",
      message: /199 clean scores.*at least 999/,
    });
  });
});
