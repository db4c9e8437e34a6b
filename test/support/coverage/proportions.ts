/** Intervals of rates, whose coverage is a sum over all outcomes. */
import { accuracyDifference } from "../../../lib/spec/fairness.js";
import {
  anytimeInterval,
  clopperPearson,
  type Estimate,
  logGamma,
  upperLimit,
  wilson,
} from "../../../lib/stats/index.js";
import { type CoveragePoint, type CoverageSubject, exactPoint } from "./subject.js";

const SIZES = [10, 20, 50, 100, 300, 1000];
const RATES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5];

/** Probability of k successes in n trials. */
export function binomial(k: number, n: number, rate: number): number {
  const choices = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
  return Math.exp(choices + k * Math.log(rate) + (n - k) * Math.log1p(-rate));
}

function grid(estimate: (successes: number, n: number) => Estimate): CoveragePoint[] {
  return SIZES.flatMap((n) => {
    let intervals: (readonly [number, number])[] | undefined;
    return RATES.map((rate) =>
      exactPoint(`n = ${n}, rate ${rate}`, () => {
        intervals ??= Array.from({ length: n + 1 }, (_, k) => estimate(k, n).interval);
        return intervals.reduce(
          (sum, [low, high], k) => sum + (low <= rate && rate <= high ? binomial(k, n, rate) : 0),
          0,
        );
      }),
    );
  });
}

/** Coverage of the difference of two accuracies. */
function differences(): CoveragePoint[] {
  const points: CoveragePoint[] = [];
  for (const [n, m] of [
    [10, 10],
    [30, 100],
    [100, 100],
    [300, 30],
  ] as const) {
    for (const [p, q] of [
      [0.5, 0.5],
      [0.5, 0.8],
      [0.9, 0.9],
      [0.9, 0.99],
      [0.99, 0.99],
    ] as const) {
      points.push(
        exactPoint(`n = ${n} and ${m}, rates ${p} and ${q}`, () => {
          const truth = Math.abs(p - q);
          let sum = 0;
          for (let a = 0; a <= n; a++) {
            for (let b = 0; b <= m; b++) {
              const [low, high] = accuracyDifference({ correct: a, n }, { correct: b, n: m }, 0.95).interval;
              if (low <= truth + 1e-12 && truth - 1e-12 <= high) sum += binomial(a, n, p) * binomial(b, m, q);
            }
          }
          return sum;
        }),
      );
    }
  }
  return points;
}

/** The rate that gets no mean checked: exact intervals cover too often by design. */
const ANY = [0.95, 1] as const;

export const proportions: readonly CoverageSubject[] = [
  { name: "wilson", mean: [0.945, 0.965], worst: 0.85, points: grid(wilson) },
  { name: "clopperPearson", mean: [0.95, 0.98], worst: 0.95 - 1e-12, points: grid(clopperPearson) },
  { name: "upperLimit", mean: ANY, worst: 0.95 - 1e-12, points: grid(upperLimit) },
  { name: "anytimeInterval, at a fixed n", mean: ANY, worst: 0.95, points: grid(anytimeInterval) },
  {
    name: "fairness: difference of accuracies (Newcombe)",
    mean: [0.94, 0.98],
    worst: 0.94,
    points: differences(),
  },
];
