import assert from "node:assert/strict";
import { covarianceSpectrum } from "../../../lib/anomaly/index.js";
import { generator } from "../../../lib/random/index.js";
import { chiSquareQuantile, marchenkoPastur, regularisedGammaP } from "../../../lib/stats/index.js";
import { tensor } from "../../../lib/tensor/index.js";

const noise = (n: number, d: number, seed: number): Float64Array => {
  const random = generator(seed);
  return Float64Array.from({ length: n * d }, () => random.normal());
};

describe("stats.marchenkoPastur", () => {
  for (const ratio of [0.05, 0.5, 1, 3]) {
    it(`has area 1 and the law's moments at d/n = ${ratio}`, () => {
      const law = marchenkoPastur(ratio);
      const [low, high] = law.range;
      let [area, mean, square] = [0, 0, 0];
      const steps = 200_000;
      // Squared steps, since the density has a root at its lower end, a pole at d = n.
      for (let i = 0; i < steps; i++) {
        const u = (i + 0.5) / steps;
        const value = low + (high - low) * u * u;
        const weight = (law.density(value) * (high - low) * 2 * u) / steps;
        area += weight;
        mean += weight * value;
        square += weight * value * value;
      }
      // All d eigenvalues, zeros included, have mean 1 and mean square 1 + d/n.
      const share = Math.min(1, 1 / ratio);
      assert.ok(Math.abs(area - 1) < 1e-4, String(area));
      assert.ok(Math.abs(mean * share - 1) < 1e-4 && Math.abs(square * share - 1 - ratio) < 1e-3);
      for (const p of [0.01, 0.5, 0.99]) assert.ok(Math.abs(law.cdf(law.quantile(p)) - p) < 1e-9);
    });
  }

  it("has the distribution function of its density", () => {
    const law = marchenkoPastur(0.3);
    let sum = 0;
    const [low, high] = law.range;
    for (let i = 0; i < 100_000; i++) {
      const value = low + ((high - low) * (i + 0.5)) / 100_000;
      sum += (law.density(value) * (high - low)) / 100_000;
      if (i % 20_000 === 10_000) assert.ok(Math.abs(law.cdf(value) - sum) < 1e-4, `${law.cdf(value)} ${sum}`);
    }
    assert.throws(() => marchenkoPastur(0), { code: "INVALID_ARGUMENT" });
  });
});

describe("anomaly.covarianceSpectrum", () => {
  it("finds no signal in noise of any scale, with its edge where the largest eigenvalue is", () => {
    for (const [n, d] of [
      [800, 200],
      [150, 300],
    ] as const) {
      const data = noise(n, d, 3).map((value, at) => value * (1 + (at % d)));
      const { signals, eigenvalues, noiseEdge, noiseVariance } = covarianceSpectrum(
        tensor("float64", [n, d], data),
      );
      // The largest eigenvalue fluctuates about the edge by n^(-2/3).
      assert.ok(signals <= 2 && Math.abs(eigenvalues[0]! / noiseEdge - 1) < 0.1, `${signals}`);
      assert.ok(Math.abs(noiseVariance - 1) < 0.1, String(noiseVariance));
    }
  });

  it("counts planted directions, and leaves constant features out", () => {
    const [n, d] = [500, 120];
    const data = noise(n, d, 4);
    const random = generator(5);
    for (let i = 0; i < n; i++) {
      const shared = [1.5 * random.normal(), 1.5 * random.normal(), 1.5 * random.normal()];
      for (let j = 0; j < 119; j++) data[i * d + j]! += shared[j % 3]!;
      data[i * d + 119] = 7;
    }
    const { signals, warnings, d: varying } = covarianceSpectrum(tensor("float64", [n, d], data));
    assert.equal(signals, 3);
    assert.equal(varying, 119);
    assert.match(warnings[0]!, /1 of 120 features never vary/);
  });

  it("refuses what does not vary", () => {
    assert.throws(() => covarianceSpectrum(tensor("float64", [4, 2], new Float64Array(8))), {
      code: "SINGULAR_COVARIANCE",
    });
  });
});

describe("stats.chiSquareQuantile", () => {
  it("agrees with tables and inverts the distribution function", () => {
    for (const [p, degrees, value] of [
      [0.95, 1, 3.841458820694124],
      [0.95, 10, 18.307038053275146],
      [0.99, 2, -2 * Math.log(0.01)],
    ] as const) {
      assert.ok(Math.abs(chiSquareQuantile(p, degrees) - value) < 1e-11 * value);
    }
    for (const p of [1e-9, 0.3, 0.999999]) {
      assert.ok(Math.abs(regularisedGammaP(16, chiSquareQuantile(p, 32) / 2) - p) < 1e-12);
    }
    assert.deepEqual([chiSquareQuantile(0, 3), chiSquareQuantile(1, 3)], [0, Number.POSITIVE_INFINITY]);
  });
});
