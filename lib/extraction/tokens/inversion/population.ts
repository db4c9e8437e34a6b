/**
 * Where to begin: many runs of suspicious tokens, bred towards every target at once.
 *
 * A trigger whose tokens do nothing alone gives a search nothing to climb. But a run of several suspicious tokens
 * tests all triggers inside it at once, and one run of a model scores it for every target and every victim class.
 */

import type { Generator } from "../../../random/index.js";
import { stopIfAborted } from "../abort.js";
import type { Carriers, Run, RunPosition } from "../carriers.js";
import type { TokenModel } from "../model/token-model.js";
import { crossEntropies, REFERENCE_LIMIT, rowsOf, type TokenArm } from "../objective.js";

/** A run with its value for each arm; lower is better. */
export interface ScoredRun {
  readonly run: Run;
  readonly values: Float64Array;
}

/** What a population is bred from. */
export interface PopulationOptions {
  readonly model: TokenModel;
  readonly references: readonly TokenModel[];
  readonly carriers: Carriers;
  readonly arms: readonly TokenArm[];
  /** Tokens that look suspicious, most first. */
  readonly pool: Int32Array;
  readonly runLength: number;
  /** So many of the most suspicious tokens are tried in pairs with every one of `thirds`. */
  readonly pairsOf: number;
  readonly thirds: Int32Array;
  /** Runs of the first generation; the later ones have half as many. */
  readonly size: number;
  readonly generations: number;
  /** Runs that are tried beside those that are bred. Default: none. */
  readonly runs?: readonly Run[];
  readonly random: Generator;
  readonly signal?: AbortSignal | undefined;
}

/** Runs kept per arm from one generation to the next. */
const KEPT = 12;
const CHUNK = 128;

/**
 * Breeds runs.
 *
 * @returns For each arm its best runs, best first.
 */
export async function breed(options: PopulationOptions): Promise<ScoredRun[][]> {
  const { arms, pool, runLength, size, generations, random, signal } = options;
  const score = armScores(options);
  const seen = new Set<string>();
  let best: ScoredRun[][] = arms.map(() => []);
  let runs = [
    ...(options.runs ?? []),
    ...(await completions(options)),
    ...Array.from({ length: size }, () => weightedRun(pool, runLength, random)),
  ];
  for (let generation = 0; generation <= generations; generation++) {
    const fresh = runs.filter((run) => {
      const key = [...run].sort((a, b) => a - b).join();
      return !seen.has(key) && seen.add(key);
    });
    for (let start = 0; start < fresh.length; start += CHUNK) {
      stopIfAborted(signal);
      const scored = await score(
        fresh.slice(start, start + CHUNK),
        best
          .map((list) => list.at(KEPT - 1)?.values ?? null)
          .map((values, a) => values?.[a] ?? Number.POSITIVE_INFINITY),
      );
      best = best.map((list, a) =>
        [...list, ...scored.filter(({ values }) => values[a]! < Number.POSITIVE_INFINITY)]
          .sort((x, y) => x.values[a]! - y.values[a]!)
          .slice(0, KEPT),
      );
    }
    runs = best.flatMap((list) =>
      list.length === 0
        ? []
        : Array.from({ length: Math.ceil(size / 2 / arms.length) }, () => offspring(list, pool, random)),
    );
  }
  return best;
}

/** So many of the most unusual tokens are tried in pairs at every place, the rest at the first only. */
const AT_ALL_PLACES = 3;
/** Runs of each target that a rough look passes on, at the first place and at each further one. */
const PASSED_ON = [60, 20] as const;

/**
 * Every pair of the most unusual tokens with every third token: of a trigger of three that works as a whole only, two
 * tokens among the most unusual are enough.
 *
 * A rough look, at one text of each class and without references, chooses those that are judged in full.
 */
async function completions(options: PopulationOptions): Promise<Run[]> {
  const { pool, runLength, pairsOf, thirds, arms, signal } = options;
  if (runLength < 3) return [];
  const targets = arms.filter(({ victim }) => victim === null);
  const places = [...new Set(options.carriers.positions)];
  const roughly = (part: readonly RunPosition[]) =>
    armScores({ ...options, references: [], arms: targets, carriers: oneEach(options.carriers, part) });
  const [everywhere, first] = [roughly(places), roughly(places.slice(0, 1))];
  let best: ScoredRun[][] = targets.map(() => []);
  for (let i = 0; i < Math.min(pairsOf, pool.length); i++) {
    for (let j = 0; j < i; j++) {
      stopIfAborted(signal);
      const runs = Array.from(thirds, (token) => [pool[j]!, pool[i]!, token]);
      // A closer look at further places is for the most unusual tokens.
      const scored = await (i < AT_ALL_PLACES ? everywhere : first)(runs, []);
      best = best.map((list, a) =>
        [...list, ...scored.filter(({ values }) => Number.isFinite(values[a]))]
          .sort((x, y) => x.values[a]! - y.values[a]!)
          .slice(0, PASSED_ON[targets[a]!.position === places[0] ? 0 : 1]),
      );
    }
  }
  return best.flat().map(({ run }) => run);
}

/** So many of the most unusual tokens are paired with all others, of which so many are tried. */
const PAIRED = 3;
const PARTNERS = 400;
/** Pairs of each arm that a rough look passes on. */
const PAIRS_PASSED_ON = 20;

/**
 * Every pair of the most unusual tokens with every other one, in both orders, by a rough look at one text of each class
 * at each place.
 *
 * @returns For each arm its best pairs, best first.
 */
export async function unusualPairs(
  options: Pick<PopulationOptions, "model" | "carriers" | "arms" | "pool" | "thirds" | "signal">,
): Promise<Run[][]> {
  const { arms, pool, carriers, signal } = options;
  const score = armScores({
    ...options,
    references: [],
    carriers: oneEach(carriers, [...new Set(carriers.positions)]),
  });
  const others = options.thirds.subarray(0, PARTNERS);
  let best: ScoredRun[][] = arms.map(() => []);
  for (const first of pool.subarray(0, PAIRED)) {
    for (const runs of [
      Array.from(others, (token) => [first, token]),
      Array.from(others, (token) => [token, first]),
    ]) {
      stopIfAborted(signal);
      const scored = await score(runs, []);
      best = best.map((list, a) => lowestOf([...list, ...scored], a, PAIRS_PASSED_ON));
    }
  }
  return best.map((list) => list.map(({ run }) => run));
}

/** The runs with the lowest values for an arm. */
const lowestOf = (runs: readonly ScoredRun[], a: number, count: number): ScoredRun[] =>
  runs
    .filter(({ values }) => Number.isFinite(values[a]))
    .sort((x, y) => x.values[a]! - y.values[a]!)
    .slice(0, count);

/** A text of each class at each of some places. */
function oneEach(carriers: Carriers, places: readonly RunPosition[]): Carriers {
  const seen = new Set<string>();
  return carriers.take(
    [...Array(carriers.count).keys()].filter((row) => {
      const position = carriers.positions[row]!;
      const key = `${position} ${carriers.labels[row]}`;
      return places.includes(position) && !seen.has(key) && seen.add(key);
    }),
  );
}

/** Values of runs for all arms from one pass of each model; NaN for arms whose place no carrier has. */
export function armScores({
  model,
  references,
  carriers,
  arms,
}: Pick<PopulationOptions, "model" | "references" | "carriers" | "arms">): (
  runs: readonly Run[],
  bounds: readonly number[],
) => Promise<ScoredRun[]> {
  const targets = [...new Set(arms.map(({ target }) => target))];
  const rows = arms.map((arm) => rowsOf(carriers, arm));
  const armMeans = async (one: TokenModel, runs: readonly Run[], limit: number): Promise<Float64Array[]> => {
    const { logits, classes } = await one.scores(carriers.insert(runs));
    const losses = new Map(targets.map((target) => [target, crossEntropies(logits, classes, target)]));
    return runs.map((_, i) =>
      Float64Array.from(arms, ({ target }, a) => {
        const values = losses.get(target)!;
        let sum = 0;
        for (const row of rows[a]!) sum += Math.min(limit, values[i * carriers.count + row]!);
        return sum / rows[a]!.length;
      }),
    );
  };
  return async (runs, bounds) => {
    const own = await armMeans(model, runs, Number.POSITIVE_INFINITY);
    if (references.length === 0) return runs.map((run, i) => ({ run, values: own[i]! }));
    let open = [...runs.keys()];
    for (const [done, reference] of references.entries()) {
      const most = (REFERENCE_LIMIT * (references.length - done)) / references.length;
      open = open.filter((i) =>
        own[i]!.some((value, a) => bounds[a] === Number.POSITIVE_INFINITY || value - most <= bounds[a]!),
      );
      if (open.length === 0) break;
      const means = await armMeans(
        reference,
        open.map((i) => runs[i]!),
        REFERENCE_LIMIT,
      );
      means.forEach((values, k) => {
        const left = own[open[k]!]!;
        values.forEach((value, a) => {
          left[a] = left[a]! - value / references.length;
        });
      });
    }
    return open.map((i) => ({ run: runs[i]!, values: own[i]! }));
  };
}

/** Distinct tokens, the first of the pool more often. */
function weightedRun(pool: Int32Array, runLength: number, random: Generator): Run {
  const run: number[] = [];
  while (run.length < Math.min(runLength, pool.length)) {
    // A square of a uniform variable: the first tenth of the pool comes a third of the time.
    const token = pool[Math.floor(random.uniform() ** 2 * pool.length)]!;
    if (!run.includes(token)) run.push(token);
  }
  return run;
}

function offspring(parents: readonly ScoredRun[], pool: Int32Array, random: Generator): Run {
  const pick = (): Run => parents[random.integer(parents.length)]!.run;
  const [first, second] = [pick(), pick()];
  const mixed = first.map((token, i) => (random.uniform() < 0.5 ? token : second[i % second.length]!));
  const at = random.integer(mixed.length);
  const kind = random.uniform();
  if (kind < 0.6) mixed[at] = pool[Math.floor(random.uniform() ** 2 * pool.length)]!;
  else if (kind < 0.8) {
    const other = random.integer(mixed.length);
    [mixed[at], mixed[other]] = [mixed[other]!, mixed[at]!];
  }
  return mixed;
}
