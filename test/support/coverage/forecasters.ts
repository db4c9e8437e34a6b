/** Forecasts of several kinds, with the probabilities behind them. */
import type { Generator } from "../../../lib/random/index.js";

/** Draws a forecast and the true probability behind it, for a base rate. */
export type Forecaster = (random: Generator, rate: number) => readonly [forecast: number, truth: number];

const spread = (random: Generator, rate: number): number => beta(random, 3 * rate, 3 * (1 - rate));

/** Odds to a power, times a factor. */
const bent = (p: number, power: number, factor: number): number =>
  1 / (1 + ((1 - p + 1e-9) / (p + 1e-9)) ** power / factor);

export const forecasters: Readonly<Record<string, Forecaster>> = {
  constant: (_, rate) => [rate, rate],
  calibrated: (random, rate) => {
    const p = spread(random, rate);
    return [p, p];
  },
  overconfident: (random, rate) => {
    const p = spread(random, rate);
    return [bent(p, 2, 1), p];
  },
  shifted: (random, rate) => {
    const p = spread(random, rate);
    return [bent(p, 1, Math.exp(0.7)), p];
  },
  sharp: (random, rate) => (random.uniform() < rate ? [0.99, 0.97] : [0.01, 0.03]),
  certain: (random, rate) => (random.uniform() < rate ? [1 - 1e-4, 0.9] : [1e-4, 0.02]),
};

/** Forecasts and what happened. */
export function forecastsOf(random: Generator, forecaster: Forecaster, n: number, rate: number) {
  const probabilities = new Float64Array(n);
  const outcomes = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    const [forecast, truth] = forecaster(random, rate);
    probabilities[i] = forecast;
    outcomes[i] = Number(random.uniform() < truth);
  }
  return { probabilities, outcomes };
}

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
