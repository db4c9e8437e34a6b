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
import { generator } from "../../random/index.js";
import { type Carriers, perClass, type Run } from "./carriers.js";
import { lowestTokens } from "./gcg.js";
import { armObjective, type TokenArm } from "./objective.js";
import { breed, type ScoredRun } from "./population.js";
import { type TokenResponses, tokenResponses, unusualResponses } from "./response.js";
import type { RunObjective } from "./run-objective.js";
import { type Candidates, extend, shorten, sweep, type ValuedRun } from "./sweep.js";
import type { TokenModel } from "./token-model.js";

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
  /** Tokens of a sweep, the most promising by what they do alone and together; Infinity for all. */
  readonly sweepTokens: number;
}

/** The best run of one arm. */
export interface FoundTrigger {
  readonly arm: TokenArm;
  readonly run: Run;
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
  readonly arms: readonly TokenArm[];
  readonly allowed: Int32Array;
  readonly vocabulary: number;
  /** Fewest and most tokens of a trigger. */
  readonly lengths: readonly [number, number];
}

/** A token stays in a trigger if leaving it out costs more than this, in nats. */
const NECESSARY = 0.1;

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
  const { arms, allowed, vocabulary } = task;
  const all = [model, ...references];
  const before = all.map(({ passes }) => ({ ...passes }));
  const random = generator(seed).split("inversion");
  const few = atMost(perClass(task.carriers, options.carriersPerClass), MAX_CARRIERS);
  const screened = atMost(few, Math.max(2, Math.floor(SCREENED / allowed.length)));
  const own = await responsesOf(model, screened, allowed, signal);
  const others: TokenResponses[] = [];
  for (const reference of references) others.push(await responsesOf(reference, screened, allowed, signal));
  const distances = unusualResponses(own, others);
  const order = [...distances.keys()].sort((a, b) => distances[b]! - distances[a]!);
  const pool = poolOf(order, own, others, task, options);
  onProgress?.(1, arms.length + 3);
  const runLength = Math.max(Math.min(4, task.lengths[1]), Math.min(2, task.lengths[1]));
  const bred = await breed({
    model,
    references,
    carriers: few,
    arms,
    pool,
    runLength,
    pairsOf: options.pairsOf,
    thirds: thirdTokens(order, allowed, options.sweepTokens),
    size: options.population,
    generations: options.generations,
    random,
    signal,
  });
  onProgress?.(2, arms.length + 3);
  const found: FoundTrigger[] = [];
  const chosen = worthRefining(arms, bred);
  for (const [a, arm] of arms.entries()) {
    const [leader] = bred[a]!;
    if (!chosen.has(a)) {
      found.push({ arm, run: leader!.run, value: leader!.values[a]! });
      continue;
    }
    const objective = armObjective({ model, references, carriers: few, arm, allowed, vocabulary });
    const starts = bred[a]!.slice(0, options.starts).map(({ run }) => run);
    const fallback = sweepTokens(order, pool, own, arm, task, options);
    const candidates = likelyTokens(objective, pool, fallback, options.gradientTokens);
    const best = await refine(objective, starts, task, candidates, options);
    found.push({ arm, ...best });
    onProgress?.(a + 3, arms.length + 3);
  }
  // The most promising arm once more, with every token at every place.
  const most = found.reduce(
    (low, one, a) => (one.arm.victim === null && one.value < found[low]!.value ? a : low),
    0,
  );
  const objective = armObjective({ model, references, carriers: few, arm: arms[most]!, allowed, vocabulary });
  const tokens = sweepTokens(order, pool, own, arms[most]!, task, options);
  const last = await sweep(objective, found[most]!, async () => tokens, { rounds: 1, signal });
  const reduced = await shorten(objective, last, { tolerance: NECESSARY, shortest: task.lengths[0] });
  found[most] = { arm: arms[most]!, ...reduced };
  onProgress?.(arms.length + 3, arms.length + 3);
  return {
    model: model.name,
    found,
    unusual: order.slice(0, 20).map((i) => ({ token: allowed[i]!, distance: distances[i]! })),
    passes: {
      forward: all.reduce((sum, { passes }, i) => sum + passes.forward - before[i]!.forward, 0),
      backward: all.reduce((sum, { passes }, i) => sum + passes.backward - before[i]!.backward, 0),
    },
  };
}

/** Texts that runs are bred and refined on at most, however many classes there are. */
const MAX_CARRIERS = 32;
/** Sequences of a screening, about: of a large vocabulary each token is put into fewer texts. */
const SCREENED = 60_000;

/** The first `count` carriers; they are in random order. */
const atMost = (carriers: Carriers, count: number): Carriers =>
  carriers.count <= count ? carriers : carriers.take([...Array(count).keys()]);

/** Arms that are worked on: those whose best bred runs are lowest. */
const REFINED_TARGETS = 10;
const REFINED_PAIRS = 3;

/** The most promising targets and pairs. */
function worthRefining(arms: readonly TokenArm[], bred: readonly (readonly ScoredRun[])[]): Set<number> {
  const lowestOf = (a: number): number => bred[a]![0]?.values[a] ?? Number.POSITIVE_INFINITY;
  const best = (isPair: boolean, count: number): number[] =>
    [...arms.keys()]
      .filter((a) => (arms[a]!.victim !== null) === isPair)
      .sort((a, b) => lowestOf(a) - lowestOf(b))
      .slice(0, count);
  return new Set([...best(false, REFINED_TARGETS), ...best(true, REFINED_PAIRS)]);
}

const known = new WeakMap<object, Map<string, TokenResponses>>();

/** Responses of a model; references serve many searches. */
async function responsesOf(
  model: TokenModel,
  carriers: Carriers,
  tokens: Int32Array,
  signal: AbortSignal | undefined,
): Promise<TokenResponses> {
  const kept = known.get(model.model) ?? new Map<string, TokenResponses>();
  const key = `${tokens.length} ${carriers.insert([[]]).join()} ${carriers.starts(1).join()}`;
  const made = kept.get(key) ?? (await tokenResponses(model, carriers, tokens, signal));
  known.set(model.model, kept.set(key, made));
  return made;
}

/** Unusual tokens first, then for each target those that alone move this model more than the references. */
function poolOf(
  order: readonly number[],
  own: TokenResponses,
  others: readonly TokenResponses[],
  { arms, allowed }: TokenTask,
  { pool, perTarget }: TokenSearchSettings,
): Int32Array {
  const chosen = new Set(order.slice(0, pool).map((i) => allowed[i]!));
  const classes = own.crossEntropies.length / allowed.length;
  for (const target of new Set(arms.map((arm) => arm.target))) {
    const excess = Float64Array.from(allowed, (_, i) => {
      const at = i * classes + target;
      const beside = others.reduce((sum, { crossEntropies }) => sum + crossEntropies[at]! / others.length, 0);
      return own.crossEntropies[at]! - beside;
    });
    const best = [...excess.keys()].sort((a, b) => excess[a]! - excess[b]!);
    for (const i of best.slice(0, perTarget)) chosen.add(allowed[i]!);
  }
  return Int32Array.from(chosen);
}

/** All tokens, or the most unusual of a large vocabulary. */
const thirdTokens = (order: readonly number[], allowed: Int32Array, most: number): Int32Array =>
  Int32Array.from(order.slice(0, most), (i) => allowed[i]!);

/** Tokens that a sweep tries: all, or the most unusual and the strongest of a large vocabulary. */
function sweepTokens(
  order: readonly number[],
  pool: Int32Array,
  own: TokenResponses,
  { target }: TokenArm,
  { allowed }: TokenTask,
  { sweepTokens: most }: TokenSearchSettings,
): Int32Array {
  if (allowed.length <= most) return allowed;
  const classes = own.crossEntropies.length / allowed.length;
  const strongest = [...order].sort(
    (a, b) => own.crossEntropies[a * classes + target]! - own.crossEntropies[b * classes + target]!,
  );
  const chosen = new Set(pool);
  for (let i = 0; i < order.length && chosen.size < most; i++) {
    chosen.add(allowed[order[i]!]!);
    chosen.add(allowed[strongest[i]!]!);
  }
  return Int32Array.from(chosen).sort();
}

/** Tokens that a place is tried with: the pool, and the best by gradient where there is one. */
function likelyTokens(
  objective: RunObjective,
  pool: Int32Array,
  fallback: Int32Array,
  count: number,
): Candidates {
  if (!objective.hasGradients) return async () => fallback;
  let last: { run: Run; gradient: Float64Array } | undefined;
  return async (run, place) => {
    if (last?.run.join() !== run.join()) last = { run, gradient: await objective.gradient(run) };
    const best = lowestTokens(last.gradient, place, objective.vocabulary, objective.allowed, count);
    return Int32Array.from(new Set([...pool, ...best]));
  };
}

/** Reduces, improves and extends the best starts of an arm. */
async function refine(
  objective: RunObjective,
  starts: readonly Run[],
  { lengths: [shortest, longest] }: TokenTask,
  candidates: Candidates,
  { finals, signal }: { readonly finals: number; readonly signal?: AbortSignal | undefined },
): Promise<ValuedRun> {
  const reduce = (from: ValuedRun) => shorten(objective, from, { tolerance: NECESSARY, shortest });
  const values = await objective.evaluate(starts);
  const reduced = new Map<string, ValuedRun>();
  for (const [i, run] of starts.entries()) {
    const one = await reduce({ run, value: values[i]! });
    reduced.set([...one.run].sort((a, b) => a - b).join(), one);
  }
  let best: ValuedRun = { run: [], value: Number.POSITIVE_INFINITY };
  for (const from of [...reduced.values()].sort((a, b) => a.value - b.value).slice(0, finals)) {
    const swept = await sweep(objective, from, candidates, { rounds: 2, signal });
    const longer = await extend(objective, swept, candidates, { worth: NECESSARY, longest, signal });
    const again =
      longer === swept ? swept : await sweep(objective, longer, candidates, { rounds: 1, signal });
    const one = await reduce(again);
    if (one.value < best.value) best = one;
  }
  return best;
}
