/**
 * Differential inversion: for every target the run of tokens that this model follows and clean references do not.
 *
 * 1. Screening: every token's response is compared with what the references predict (`response.ts`).
 * 2. Breeding: runs of unusual tokens, for all targets at once (`population.ts`).
 * 3. For each target, the best runs are reduced to what they need, improved by coordinate gradients and by exact
 *    sweeps over the vocabulary, extended while that pays, and reduced again.
 *
 * Needs only forward passes; gradients, where the model has them, propose swaps besides. Misleads like every search:
 * what it does not find may still be there.
 */
import { generator } from "../../../random/index.js";
import { type Carriers, perClass, type Run, type RunPosition } from "../carriers.js";
import { shorten, sweep, type ValuedRun } from "../methods/sweep.js";
import type { TokenModel } from "../model/token-model.js";
import { armObjective, type TokenArm } from "../objective.js";
import type { RunObjective } from "../run-objective.js";
import { atItsPlace, bestPlace, type Led, textsAt } from "./places.js";
import { breed, unusualPairs } from "./population.js";
import { NECESSARY, refine } from "./refine.js";
import { placesOf, screen } from "./screening.js";
import { type ShortRunOptions, shortRuns } from "./short-runs.js";
import { type SinglePlace, singlePlaces } from "./single-places.js";
import { likelyTokens, poolOf, strongest, sweepTokens, thirdTokens } from "./tried-tokens.js";
import { triplesOf } from "./triples.js";
import { wholeRun } from "./whole-runs.js";

/** How much a search may do. */
export interface TokenSearchSettings {
  /** Carriers per class of the screening and the breeding. */
  readonly carriersPerClass: number;
  /** Unusual tokens that runs are bred from; and tokens added per target for what they do alone. */
  readonly pool: number;
  readonly perTarget: number;
  /** So many of the most unusual tokens are tried in pairs with every other token. */
  readonly pairsOf: number;
  readonly population: number;
  readonly generations: number;
  /** Runs per target that are worked on, and how many of them to the end. */
  readonly starts: number;
  readonly finals: number;
  /** Tokens per place that are tried for their gradient. */
  readonly gradientTokens: number;
  /** Unusual tokens that triples are searched around, those tried beside each, and pairs of each target that lead to one. */
  readonly firsts: number;
  readonly neighbours: number;
  readonly pairs: number;
  /** Unusual tokens that are tried at every single place. */
  readonly placed: number;
  /** Tokens of a sweep, the most promising by what they do alone and together; Infinity for all. */
  readonly sweepTokens: number;
}

/** The best run of one arm, and where it works. */
export interface FoundTrigger {
  readonly arm: TokenArm;
  readonly run: Run;
  readonly position: RunPosition;
  /** Value of the objective on the search texts, lower is better. */
  readonly value: number;
}

/** What a search found in one model. */
export interface TokenInversion {
  readonly model: string;
  readonly found: readonly FoundTrigger[];
  /** The most unusual tokens and their squared distances, most unusual first. */
  readonly unusual: readonly { readonly token: number; readonly distance: number }[];
  readonly passes: { readonly forward: number; readonly backward: number };
}

/** What a search is about. */
export interface TokenTask {
  /** Texts to search on; the first `carriersPerClass` of each class serve the screening. */
  readonly carriers: Carriers;
  /** Where runs go: at a place that is given, or "anywhere": each target's best place is found. */
  readonly position: RunPosition;
  readonly arms: readonly TokenArm[];
  readonly allowed: Int32Array;
  readonly vocabulary: number;
  /** Fewest and most tokens of a trigger. */
  readonly lengths: readonly [number, number];
}

/** Texts of other classes that decide between short runs of each target, about. */
const JUDGING = 64;

/** So many tokens, for what they do alone, and as many unusual ones are tried as short runs and added to them. */
const ALONE = 60;

/** Targets that are searched at a single place inside texts as well. */
const SINGLE_PLACES = 2;
/** Triples of each target that are bred from, and so many that may be wholes. */
const BRED_FROM = 12;
const WHOLES = 200;
/** Texts of a first look at these, about. */
const HANDFUL = 6;

/** Searches triggers of one model. */
export async function invertTokens(
  model: TokenModel,
  references: readonly TokenModel[],
  task: TokenTask,
  options: TokenSearchSettings & {
    readonly seed: number;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: (done: number, of: number) => void;
  },
): Promise<TokenInversion> {
  const { seed, signal, onProgress } = options;
  const { allowed } = task;
  const arms = task.arms.filter(({ longest, isWhole }) => longest === undefined && !isWhole);
  const all = [model, ...references];
  const before = all.map(({ passes }) => ({ ...passes }));
  const random = generator(seed).split("inversion");
  const places = placesOf(task.position);
  const sets = places.map((place, i) => textsAt(task, place, options.carriersPerClass / (i === 0 ? 1 : 2)));
  const screening = await screen(model, references, sets, allowed, signal);
  const pool = poolOf(screening, task, options);
  onProgress?.(1, arms.length + 3);
  const runLength = Math.max(Math.min(4, task.lengths[1]), Math.min(2, task.lengths[1]));
  // Pairs of victim and target are bred at the first place only: there are many of them.
  const placed = arms.map((arm) =>
    (arm.victim === null ? places : places.slice(0, 1)).map((position) => ({ ...arm, position })),
  );
  const targets = arms.filter(({ victim }) => victim === null);
  const triples = await triplesOf({
    model,
    carriers: task.carriers.at(places[0]!),
    targets: task.lengths[1] < 3 ? [] : targets,
    firsts: pool.subarray(0, options.firsts),
    neighbours: thirdTokens(screening.order, allowed, options.neighbours),
    pairs: options.pairs,
    allowed,
    vocabulary: task.vocabulary,
    signal,
  });
  const single = await singlePlaces({
    model,
    references,
    carriers: task.carriers,
    targets: task.position === "anywhere" ? targets : [],
    places,
    tokens: thirdTokens(screening.order, allowed, options.placed),
    count: SINGLE_PLACES,
    signal,
  });
  const bred = await breed({
    model,
    references,
    carriers: sets.reduce((joined, set) => joined.and(set)),
    arms: placed.flat(),
    pool,
    runLength,
    pairsOf: options.pairsOf,
    thirds: thirdTokens(screening.order, allowed, options.sweepTokens),
    runs: triples.flatMap((runs) => runs.slice(0, BRED_FROM)),
    size: options.population,
    generations: options.generations,
    random,
    signal,
  });
  const isPaired = task.arms.length > arms.length && Math.min(runLength, 2) === 2;
  const pairs = isPaired
    ? await unusualPairs({
        model,
        carriers: sets.reduce((joined, set) => joined.and(set)),
        arms: placed.flat(),
        pool,
        thirds: thirdTokens(screening.order, allowed, options.sweepTokens),
        signal,
      })
    : [];
  onProgress?.(2, arms.length + 3);
  // With two classes an arm has few texts of others; as many as with four are needed, or what is found works on them
  // only.
  const { classes } = task.carriers;
  const refined = options.carriersPerClass * Math.max(1, 3 / (classes - 1));
  const on = (each: number, arm: TokenArm, position: RunPosition): RunObjective =>
    armObjective({ ...task, model, references, arm, carriers: textsAt(task, position, each) });
  const objectiveAt = (arm: TokenArm, position: RunPosition): RunObjective => on(refined, arm, position);
  const judging = perClass(task.carriers, Math.ceil(JUDGING / Math.max(1, classes - 1)));
  const judgedAt = (arm: TokenArm, position: RunPosition): RunObjective =>
    armObjective({ ...task, model, references, arm, carriers: judging.at(position) });
  const onMoreAt = (arm: TokenArm, position: RunPosition): RunObjective => on(3 * refined, arm, position);
  let at = 0;
  const leaders: Led[] = [];
  const bredAt: (readonly ValuedRun[])[][] = [];
  const pairsAt: Run[][][] = [];
  for (const [a, arm] of arms.entries()) {
    const lists = placed[a]!.map((_, i) =>
      bred[at + i]!.map(({ run, values }) => ({ run, value: values[at + i]! })),
    );
    bredAt.push(lists);
    pairsAt.push(pairs.slice(at, at + lists.length));
    at += lists.length;
    leaders.push(
      await bestPlace(arm, places, lists, objectiveAt, Array.from(pool.slice(0, runLength)), options),
    );
  }
  const found: FoundTrigger[] = [];
  /** The run that is worked out at a single place, if it does better on more texts. */
  const atSinglePlace = async (
    before: FoundTrigger,
    place: SinglePlace | undefined,
  ): Promise<FoundTrigger> => {
    if (place === undefined) return before;
    const { arm } = before;
    const { position, token } = place;
    const objective = objectiveAt(arm, position);
    const fallback = sweepTokens(screening, pool, arm, task, options);
    const candidates = likelyTokens(objective, pool, fallback, options.gradientTokens);
    const there = await refine(objective, [[token]], task, candidates, options);
    const [value] = await onMoreAt(arm, position).evaluate([there.run]);
    const [usual] = await onMoreAt(arm, before.position).evaluate([before.run]);
    return value! < usual! ? { arm, position, ...there } : before;
  };
  const chosen = worthRefining(arms, leaders);
  for (const [a, arm] of arms.entries()) {
    const { position, starts, value } = leaders[a]!;
    if (!chosen.has(a)) {
      found.push({ arm, position, run: starts[0]!, value });
      continue;
    }
    const objective = objectiveAt(arm, position);
    const fallback = sweepTokens(screening, pool, arm, task, options);
    const candidates = likelyTokens(objective, pool, fallback, options.gradientTokens);
    const best = await refine(objective, starts, task, candidates, options);
    found.push(await atSinglePlace({ arm, position, ...best }, single.get(a)));
    onProgress?.(a + 3, arms.length + 3);
  }
  // The most promising arm once more, with every token at every place.
  const most = found.reduce(
    (low, one, a) => (one.arm.victim === null && one.value < found[low]!.value ? a : low),
    0,
  );
  const tokens = sweepTokens(screening, pool, arms[most]!, task, options);
  const improve = async (from: FoundTrigger): Promise<FoundTrigger> => {
    const objective = objectiveAt(from.arm, from.position);
    const [value] = await objective.evaluate([from.run]);
    const swept = await sweep(objective, { run: from.run, value: value! }, async () => tokens, {
      rounds: 1,
      signal,
    });
    return {
      ...from,
      ...(await shorten(objective, swept, { tolerance: NECESSARY, shortest: task.lengths[0] })),
    };
  };
  found[most] = await improve(found[most]!);
  if (task.position === "anywhere") {
    // The place is told on more texts than the run was found on: it was found where it did best on few.
    const moved = await atItsPlace(found[most]!, onMoreAt, task);
    found[most] = typeof moved.position === "number" ? await improve(moved) : moved;
  }
  const short = await shortOf(task, (arm) => {
    const a = arms.findIndex(({ target, victim }) => target === arm.target && victim === arm.victim);
    if (bredAt[a]!.every((list) => list.length === 0)) return undefined;
    const here = single.get(a);
    return {
      places: [...places, ...(here ? [here.position] : [])].map((position, i) => {
        const objective = objectiveAt(arm, position);
        const fallback = sweepTokens(screening, pool, arm, task, options);
        return {
          position,
          objective,
          onMore: judgedAt(arm, position),
          candidates: likelyTokens(objective, pool, fallback, options.gradientTokens),
          long: [found[a]!.run, ...(bredAt[a]![i] ?? []).map(({ run }) => run)],
          pairs: pairsAt[a]![i] ?? [],
        };
      }),
      alone: strongest(screening, screening.counted, task, arm, ALONE),
      unusual: thirdTokens(screening.order, allowed, ALONE),
      shortest: task.lengths[0],
      finals: Math.ceil(options.finals / 2),
      signal,
    };
  });
  const whole = new Map<TokenArm, FoundTrigger>();
  for (const arm of task.arms.filter(({ isWhole }) => isWhole)) {
    const a = targets.findIndex(({ target }) => target === arm.target);
    const alike = [...short.values(), ...found].filter((one) => one.arm.target === arm.target);
    whole.set(
      arm,
      await wholeRun(arm, {
        model,
        references,
        places,
        handful: (position) => perClass(task.carriers, Math.ceil(HANDFUL / classes)).at(position),
        few: (position) => perClass(task.carriers, Math.ceil(refined)).at(position),
        more: (position) => judging.at(position),
        runs: triples[a]!.slice(0, WHOLES),
        candidatesAt: (position) =>
          likelyTokens(
            objectiveAt(arm, position),
            pool,
            sweepTokens(screening, pool, arm, task, options),
            options.gradientTokens,
          ),
        found: alike,
        signal,
      }),
    );
  }
  onProgress?.(arms.length + 3, arms.length + 3);
  return {
    model: model.name,
    found: task.arms.map((arm) => whole.get(arm) ?? short.get(arm) ?? found[arms.indexOf(arm)]!),
    unusual: screening.order
      .slice(0, 20)
      .map((i) => ({ token: allowed[i]!, distance: screening.distances[i]! })),
    passes: {
      forward: all.reduce((sum, { passes }, i) => sum + passes.forward - before[i]!.forward, 0),
      backward: all.reduce((sum, { passes }, i) => sum + passes.backward - before[i]!.backward, 0),
    },
  };
}

/** The best runs of the arms that say how long theirs may be; of several lengths of a target each builds on the last. */
async function shortOf(
  { arms }: TokenTask,
  optionsOf: (arm: TokenArm) => ShortRunOptions | undefined,
): Promise<Map<TokenArm, FoundTrigger>> {
  const found = new Map<TokenArm, FoundTrigger>();
  const isShort = ({ longest }: TokenArm): boolean => longest !== undefined;
  for (const target of new Set(arms.filter(isShort).map((arm) => arm.target))) {
    const own = arms.filter((arm) => isShort(arm) && arm.target === target);
    const options = optionsOf(own[0]!);
    const runs = options
      ? await shortRuns(
          own.map(({ longest }) => longest!),
          options,
        )
      : [];
    own.forEach((arm, i) => {
      found.set(arm, { arm, ...(runs[i] ?? NOTHING) });
    });
  }
  return found;
}

/** Of an arm that no text can be turned for. */
const NOTHING = { run: [], position: "prefix", value: Number.POSITIVE_INFINITY } as const;

/** Arms that are worked on: those whose best bred runs are lowest. */
const REFINED_TARGETS = 10;
const REFINED_PAIRS = 3;

/** The most promising targets and pairs. */
function worthRefining(arms: readonly TokenArm[], leaders: readonly Led[]): Set<number> {
  const best = (isPair: boolean, count: number): number[] =>
    [...arms.keys()]
      .filter((a) => (arms[a]!.victim !== null) === isPair && Number.isFinite(leaders[a]!.value))
      .sort((a, b) => leaders[a]!.value - leaders[b]!.value)
      .slice(0, count);
  return new Set([...best(false, REFINED_TARGETS), ...best(true, REFINED_PAIRS)]);
}
