import assert from "node:assert/strict";
import { fitGamma } from "../../../lib/stats/index.js";

describe("stats.fitGamma", () => {
  const cases = [
    {
      values: [1, 2, 3, 4, 10],
      shape: 1.8726098439573358,
      scale: 2.1360562708283686,
      at: 15,
      tail: 0.005755274403891075,
    },
    {
      values: [12.1, 15.3, 9.8, 14.2, 11.1, 13.5, 12.9, 10.4, 16.0],
      shape: 39.33849482689078,
      scale: 0.3256634796904778,
      at: 24,
      tail: 4.370610887971497e-6,
    },
    {
      values: [0.01, 0.5, 3, 0.2],
      shape: 0.4663250065786969,
      scale: 1.9889561720157833,
      at: 4.5,
      tail: 0.030029557736314612,
    },
  ];
  for (const { values, shape, scale, at, tail } of cases) {
    it(`agrees with SciPy 1.17's stats.gamma.fit(floc=0) on ${values.length} values`, () => {
      const fit = fitGamma(values);
      assert.ok(Math.abs(fit.shape / shape - 1) < 1e-6, String(fit.shape));
      assert.ok(Math.abs(fit.scale / scale - 1) < 1e-6, String(fit.scale));
      assert.ok(Math.abs(fit.upperTail(at) / tail - 1) < 1e-5, String(fit.upperTail(at)));
    });
  }

  it("makes the likelihood stationary: the mean log of the data is that of the distribution", () => {
    const values = [100, 101, 99.5, 100.2];
    const { shape, scale } = fitGamma(values);
    // Of a large shape, digamma is log(shape) - 1/(2 shape) - 1/(12 shape^2) to 1e-18.
    const digamma = Math.log(shape) - 1 / (2 * shape) - 1 / (12 * shape ** 2);
    const meanLog = values.reduce((sum, value) => sum + Math.log(value), 0) / 4;
    assert.ok(Math.abs(digamma + Math.log(scale) - meanLog) < 1e-12);
    assert.ok(Math.abs(shape * scale - 100.175) < 1e-9);
  });

  it("names what it cannot fit", () => {
    assert.throws(() => fitGamma([1, -2]), { code: "INVALID_ARGUMENT", message: /value 1 is -2/ });
    assert.throws(() => fitGamma([2, 2, 2]), { code: "INVALID_ARGUMENT", message: /two different values/ });
  });
});
