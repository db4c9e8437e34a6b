import assert from "node:assert/strict";
import fc from "fast-check";
import { evaluate, fitLogistic } from "../../../../lib/probes/index.js";
import { fitLogistics } from "../../../../lib/probes/logistic/logistic.js";
import { generator } from "../../../../lib/random/index.js";
import { mannWhitneyPValue } from "../../../../lib/stats/index.js";
import { type Tensor, tensor } from "../../../../lib/tensor/index.js";
import { readFixture } from "../../../support/fixtures.js";

interface Case {
  readonly n: number;
  readonly d: number;
  readonly l2: number;
  readonly x: number[];
  readonly labels: number[];
  readonly weights: number[];
  readonly intercept: number;
}

const table = (n: number, d: number, values: Iterable<number>): Tensor<"float64"> =>
  tensor("float64", [n, d], Float64Array.from(values));

describe("probes.fitLogistic", () => {
  for (const { n, d, l2, x, labels, weights, intercept } of readFixture<{ probes: readonly Case[] }>(
    "sklearn",
    "probes.json",
  ).probes) {
    it(`reaches the optimum of a tight Newton solver to 1e-8: ${n} examples of ${d} features, l2 = ${l2}`, () => {
      const probe = fitLogistic(table(n, d, x), labels, { l2 });
      const scale = Math.max(...weights.map(Math.abs));
      weights.forEach((weight, j) => {
        assert.ok(Math.abs(probe.weights.data[j]! - weight) <= 1e-8 * scale, `weight ${j}`);
      });
      assert.ok(
        Math.abs(probe.intercept - intercept) <= 1e-8 * (1 + Math.abs(intercept)),
        `${probe.intercept} ${intercept}`,
      );
    });
  }

  const random = generator(3);
  const labels = Array.from({ length: 30 }, (_, i) => i % 2);
  const x = table(
    30,
    4,
    labels.flatMap((label) => [random.normal() + label, random.normal(), 7, random.normal()]),
  );

  it("makes the gradient of its loss zero", () => {
    const probe = fitLogistic(x, labels, { l2: 0.3 });
    const probabilities = probe.probabilities(x);
    for (let j = 0; j <= 4; j++) {
      let gradient = j < 4 ? 0.3 * probe.weights.data[j]! : 0;
      for (let i = 0; i < 30; i++)
        gradient += (probabilities[i]! - labels[i]!) * (j < 4 ? x.data[i * 4 + j]! : 1);
      assert.ok(Math.abs(gradient) < 1e-11, `${j}: ${gradient}`);
    }
  });

  for (const [type, offset] of [
    ["float32", 0],
    ["float32", 500],
    ["float64", 1e5],
  ] as const) {
    it(`makes the gradient of its loss zero for large sets of ${type} around ${offset}`, () => {
      const [n, d, l2] = [9000, 12, 0.5];
      const draw = generator(8);
      const values = Float64Array.from({ length: n * d }, (_, i) => draw.normal() * (1 + (i % d)) + offset);
      const x = tensor(type, [n, d], type === "float32" ? Float32Array.from(values) : values);
      const classes = Array.from({ length: n }, (_, i) =>
        Number(draw.normal() + (x.data[i * d]! - offset) - (x.data[i * d + 5]! - offset) / 9 > 0.7),
      );
      const probe = fitLogistic(x, classes, { l2 });
      const probabilities = probe.probabilities(x);
      for (let j = 0; j <= d; j++) {
        let gradient = j < d ? l2 * probe.weights.data[j]! : 0;
        let curvature = 0;
        for (let i = 0; i < n; i++) {
          const value = j < d ? x.data[i * d + j]! - offset : 1;
          gradient += (probabilities[i]! - classes[i]!) * value;
          curvature += probabilities[i]! * (1 - probabilities[i]!) * value ** 2;
        }
        // A Newton step in this coordinate alone, beside the size of the weights.
        assert.ok(Math.abs(gradient / curvature) < 1e-9, `${j}: ${gradient / curvature}`);
      }
    });
  }

  for (const { title, factor, share } of [
    { title: "that are independent", factor: 0, share: 0 },
    { title: "that share a factor 30 times as large as what is their own", factor: 30, share: 0 },
    { title: "for classes of very different size", factor: 1, share: 4 },
  ]) {
    it(`makes the gradient of its loss zero with many features ${title}`, () => {
      const [n, d, l2] = [2500, 520, 1];
      const draw = generator(21);
      const data = new Float32Array(n * d);
      const classes = new Array<number>(n);
      for (let i = 0; i < n; i++) {
        const common = factor * draw.normal();
        for (let j = 0; j < d; j++) data[i * d + j] = common * Math.sin(j) + draw.normal();
        classes[i] = Number(data[i * d]! + data[i * d + 1]! + draw.normal() > share);
      }
      const x = tensor("float32", [n, d], data);
      const probe = fitLogistic(x, classes, { l2 });
      assert.ok(probe.iterations < 20);
      const residuals = probe.probabilities(x).map((probability, i) => probability - classes[i]!);
      assert.ok(Math.abs(residuals.reduce((sum, value) => sum + value, 0)) < 1e-8);
      let squares = 0;
      for (let j = 0; j < d; j++) {
        let gradient = l2 * probe.weights.data[j]!;
        for (let i = 0; i < n; i++) gradient += residuals[i]! * data[i * d + j]!;
        squares += gradient ** 2;
      }
      // The loss bends at least by l2 in every direction, so that the optimum is no farther away than this.
      assert.ok(Math.sqrt(squares) / l2 < 1e-7, String(Math.sqrt(squares)));
    });
  }

  for (const [n, d, apart] of [
    [40, 200, 0],
    [60, 60, 4],
    [300, 20, 0.5],
    [300, 20, 6],
  ] as const) {
    it(`finds the same optima for several penalties at once: ${n} examples of ${d} features, ${apart} apart`, () => {
      const draw = generator(31);
      const classes = Array.from({ length: n }, (_, i) => Number(i % 3 === 0));
      const x = table(
        n,
        d,
        classes.flatMap((label) =>
          Array.from({ length: d }, (_, j) => draw.normal() + (j === 0 ? apart * label : 0)),
        ),
      );
      const penalties = [0.1, 100, 1e-3, 2];
      fitLogistics(x, classes, penalties).forEach((probe, k) => {
        const alone = fitLogistic(x, classes, { l2: penalties[k]! });
        assert.equal(probe.l2, penalties[k]);
        const scale = Math.max(...alone.weights.data.map(Math.abs));
        assert.ok(
          alone.weights.data.every((weight, j) => Math.abs(weight - probe.weights.data[j]!) < 1e-9 * scale),
        );
        assert.ok(Math.abs(alone.intercept - probe.intercept) < 1e-9 * (1 + Math.abs(alone.intercept)));
      });
    });
  }

  it("fits large sets in which features repeat one another or do nothing, and those ordered by class", () => {
    const [n, half] = [8000, 5];
    const draw = generator(9);
    const features = Array.from({ length: n }, () => Array.from({ length: half }, () => draw.normal()));
    const sorted = features.map((row) => ({ row, label: Number(row[0]! + draw.normal() > 0.5) }));
    sorted.sort((a, b) => a.label - b.label);
    const classes = sorted.map(({ label }) => label);
    const twice = table(
      n,
      11,
      sorted.flatMap(({ row }) => [...row, ...row, 3]),
    );
    const once = table(
      n,
      half,
      sorted.flatMap(({ row }) => row.map((value) => value * Math.SQRT2)),
    );
    const probe = fitLogistic(twice, classes);
    const expected = fitLogistic(once, classes);
    assert.ok(Math.abs(probe.weights.data[10]!) < 1e-8);
    for (let j = 0; j < 2 * half; j++) {
      const weight = expected.weights.data[j % half]! / Math.SQRT2;
      assert.ok(Math.abs(probe.weights.data[j]! - weight) < 1e-8, `${j}: ${probe.weights.data[j]} ${weight}`);
    }
  });

  it("finds the optimum of large separable sets under a small penalty", () => {
    const draw = generator(10);
    const x = table(
      30_000,
      2,
      Float64Array.from({ length: 60_000 }, () => draw.normal()),
    );
    const classes = Array.from({ length: 30_000 }, (_, i) => Number(x.data[2 * i]! > 0));
    const probe = fitLogistic(x, classes, { l2: 1e-3 });
    const probabilities = probe.probabilities(x);
    let gradient = 1e-3 * probe.weights.data[0]!;
    for (let i = 0; i < 30_000; i++) gradient += (probabilities[i]! - classes[i]!) * x.data[2 * i]!;
    assert.ok(Math.abs(gradient) < 1e-8, String(gradient));
  });

  it("gives a constant feature no weight", () => {
    assert.ok(Math.abs(fitLogistic(x, labels).weights.data[2]!) < 1e-14);
  });

  it("finds the same probe with fewer examples than features as in the features themselves", () => {
    // The same 12 examples, once as 5 features and once padded with zeros to 40.
    const small = table(
      12,
      5,
      Array.from({ length: 60 }, () => random.normal()),
    );
    const wide = table(
      12,
      40,
      Array.from({ length: 480 }, (_, i) =>
        i % 40 < 5 ? small.data[Math.floor(i / 40) * 5 + (i % 40)]! : 0,
      ),
    );
    const few = labels.slice(0, 12);
    const a = fitLogistic(small, few);
    const b = fitLogistic(wide, few);
    a.weights.data.forEach((weight, j) => {
      assert.ok(Math.abs(weight - b.weights.data[j]!) < 1e-12);
    });
    assert.ok(b.weights.data.subarray(5).every((weight) => weight === 0));
  });

  it("is at the optimum with fewer examples than features: the gradient there is zero", () => {
    for (const [many, width, l2, scale, offset, copies] of [
      [2, 3, 1, 1, 0, 0],
      [5, 40, 1e-5, 1, 0, 0],
      [30, 31, 100, 10, 1000, 0],
      // Examples that come twice, with opposite labels: the Gram matrix has less than full rank.
      [40, 60, 0.01, 1, 3, 12],
      [60, 60, 1, 0.01, 0, 0],
      [200, 300, 0.5, 1, 0, 0],
    ] as const) {
      const data = Float64Array.from({ length: many * width }, () => scale * random.normal() + offset);
      for (let k = 0; k < copies; k++) {
        data.set(data.subarray(2 * k * width, (2 * k + 1) * width), (2 * k + 1) * width);
      }
      const halves = Array.from({ length: many }, (_, i) => i % 2);
      const probe = fitLogistic(table(many, width, data), halves, { l2 });
      const residuals = probe
        .logits(table(many, width, data))
        .map((logit, i) => 1 / (1 + Math.exp(-logit)) - halves[i]!);
      const near0 = 1e-9 * (scale + Math.abs(offset)) * Math.sqrt(many);
      assert.ok(Math.abs(residuals.reduce((sum, value) => sum + value, 0)) < 1e-9);
      for (let j = 0; j < width; j++) {
        let gradient = l2 * probe.weights.data[j]!;
        for (let i = 0; i < many; i++) gradient += residuals[i]! * data[i * width + j]!;
        assert.ok(Math.abs(gradient) < near0, `${many} of ${width}, feature ${j}: ${gradient}`);
      }
    }
  });

  it("turns round when the classes are swapped", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (flags) => {
        fc.pre(flags.includes(true) && flags.includes(false));
        const there = fitLogistic(x, flags);
        const back = fitLogistic(
          x,
          flags.map((flag) => !flag),
        );
        there.logits(x).forEach((logit, i) => {
          assert.ok(Math.abs(logit + back.logits(x)[i]!) < 1e-9);
        });
      }),
      { numRuns: 25 },
    );
  });

  it("has a finite optimum for separable classes if there is a penalty, and says so if there is none", () => {
    const separable = table(6, 1, [-3, -2, -1, 1, 2, 3]);
    const halves = [0, 0, 0, 1, 1, 1];
    assert.ok(Number.isFinite(fitLogistic(separable, halves, { l2: 1e-6 }).weights.data[0]!));
    assert.throws(() => fitLogistic(separable, halves, { l2: 0 }), {
      code: "NOT_CONVERGED",
      message: /Set l2 above 0/,
    });
    assert.throws(() => fitLogistic(x, labels, { l2: 0 }), {
      code: "NOT_CONVERGED",
      message: /linearly dependent/,
    });
  });

  it("takes any two labels, the larger as positive", () => {
    const probe = fitLogistic(
      x,
      labels.map((label) => (label ? 9 : 3)),
    );
    assert.deepEqual(probe.classes, [3, 9]);
    assert.deepEqual(probe.weights, fitLogistic(x, labels).weights);
  });

  it("names one class, more than two, a wrong count and text", () => {
    const code = "INVALID_ARGUMENT";
    assert.throws(
      () =>
        fitLogistic(
          x,
          labels.map(() => 1),
        ),
      { code, message: /all 30 labels are 1/ },
    );
    assert.throws(
      () =>
        fitLogistic(
          x,
          labels.map((_, i) => i % 3),
        ),
      { code, message: /got 3 \(0, 1, 2\)/ },
    );
    assert.throws(() => fitLogistic(x, [0, 1]), { code: "SHAPE_MISMATCH", message: /30 labels, got 2/ });
    const words = tensor("string", [30], labels.map(String));
    assert.throws(() => fitLogistic(x, words), { code: "TYPE_MISMATCH" });
    assert.throws(() => fitLogistic(x, labels, { l2: -1 }), { code });
  });
});

describe("probes.evaluate", () => {
  const random = generator(12);
  const draw = (n: number): { x: Tensor; labels: number[] } => {
    const labels = Array.from({ length: n }, (_, i) => Number(i % 4 === 0));
    return {
      x: table(
        n,
        2,
        labels.flatMap((label) => [random.normal() + 2 * label, random.normal()]),
      ),
      labels,
    };
  };
  const [train, heldOut] = [draw(80), draw(200)];
  const probe = fitLogistic(train.x, train.labels);

  it("reports AUROC, accuracy and the majority rate with their intervals", () => {
    const { auroc, accuracy, majorityRate, n, pValue, truePositiveRateAtOnePercent } = evaluate(
      probe,
      heldOut.x,
      heldOut.labels,
    );
    const logits = probe.logits(heldOut.x);
    // 150 negatives: one may lie above the threshold.
    const second = [...logits].filter((_, i) => heldOut.labels[i] === 0).sort((a, b) => b - a)[1]!;
    const found = logits.filter((logit, i) => heldOut.labels[i] === 1 && logit > second).length;
    assert.equal(truePositiveRateAtOnePercent.value, found / 50);
    const right = logits.filter((logit, i) => Number(logit > 0) === heldOut.labels[i]).length;
    assert.equal(accuracy.value, right / 200);
    assert.equal(majorityRate.value, 0.75);
    assert.equal(n, 200);
    assert.ok(auroc.value > 0.85 && auroc.interval[0] > 0.8);
    assert.ok(pValue < 1e-9);
  });

  it("finds nothing when labels are shuffled: p-values are uniform", () => {
    const pValues = Array.from({ length: 300 }, () => {
      const order = random.permutation(200);
      return evaluate(
        probe,
        heldOut.x,
        [...order].map((i) => heldOut.labels[i]!),
      ).pValue;
    });
    const below = pValues.filter((p) => p <= 0.2).length;
    // Four standard errors of 60 = 0.2 * 300.
    assert.ok(Math.abs(below - 60) < 28, String(below));
  });

  it("refuses labels that the probe does not know and held-out sets of one class", () => {
    assert.throws(
      () =>
        evaluate(
          probe,
          heldOut.x,
          heldOut.labels.map((label) => label + 1),
        ),
      {
        code: "INVALID_ARGUMENT",
        message: /tells 0 from 1/,
      },
    );
    assert.throws(
      () =>
        evaluate(
          probe,
          heldOut.x,
          heldOut.labels.map(() => 1),
        ),
      { code: "INVALID_ARGUMENT" },
    );
  });
});

describe("stats.mannWhitneyPValue", () => {
  it("agrees with SciPy, ties included", () => {
    const { roc } = readFixture<{
      roc: { negatives: number[]; positives: number[]; mannWhitneyPValue: number }[];
    }>("scipy", "stats.json");
    for (const row of roc) {
      assert.ok(
        Math.abs(mannWhitneyPValue(row) - row.mannWhitneyPValue) < 1e-12 + 1e-9 * row.mannWhitneyPValue,
      );
    }
  });
});
