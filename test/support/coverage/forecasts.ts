/** Intervals of what forecasts cost, n = 10 to 1,000 and base rates 0.01 to 0.5. */
import { generator } from "../../../lib/random/index.js";
import { brierScore, type Estimate, type Forecasts, logLoss, reliability } from "../../../lib/stats/index.js";
import { type Forecaster, forecasters, forecastsOf } from "./forecasters.js";
import { type CoverageSubject, simulatedPoint } from "./subject.js";

type Loss = (p: number, y: 0 | 1) => number;

const squared: Loss = (p, y) => (p - y) ** 2;
const logarithmic: Loss = (p, y) => -Math.log(Math.min(1 - 1e-12, Math.max(1e-12, y ? p : 1 - p)));

/** Draws of forecasts from which a truth is computed. */
const MANY = 40_000;

function meanLoss(forecaster: Forecaster, rate: number, loss: Loss): number {
  const random = generator(30).split(rate);
  let sum = 0;
  for (let i = 0; i < MANY; i++) {
    const [p, q] = forecaster(random, rate);
    sum += q * loss(p, 1) + (1 - q) * loss(p, 0);
  }
  return sum / MANY;
}

/** Of ten equal bins. */
function meanError(forecaster: Forecaster, rate: number): number {
  const random = generator(30).split(rate);
  const bins = new Float64Array(10);
  for (let i = 0; i < MANY; i++) {
    const [p, q] = forecaster(random, rate);
    bins[Math.min(9, Math.floor(10 * p))]! += (p - q) / MANY;
  }
  return bins.reduce((sum, gap) => sum + Math.abs(gap), 0);
}

function grid(
  forecaster: Forecaster,
  truth: (rate: number) => number,
  estimate: (forecasts: Forecasts) => Estimate,
) {
  return [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].flatMap((rate) => {
    const expected = truth(rate);
    return [10, 20, 50, 100, 300, 1000].map((n) =>
      simulatedPoint(
        `n = ${n}, base rate ${rate}`,
        expected,
        (random) => estimate(forecastsOf(random, forecaster, n, rate)),
        n === 20 || n === 100 || rate === 0.02 || rate === 0.1,
      ),
    );
  });
}

export const forecasts = (): readonly CoverageSubject[] =>
  Object.entries(forecasters).flatMap(([name, forecaster]): CoverageSubject[] => [
    {
      name: `brierScore of ${name} forecasts`,
      mean: [0.94, 0.99],
      worst: name === "constant" ? 0.89 : 0.94,
      points: grid(forecaster, (rate) => meanLoss(forecaster, rate, squared), brierScore),
    },
    {
      name: `logLoss of ${name} forecasts`,
      mean: [0.94, 0.99],
      worst: name === "constant" ? 0.89 : 0.94,
      points: grid(forecaster, (rate) => meanLoss(forecaster, rate, logarithmic), logLoss),
    },
    {
      name: `expected calibration error of ${name} forecasts`,
      mean: [0.95, 0.99],
      worst: 0.93,
      points: grid(
        forecaster,
        (rate) => meanError(forecaster, rate),
        (given) => reliability(given).expectedCalibrationError,
      ),
    },
  ]);
