import assert from "node:assert/strict";
import { type Generator, generator } from "../../../lib/random/index.js";
import {
  auroc,
  bootstrap,
  brierScore,
  compareAuroc,
  confusionMatrix,
  detCurve,
  type Estimate,
  logLoss,
  normalCdf,
  normalQuantile,
  partialAuroc,
  precisionRecallCurve,
  reliability,
  truePositiveRateAt,
} from "../../../lib/stats/index.js";

/** Share of draws whose interval holds the truth. */
function coverage(draws: number, truth: number, draw: () => Estimate): number {
  let covered = 0;
  for (let i = 0; i < draws; i++) {
    const { interval } = draw();
    covered += Number(interval[0] <= truth + 1e-12 && truth - 1e-12 <= interval[1]);
  }
  return covered / draws;
}

/** The mean over the grid lies in its range, and no point below the worst that the docstring admits, less noise. */
function check(rates: readonly number[], [low, high]: readonly [number, number], worst: number): void {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  assert.ok(mean >= low && mean <= high, `mean coverage ${mean}`);
  assert.ok(Math.min(...rates) >= worst, `worst coverage ${Math.min(...rates)}`);
}

const normals = (random: Generator, n: number, shift = 0): Float64Array =>
  Float64Array.from({ length: n }, () => random.normal() + shift);

/** The shift between two unit normals that have this AUROC. */
const shiftOf = (area: number): number => normalQuantile(area) * Math.SQRT2;

/** AUROC of scores without ties, pair by pair. */
function pairsInOrder([negatives, positives]: readonly Float64Array[]): number {
  let above = 0;
  for (const p of positives!) for (const n of negatives!) above += p > n ? 1 : p === n ? 0.5 : 0;
  return above / (positives!.length * negatives!.length);
}

const groupsOf = (random: Generator, n: number, m: number, area: number) => ({
  negatives: normals(random, n),
  positives: normals(random, m, shiftOf(area)),
});

describe("stats: simulated coverage of 95 % intervals of two groups", function () {
  this.timeout(120_000);

  it("AUROC (DeLong): 0.93 to 0.97 for AUROC 0.6 to 0.95 and 50 examples or more", () => {
    const rates: number[] = [];
    for (const [n, m] of [
      [50, 50],
      [50, 500],
      [300, 100],
    ] as const) {
      for (const area of [0.6, 0.75, 0.85, 0.95]) {
        const random = generator(21).split(`${n} ${m} ${area}`);
        rates.push(coverage(800, area, () => auroc(groupsOf(random, n, m, area))));
      }
    }
    check(rates, [0.94, 0.98], 0.93);
    assert.ok(Math.max(...rates) <= 0.97 + 0.01);
  });

  it("AUROC (BCa bootstrap): 0.93 to 0.97 for AUROC 0.6 to 0.95 and 50 examples of each class", () => {
    const rates = [0.6, 0.75, 0.95].map((area) => {
      const random = generator(22).split(area);
      return coverage(250, area, () => {
        const { negatives, positives } = groupsOf(random, 50, 50, area);
        return bootstrap([negatives, positives], pairsInOrder, { seed: random.integer(1e9), resamples: 200 });
      });
    });
    // Three standard errors of 250 draws are 0.04.
    check(rates, [0.93, 0.97], 0.91);
  });

  it("difference of two AUROCs", () => {
    const rates: number[] = [];
    for (const n of [10, 20, 50, 200]) {
      for (const [r, a, b] of [
        [0.5, 0.5, 0.5],
        [0.9, 0.6, 0.75],
        [0.5, 0.95, 0.9],
        [0.9, 0.98, 0.95],
      ] as const) {
        const random = generator(23).split(`${n} ${r} ${a}`);
        const pair = (count: number, one: number, two: number): [number[], number[]] => {
          const [first, second]: [number[], number[]] = [[], []];
          for (let i = 0; i < count; i++) {
            const [x, y] = [random.normal(), random.normal()];
            first.push(x + one);
            second.push(r * x + Math.sqrt(1 - r * r) * y + two);
          }
          return [first, second];
        };
        rates.push(
          coverage(400, a - b, () => {
            const [low, otherLow] = pair(n, 0, 0);
            const [high, otherHigh] = pair(n, shiftOf(a), shiftOf(b));
            return compareAuroc(
              { negatives: low, positives: high },
              { negatives: otherLow, positives: otherHigh },
            ).difference;
          }),
        );
      }
    }
    check(rates, [0.94, 0.985], 0.92);
  });

  it("true-positive rate at a false-positive rate, and the area up to it", () => {
    const rates: { at: number[]; area: number[] } = { at: [], area: [] };
    for (const [rate, n, m] of [
      [0.01, 100, 100],
      [0.01, 1000, 50],
      [0.05, 50, 50],
      [0.05, 300, 100],
      [0.1, 100, 50],
      [0.1, 1000, 50],
      [0.2, 50, 500],
      [0.2, 300, 100],
    ] as const) {
      for (const area of [0.6, 0.85, 0.98]) {
        const shift = shiftOf(area);
        const curve = (u: number): number => normalCdf(shift + normalQuantile(u));
        let mean = 0;
        for (let i = 0; i < 2000; i++) mean += curve((rate * (i + 0.5)) / 2000) / 2000;
        const standard = 0.5 * (1 + (mean - rate / 2) / (1 - rate / 2));
        const random = generator(24).split(`${rate} ${n} ${area}`);
        const draw = () => groupsOf(random, n, m, area);
        rates.at.push(coverage(200, curve(rate), () => truePositiveRateAt(rate, draw())));
        rates.area.push(coverage(200, standard, () => partialAuroc(rate, draw())));
      }
    }
    check(rates.at, [0.94, 0.985], 0.91);
    check(rates.area, [0.94, 0.98], 0.88);
  });

  it("average precision, and equal error rate (BCa bootstrap)", () => {
    const rates: { precision: number[]; error: number[] } = { precision: [], error: [] };
    for (const [n, m] of [
      [50, 50],
      [200, 30],
    ] as const) {
      for (const area of [0.75, 0.95]) {
        const shift = shiftOf(area);
        // Precision at threshold t is m P / (m P + n N); its mean over the positives' own distribution.
        let precision = 0;
        for (let i = 0; i < 4000; i++) {
          const t = shift + normalQuantile((i + 0.5) / 4000);
          const [hits, alarms] = [m * normalCdf(shift - t), n * normalCdf(-t)];
          precision += hits / (hits + alarms) / 4000;
        }
        const random = generator(25).split(`${n} ${area}`);
        const options = () => ({ seed: random.integer(1e9), resamples: 200 });
        rates.precision.push(
          coverage(120, precision, () => precisionRecallCurve(groupsOf(random, n, m, area)).averagePrecision),
        );
        rates.error.push(
          coverage(
            120,
            normalCdf(-shift / 2),
            () => detCurve(groupsOf(random, n, m, area), options()).equalErrorRate,
          ),
        );
      }
    }
    check(rates.precision, [0.92, 0.98], 0.88);
    check(rates.error, [0.9, 0.98], 0.85);
  });
});

/** Draws a forecast and the true probability behind it, for a base rate. */
type Forecaster = (random: Generator, rate: number) => [forecast: number, truth: number];

const forecasters: Readonly<Record<string, Forecaster>> = {
  constant: (_, rate) => [rate, rate],
  calibrated: (random, rate) => {
    const p = beta(random, 3 * rate, 3 * (1 - rate));
    return [p, p];
  },
  overconfident: (random, rate) => {
    const p = beta(random, 3 * rate, 3 * (1 - rate));
    return [1 / (1 + ((1 - p + 1e-9) / (p + 1e-9)) ** 2), p];
  },
  shifted: (random, rate) => {
    const p = beta(random, 3 * rate, 3 * (1 - rate));
    return [1 / (1 + ((1 - p + 1e-9) / (p + 1e-9)) * Math.exp(-0.7)), p];
  },
};

describe("stats: simulated coverage of 95 % intervals of forecasts, n = 10 to 1,000, base rates 0.01 to 0.5", function () {
  this.timeout(120_000);
  const scores = { brierScore, logLoss } as const;
  const losses = {
    brierScore: (p: number, y: number): number => (p - y) ** 2,
    logLoss: (p: number, y: number): number => -Math.log(Math.min(1 - 1e-12, Math.max(1e-12, y ? p : 1 - p))),
  } as const;
  const grid = (draws: number, each: (n: number, rate: number, draws: number) => number): number[] =>
    [10, 30, 100, 300, 1000].flatMap((n) =>
      [0.01, 0.05, 0.2, 0.5].map((rate) => each(n, rate, n >= 300 ? draws / 2 : draws)),
    );
  const sample = (random: Generator, forecaster: Forecaster, n: number, rate: number) => {
    const probabilities = new Float64Array(n);
    const outcomes = new Uint8Array(n);
    for (let i = 0; i < n; i++) {
      const [forecast, truth] = forecaster(random, rate);
      probabilities[i] = forecast;
      outcomes[i] = Number(random.uniform() < truth);
    }
    return { probabilities, outcomes };
  };

  for (const [name, forecaster] of Object.entries(forecasters)) {
    for (const score of ["brierScore", "logLoss"] as const) {
      it(`${score} of ${name} forecasts`, () => {
        const rates = grid(200, (n, rate, draws) => {
          const random = generator(31).split(`${name} ${n} ${rate}`);
          let truth = 0;
          for (let i = 0; i < 10_000; i++) {
            const [p, q] = forecaster(random, rate);
            truth += (q * losses[score](p, 1) + (1 - q) * losses[score](p, 0)) / 10_000;
          }
          return coverage(draws, truth, () => scores[score](sample(random, forecaster, n, rate)));
        });
        check(rates, [0.94, 0.99], 0.77);
      });
    }

    it(`expected calibration error of ${name} forecasts`, () => {
      const rates = grid(200, (n, rate, draws) => {
        const random = generator(32).split(`${name} ${n} ${rate}`);
        const bins = new Float64Array(10);
        for (let i = 0; i < 10_000; i++) {
          const [p, q] = forecaster(random, rate);
          bins[Math.min(9, Math.floor(10 * p))]! += (p - q) / 10_000;
        }
        const truth = bins.reduce((sum, gap) => sum + Math.abs(gap), 0);
        return coverage(
          draws,
          truth,
          () => reliability(sample(random, forecaster, n, rate)).expectedCalibrationError,
        );
      });
      check(rates, [0.935, 0.985], 0.84);
    });
  }
});

describe("stats: simulated coverage of 95 % intervals of kappa", () => {
  it("holds from 20 examples on, also where they agree almost completely", () => {
    const rates: number[] = [];
    for (const classes of [2, 10]) {
      for (const accuracy of [0.5, 0.9, 0.97]) {
        for (const n of [20, 100, 1000]) {
          const random = generator(41).split(`${classes} ${accuracy} ${n}`);
          // All labels equally frequent: chance agreement is 1 / classes.
          const truth = (accuracy - 1 / classes) / (1 - 1 / classes);
          const draw = (): Estimate => {
            const labels = Array.from({ length: n }, () => random.integer(classes));
            const answers = labels.map((label) =>
              random.uniform() < accuracy ? label : (label + 1 + random.integer(classes - 1)) % classes,
            );
            return confusionMatrix(labels, answers).kappa!;
          };
          rates.push(coverage(n === 1000 ? 100 : 300, truth, draw));
        }
      }
    }
    check(rates, [0.94, 0.98], 0.89);
  });
});

/** A beta variate, from two gamma variates by the method of Marsaglia and Tsang. */
function beta(random: Generator, a: number, b: number): number {
  const [x, y] = [gamma(random, a), gamma(random, b)];
  return x / (x + y);
}

function gamma(random: Generator, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * random.uniform() ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const x = random.normal();
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
