/**
 * The best runs of two and three tokens.
 *
 * Four or five tokens lead many clean models almost anywhere (a recurrent one of PyTorch to 2.4 of 2.5 nats), and a
 * planted trigger does not stand out among such runs. Few tokens lead clean models less far, and a trigger is short.
 */
import type { Run, RunPosition } from "../carriers.js";
import { bestToken, type Candidates, sweep, type ValuedRun } from "../methods/sweep.js";
import type { RunObjective } from "../run-objective.js";

/**
 * Lengths of runs that are searched apart from longer ones. Not one: clean models differ in single words that lead
 * nowhere near a class, and a trigger of one word shows in pairs, too.
 */
const SHORT = [2, 3] as const;

/** A run at its best place. */
export interface PlacedRun extends ValuedRun {
  readonly position: RunPosition;
}

/** A place to put runs, and what is known of it. */
export interface ShortPlace {
  readonly position: RunPosition;
  readonly objective: RunObjective;
  /** The same on more texts, to choose among the best: the lowest on few is not the lowest on others. */
  readonly onMore: RunObjective;
  readonly candidates: Candidates;
  /** Long runs that do well here, best first. */
  readonly long: readonly Run[];
  /** Pairs with an unusual token that lead this model furthest here. */
  readonly pairs: readonly Run[];
}

/** What a search of short runs is given. */
export interface ShortRunOptions {
  readonly places: readonly ShortPlace[];
  /** Fewest tokens that a run may have. */
  readonly shortest: number;
  /** Tokens that do most alone, best first. */
  readonly alone: Int32Array;
  /** The most unusual tokens. */
  readonly unusual: Int32Array;
  /** Runs of each place that are worked on to the end. */
  readonly finals: number;
  readonly signal?: AbortSignal | undefined;
}

/** Lengths that are searched apart where triggers have `lengths`. */
export const shortLengths = ([shortest, longest]: readonly [number, number]): number[] =>
  SHORT.filter((size) => size >= shortest && size < longest);

/** Runs of each place, for each one that is worked on: those judged on some texts first, and on more in the end. */
const STARTS = 3;
const JUDGED_AGAIN = 2;
/** Of so many long runs all parts are tried. */
const PARTED = 4;

/**
 * Searches each length from one on in turn: parts of long runs, pairs with an unusual token, and the best shorter runs with a token
 * more behind or in front. The best are improved token by token.
 *
 * @returns The best run of at most each size, by value.
 */
export async function shortRuns(sizes: readonly number[], options: ShortRunOptions): Promise<PlacedRun[]> {
  const { places, finals, shortest, alone, unusual, signal } = options;
  const tokens = Int32Array.from(new Set([...alone, ...unusual]));
  const found = new Map<number, PlacedRun>();
  let before: PlacedRun[] = [];
  let lowest: PlacedRun | undefined;
  for (let size = 1; size <= Math.max(...sizes); size++) {
    const starts: PlacedRun[] = [];
    for (const place of places) {
      const runs = startsOf(size, place, options);
      const { evaluate } = place.objective.rough ?? place.objective;
      const values = await evaluate(runs);
      runs.forEach((run, i) => {
        starts.push({ run, value: values[i]!, position: place.position });
      });
    }
    const at = (position: RunPosition): ShortPlace => places.find((one) => one.position === position)!;
    const chosen: PlacedRun[] = [];
    for (const { run, position } of ofEachPlace(starts, STARTS * finals)) {
      const [value] = await at(position).objective.evaluate([run]);
      chosen.push({ run, position, value: value! });
    }
    for (const { run, position } of before) {
      const { objective } = at(position);
      for (const isBehind of [true, false]) {
        const place = isBehind ? run.length : 0;
        const longer = run.toSpliced(place, 0, tokens[0]!);
        const start = { run: longer, value: Number.POSITIVE_INFINITY };
        chosen.push({ position, ...(await bestToken(objective, start, place, tokens, signal)) });
      }
    }
    // All likely tokens have been tried alone; the place is open until pairs are judged on more texts.
    const swept = size === 1 ? [] : size === 2 ? ofEachPlace(chosen, finals) : lowestRuns(chosen, finals);
    for (const start of swept) {
      const { objective, candidates } = at(start.position);
      chosen.push({ ...start, ...(await sweep(objective, start, candidates, { rounds: 1, signal })) });
    }
    const again: PlacedRun[] = [];
    for (const { run, position } of ofEachPlace(chosen, JUDGED_AGAIN * finals)) {
      const [value] = await at(position).onMore.evaluate([run], lowestRuns(again, finals + 1)[finals]?.value);
      if (Number.isFinite(value)) again.push({ run, position, value: value! });
    }
    before = lowestRuns(again, finals + 1);
    const [best] = before;
    const isLowest = best !== undefined && !(lowest !== undefined && lowest.value <= best.value);
    if (isLowest && size >= shortest) lowest = best;
    if (lowest) found.set(size, lowest);
  }
  return sizes.flatMap((size) => found.get(size) ?? []);
}

/** Runs of a size that a place is tried with first. */
function startsOf(size: number, { long, pairs }: ShortPlace, { alone, unusual }: ShortRunOptions): Run[] {
  const runs = [
    ...long.slice(0, PARTED).flatMap((run) => partsOf(run, size)),
    ...(size === 1 ? [...alone, ...unusual].map((token) => [token]) : []),
    ...(size === 2 ? pairs : []),
  ];
  return [...new Map(runs.map((run) => [run.join(), run])).values()];
}

/** Every choice of `size` tokens of a run, in their order. */
function partsOf(run: Run, size: number): Run[] {
  if (size === 0) return [[]];
  return run.flatMap((token, i) => partsOf(run.slice(i + 1), size - 1).map((rest) => [token, ...rest]));
}

/**
 * The lowest of each place: on few texts a place can look better than it is, if a recurrent model forgets what stands in
 * front of long texts.
 */
function ofEachPlace(runs: readonly PlacedRun[], count: number): PlacedRun[] {
  const places = new Set(runs.map(({ position }) => position));
  return [...places].flatMap((place) =>
    lowestRuns(
      runs.filter(({ position }) => position === place),
      count,
    ),
  );
}

/** The lowest of some runs, each once at each place. */
function lowestRuns(runs: readonly PlacedRun[], count: number): PlacedRun[] {
  const distinct = new Map<string, PlacedRun>();
  for (const one of runs) {
    const key = `${one.position} ${one.run.join()}`;
    const before = distinct.get(key);
    if (before === undefined || one.value < before.value) distinct.set(key, one);
  }
  return [...distinct.values()].sort((a, b) => a.value - b.value).slice(0, count);
}
