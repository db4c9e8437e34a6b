import assert from "node:assert/strict";
import { calibrateTogether } from "../../../lib/extraction/calibration.js";
import { calibrate, madFalseAlarmRate, madIndex } from "../../../lib/extraction/index.js";
import { type Generator, generator } from "../../../lib/random/index.js";
import { kolmogorovSmirnov } from "../../../lib/stats/index.js";

/** Fills in statistics as clean models have them: Student's t with 5 degrees of freedom, a spread per class. */
function fillClean(models: number[][], random: Generator): void {
  for (let k = 0; k < models[0]!.length; k++) {
    const spread = Math.exp(0.35 * random.normal());
    for (const values of models) {
      let squares = 0;
      for (let i = 0; i < 5; i++) squares += random.normal() ** 2;
      values[k] = (spread * random.normal()) / Math.sqrt(squares / 5);
    }
  }
}

describe("extraction.calibrate", () => {
  it("scores classes as the formula says, worked out with NumPy", () => {
    // s = [1, 2, 9]; references minus their own means [-7/3, -1/3, 8/3], [-5/3, 1/3, 4/3]: variances
    // 2/9, 2/9, 8/9, shrunk half-way to their mean, times 1 + 1/2: 1/2, 1/2, 1. Differences 3, 2, 7 minus 3.
    const { scores, target, statistic } = calibrate(
      [1, 2, 9],
      [
        [0, 2, 5],
        [2, 4, 5],
      ],
      { seed: 1 },
    );
    [0, -Math.SQRT2, 4].forEach((value, k) => {
      assert.ok(Math.abs(scores[k]! - value) < 1e-6);
    });
    assert.equal(target, 2);
    assert.ok(Math.abs(statistic - 4) < 1e-6);
  });

  it("widens the spread beside references that are unlike the suspect", () => {
    // The example above: variances 1/3, 1/3, 2/3 times 2 + 1/2, and 1 squared: 11/6, 11/6, 8/3. Differences 0, -1, 4.
    const references = [
      [0, 2, 5],
      [2, 4, 5],
    ];
    const { scores } = calibrateTogether(
      [{ suspect: [1, 2, 9], references, otherness: { variance: 2, bias: 1 } }],
      { seed: 1 },
    );
    [0, -1 / Math.sqrt(11 / 6), 4 / Math.sqrt(8 / 3)].forEach((value, k) => {
      assert.ok(Math.abs(scores[k]! - value) < 1e-6);
    });
  });

  it("keeps its error rate where two statistics go along with one another, told by how much", () => {
    const random = generator(11);
    const pValues = { told: 0, untold: 0 };
    const runs = 300;
    for (let run = 0; run < runs; run++) {
      const models = Array.from({ length: 4 }, () => Array.from({ length: 10 }, () => random.normal()));
      const like = models.map((values) => values.map((value) => 0.8 * value + 0.6 * random.normal()));
      const [first, second] = [models, like].map(([suspect, ...references]) => ({
        suspect: suspect!,
        references,
      }));
      for (const [name, correlation] of [
        ["told", 0.8],
        ["untold", 0],
      ] as const) {
        const { pValue } = calibrateTogether([first!, { ...second!, correlation }], { seed: 1 });
        if (pValue < 0.1) pValues[name]++;
      }
    }
    // The null has heavier tails than these draws: it may be a little careful.
    assert.ok(pValues.told / runs < 0.12, JSON.stringify(pValues));
    assert.ok(pValues.untold > 1.5 * pValues.told, JSON.stringify(pValues));
  });

  it("is blind to a shift of a whole model and to what classes cost in every model", () => {
    const random = generator(5);
    const draw = (): number[] => Array.from({ length: 10 }, () => random.normal());
    const [suspect, ...references] = [draw(), draw(), draw(), draw()] as [number[], ...number[][]];
    const ease = draw();
    const plain = calibrate(suspect, references, { seed: 1 });
    const moved = calibrate(
      suspect.map((value, k) => value + ease[k]! + 7),
      references.map((values, r) => values.map((value, k) => value + ease[k]! - r)),
      { seed: 1 },
    );
    plain.scores.forEach((score, k) => {
      assert.ok(Math.abs(score - moved.scores[k]!) < 1e-9);
    });
    assert.equal(plain.target, moved.target);
  });

  for (const references of [0, 1, 3, 6]) {
    it(`accuses about 5 % of clean models at p < 0.05 with ${references} references`, () => {
      const random = generator(17).split(references);
      const draws = 2_000;
      let accused = 0;
      for (let i = 0; i < draws; i++) {
        const [suspect, ...rest] = Array.from({ length: references + 1 }, () =>
          Array.from({ length: 10 }, () => 0),
        );
        fillClean([suspect!, ...rest], random);
        if (calibrate(suspect!, rest, { seed: 1 }).pValue < 0.05) accused++;
      }
      // Four standard errors about 5 %.
      assert.ok(accused / draws > 0.03 && accused / draws < 0.07, `${accused} of ${draws}`);
    });
  }

  it("accuses fewer clean models whose statistics are normal with one spread", () => {
    const random = generator(18);
    let accused = 0;
    for (let i = 0; i < 1000; i++) {
      const [suspect, ...rest] = Array.from({ length: 4 }, () =>
        Array.from({ length: 10 }, () => random.normal()),
      );
      if (calibrate(suspect!, rest, { seed: 1 }).pValue < 0.05) accused++;
    }
    assert.ok(accused > 5 && accused < 50, String(accused));
  });

  it("gives clean models p-values that are uniform, by Kolmogorov and Smirnov's test", () => {
    for (const references of [0, 1, 3, 6]) {
      const random = generator(29).split(references);
      const pValues = Array.from({ length: 600 }, () => {
        const [suspect, ...rest] = Array.from({ length: references + 1 }, () =>
          Array.from({ length: 10 }, () => 0),
        );
        fillClean([suspect!, ...rest], random);
        return calibrate(suspect!, rest, { seed: 1 }).pValue;
      });
      const { pValue, statistic } = kolmogorovSmirnov(pValues, (u) => u);
      assert.ok(pValue > 0.001, `${references} references: D = ${statistic}, p = ${pValue}`);
    }
  });

  it("finds a planted class with p < 0.05 from three references", () => {
    const random = generator(3);
    const draw = (): number[] => Array.from({ length: 10 }, (_, k) => k / 5 + 0.25 * random.normal());
    const suspect = draw();
    suspect[4] = suspect[4]! + 2;
    const result = calibrate(suspect, [draw(), draw(), draw()], { seed: 1 });
    assert.equal(result.target, 4);
    assert.ok(result.pValue < 0.05, `p = ${result.pValue}`);
  });

  it("is fixed by its seed, and refuses NaN and single classes", () => {
    const references = [
      [0, 1, 2],
      [1, 1, 1],
    ];
    assert.deepEqual(
      calibrate([0, 1, 5], references, { seed: 2 }),
      calibrate([0, 1, 5], references, { seed: 2 }),
    );
    assert.throws(() => calibrate([0, Number.NaN, 1], references, { seed: 1 }), { code: "NOT_FINITE" });
    assert.throws(() => calibrate([1], [[1], [2]], { seed: 1 }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => calibrate([1, 2], [[1, 2, 3]], { seed: 1 }), { code: "INVALID_ARGUMENT" });
  });
});

describe("extraction.madIndex", () => {
  it("counts median absolute deviations below the median", () => {
    // median 10, deviations 9, 1, 0, 1, 2: median 1.
    assert.ok(Math.abs(madIndex([1, 9, 10, 11, 12]) - 9 / 1.4826) < 1e-12);
    assert.equal(madIndex([5, 5, 5, 5]), 0);
  });

  // An independent simulation in NumPy, 40,000 draws: 0.278, 0.334, 0.445.
  for (const [classes, rate] of [
    [5, 0.278],
    [10, 0.334],
    [20, 0.445],
  ] as const) {
    it(`above 2 accuses ${Math.round(100 * rate)} % of clean models with ${classes} classes`, () => {
      const estimate = madFalseAlarmRate(classes, { seed: 1 });
      assert.ok(Math.abs(estimate.value - rate) < 0.012, `${estimate.value}`);
    });
  }
});
