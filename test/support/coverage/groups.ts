/** Intervals of how well a score separates two groups, of normal scores. */
import type { Generator } from "../../../lib/random/index.js";
import {
  auroc,
  bootstrap,
  compareAuroc,
  detCurve,
  normalCdf,
  normalQuantile,
  partialAuroc,
  precisionRecallCurve,
  stratifiedAuroc,
  truePositiveRateAt,
} from "../../../lib/stats/index.js";
import { type CoverageSubject, simulatedPoint } from "./subject.js";

const normals = (random: Generator, n: number, shift = 0): Float64Array =>
  Float64Array.from({ length: n }, () => random.normal() + shift);

/** The shift between two unit normals that have this AUROC. */
const shiftOf = (area: number): number => normalQuantile(area) * Math.SQRT2;

const groupsOf = (random: Generator, n: number, m: number, area: number) => ({
  negatives: normals(random, n),
  positives: normals(random, m, shiftOf(area)),
});

/** AUROC of scores without ties, pair by pair. */
function pairsInOrder([negatives, positives]: readonly Float64Array[]): number {
  let above = 0;
  for (const p of positives!) for (const n of negatives!) above += p > n ? 1 : p === n ? 0.5 : 0;
  return above / (positives!.length * negatives!.length);
}

const title = (n: number, m: number, area: number): string => `${n} beside ${m}, AUROC ${area}`;

const delong = (sizes: readonly (readonly [number, number])[], areas: readonly number[], extra = false) =>
  sizes.flatMap(([n, m]) =>
    areas.map((area) =>
      simulatedPoint(title(n, m, area), area, (random) => auroc(groupsOf(random, n, m, area)), extra),
    ),
  );

/** Two scores of the same examples. */
function pair(random: Generator, n: number, r: number, one: number, two: number): [number[], number[]] {
  const [first, second]: [number[], number[]] = [[], []];
  for (let i = 0; i < n; i++) {
    const [x, y] = [random.normal(), random.normal()];
    first.push(x + one);
    second.push(r * x + Math.sqrt(1 - r * r) * y + two);
  }
  return [first, second];
}

const paired = [10, 20, 50, 200].flatMap((n) =>
  (
    [
      [0.5, 0.5, 0.5],
      [0.9, 0.6, 0.75],
      [0.5, 0.95, 0.9],
      [0.9, 0.98, 0.95],
    ] as const
  ).map(([r, a, b]) =>
    simulatedPoint(`${n} of each, AUROC ${a} and ${b}, correlation ${r}`, a - b, (random) => {
      const [low, otherLow] = pair(random, n, r, 0, 0);
      const [high, otherHigh] = pair(random, n, r, shiftOf(a), shiftOf(b));
      return compareAuroc({ negatives: low, positives: high }, { negatives: otherLow, positives: otherHigh })
        .difference;
    }),
  ),
);

const OPERATING = [
  [0.01, 100, 100],
  [0.01, 1000, 50],
  [0.05, 50, 50],
  [0.05, 300, 100],
  [0.1, 100, 50],
  [0.1, 1000, 50],
  [0.2, 50, 500],
  [0.2, 300, 100],
] as const;

const operating = (area: boolean) =>
  OPERATING.flatMap(([rate, n, m]) =>
    [0.6, 0.85, 0.98].map((separation) => {
      const shift = shiftOf(separation);
      const curve = (u: number): number => normalCdf(shift + normalQuantile(u));
      let mean = 0;
      for (let i = 0; i < 2000; i++) mean += curve((rate * (i + 0.5)) / 2000) / 2000;
      const standard = 0.5 * (1 + (mean - rate / 2) / (1 - rate / 2));
      return simulatedPoint(
        `at ${rate}, ${title(n, m, separation)}`,
        area ? standard : curve(rate),
        (random) => (area ? partialAuroc : truePositiveRateAt)(rate, groupsOf(random, n, m, separation)),
      );
    }),
  );

const CURVES = [
  [50, 50],
  [200, 30],
] as const;

const precision = CURVES.flatMap(([n, m]) =>
  [0.75, 0.95].map((area) => {
    const shift = shiftOf(area);
    // Precision at threshold t is m P / (m P + n N); its mean over the positives' own distribution.
    let truth = 0;
    for (let i = 0; i < 4000; i++) {
      const t = shift + normalQuantile((i + 0.5) / 4000);
      const [hits, alarms] = [m * normalCdf(shift - t), n * normalCdf(-t)];
      truth += hits / (hits + alarms) / 4000;
    }
    return simulatedPoint(
      title(n, m, area),
      truth,
      (random) => precisionRecallCurve(groupsOf(random, n, m, area)).averagePrecision,
    );
  }),
);

const equalError = CURVES.flatMap(([n, m]) =>
  [0.75, 0.95].map((area) =>
    simulatedPoint(title(n, m, area), normalCdf(-shiftOf(area) / 2), (random) => {
      const options = { seed: random.integer(1e9), resamples: 200 };
      return detCurve(groupsOf(random, n, m, area), options).equalErrorRate;
    }),
  ),
);

const bootstrapped = [0.6, 0.75, 0.95].map((area) =>
  simulatedPoint(title(50, 50, area), area, (random) => {
    const { negatives, positives } = groupsOf(random, 50, 50, area);
    return bootstrap([negatives, positives], pairsInOrder, { seed: random.integer(1e9), resamples: 200 });
  }),
);

const folded = [20, 100].flatMap((n) =>
  [0.6, 0.85, 0.95].map((area) =>
    simulatedPoint(`5 folds of ${title(n, n, area)}`, area, (random) =>
      stratifiedAuroc(Array.from({ length: 5 }, () => groupsOf(random, n / 5, n / 5, area))),
    ),
  ),
);

const LARGE = [
  [50, 50],
  [50, 500],
  [300, 100],
] as const;
const SMALL = [
  [10, 10],
  [10, 1000],
  [20, 50],
] as const;

export const groups: readonly CoverageSubject[] = [
  {
    name: "auroc (DeLong), 50 of each or more, 0.6 to 0.95",
    mean: [0.94, 0.97],
    worst: 0.93,
    points: delong(LARGE, [0.6, 0.75, 0.85, 0.95]),
  },
  {
    name: "auroc (DeLong), anywhere",
    mean: [0.94, 0.98],
    worst: 0.91,
    points: [...delong(SMALL, [0.5, 0.6, 0.75, 0.85, 0.95, 0.98]), ...delong(LARGE, [0.5, 0.98], true)],
  },
  { name: "stratifiedAuroc", mean: [0.94, 0.98], worst: 0.91, points: folded },
  { name: "compareAuroc, difference", mean: [0.94, 0.985], worst: 0.94, points: paired },
  { name: "truePositiveRateAt", mean: [0.94, 0.985], worst: 0.94, points: operating(false) },
  { name: "partialAuroc", mean: [0.94, 0.98], worst: 0.9, points: operating(true) },
  { name: "averagePrecision", mean: [0.92, 0.98], worst: 0.92, share: 0.5, points: precision },
  {
    name: "equalErrorRate (BCa bootstrap, 200 resamples)",
    mean: [0.92, 0.97],
    worst: 0.9,
    share: 0.25,
    points: equalError,
  },
  {
    name: "bootstrap (BCa, 200 resamples), of AUROC",
    mean: [0.93, 0.97],
    worst: 0.93,
    share: 0.25,
    points: bootstrapped,
  },
];
