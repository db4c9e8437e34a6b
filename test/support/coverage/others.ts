/** Intervals of means, of agreement, of thresholds and of simulated nulls. */
import type { Generator } from "../../../lib/random/index.js";
import {
  betaCdf,
  conformalThreshold,
  confusionMatrix,
  type Estimate,
  meanEstimate,
  monteCarloNull,
  normalQuantile,
} from "../../../lib/stats/index.js";
import { type CoverageSubject, exactPoint, simulatedPoint } from "./subject.js";

const SIZES = [10, 20, 50, 100, 300, 1000];

/** All labels equally frequent: chance agreement is 1 / classes. */
function kappa(random: Generator, classes: number, accuracy: number, n: number): Estimate {
  const labels = Array.from({ length: n }, () => random.integer(classes));
  const answers = labels.map((label) =>
    random.uniform() < accuracy ? label : (label + 1 + random.integer(classes - 1)) % classes,
  );
  return confusionMatrix(labels, answers).kappa!;
}

const agreement = [2, 10].flatMap((classes) =>
  [0.5, 0.9, 0.97].flatMap((accuracy) =>
    [20, 100, 1000].map((n) =>
      simulatedPoint(
        `${classes} classes, accuracy ${accuracy}, n = ${n}`,
        (accuracy - 1 / classes) / (1 - 1 / classes),
        (random) => kappa(random, classes, accuracy, n),
      ),
    ),
  ),
);

const values = (n: number, draw: () => number): Float64Array => Float64Array.from({ length: n }, draw);

const student = SIZES.map((n) =>
  simulatedPoint(`n = ${n}`, 0, (random) => meanEstimate(values(n, () => random.normal()))),
);

/** Values in [0, 1]: mostly 0 and else uniform, or a power of a uniform. */
const bounded = SIZES.flatMap((n) => [
  ...[0.01, 0.05, 0.2, 0.5].map((rate) =>
    simulatedPoint(`n = ${n}, not 0 with ${rate}`, rate / 2, (random) =>
      meanEstimate(
        values(n, () => (random.uniform() < rate ? random.uniform() : 0)),
        { bounds: [0, 1] },
      ),
    ),
  ),
  ...[1, 4].map((power) =>
    simulatedPoint(`n = ${n}, uniform to the power ${power}`, 1 / (1 + power), (random) =>
      meanEstimate(
        values(n, () => random.uniform() ** power),
        { bounds: [0, 1] },
      ),
    ),
  ),
]);

/** The share of a beta distribution that the interval holds. */
const conformal = [0.01, 0.05, 0.1, 0.5].flatMap((rate) =>
  SIZES.filter((n) => n >= 1 / rate).map((n) =>
    exactPoint(`n = ${n}, false-positive rate ${rate}`, () => {
      const { falsePositiveRate } = conformalThreshold(
        Array.from({ length: n }, (_, i) => i),
        rate,
      );
      const k = Math.ceil((n + 1) * (1 - rate) - 1e-9);
      const [low, high] = falsePositiveRate.interval;
      return betaCdf(high, n + 1 - k, k) - betaCdf(low, n + 1 - k, k);
    }),
  ),
);

const quantile = [0.5, 0.9, 0.95].flatMap((probability) =>
  [99, 999].map((draws) =>
    simulatedPoint(`quantile ${probability} of ${draws} draws`, normalQuantile(probability), (random) =>
      monteCarloNull((own) => own.normal(), { seed: random.integer(1e9), draws }).quantile(probability),
    ),
  ),
);

export const others: readonly CoverageSubject[] = [
  { name: "kappa", mean: [0.94, 0.98], worst: 0.91, points: agreement },
  { name: "meanEstimate of normal values (Student)", mean: [0.94, 0.96], worst: 0.95, points: student },
  { name: "meanEstimate between bounds", mean: [0.94, 0.99], worst: 0.93, points: bounded },
  {
    name: "conformalThreshold, false-positive rate",
    mean: [0.95, 0.95 + 1e-9],
    worst: 0.95 - 1e-9,
    points: conformal,
  },
  { name: "monteCarloNull, quantile", mean: [0.95, 0.99], worst: 0.95, share: 0.1, points: quantile },
];
