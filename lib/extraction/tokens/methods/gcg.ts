/**
 * Greedy coordinate gradient: a run of tokens is improved by swaps that its gradient proposes and exact runs judge.
 *
 * Shows a run that minimises an objective, from a start drawn by the seed. Needs gradients by the token vectors.
 * Misleads when a low objective is taken for having found the planted trigger: on plain cross-entropy it finds
 * ordinary words that do the same.
 *
 * The best run ever is kept and given back, where nanoGCG gives back its latest. The options of nanoGCG are here: a
 * buffer of the best runs, swaps of several places, probe sampling. Its mellowmax and its cache of the prompts' keys
 * and values are options of `payloadObjective`; the cache is used by itself where a model takes keys and values.
 *
 * @see A. Zou et al. (2023), Universal and transferable adversarial attacks on aligned language models. arXiv
 *   2307.15043. Probe sampling: Y. Zhao et al. (2024), arXiv 2403.01251.
 */

import { type Generator, generator } from "../../../random/index.js";
import { stopIfAborted } from "../abort.js";
import type { Run } from "../carriers.js";
import type { RunObjective } from "../run-objective.js";

/** Options of a search by coordinate gradient. */
export interface GcgOptions {
  readonly seed: number;
  readonly runLength: number;
  /** Default 40. */
  readonly steps?: number;
  /** Swaps that are evaluated per step. Default 64. */
  readonly width?: number;
  /** Tokens per place that swaps are drawn from, the best by gradient. Default 64. */
  readonly topK?: number;
  /** Places that a swap changes at once. Default 1. */
  readonly swaps?: number;
  /**
   * Best runs that are kept; the best of them is worked on, as in nanoGCG. Default 1: the latest is worked on, even if
   * it is worse than the one before, which gets out of dead ends.
   */
  readonly buffer?: number;
  /** Starts. The first of them are `initial`, the rest is drawn. Default 1. */
  readonly restarts?: number;
  readonly initial?: readonly Run[];
  /** Probe sampling. Default: every swap is judged in full. */
  readonly probe?: ProbeSampling;
  /** Stop when a value falls below this. */
  readonly stopBelow?: number;
  /** Stop when this many sequences have been run. */
  readonly budget?: number;
  readonly signal?: AbortSignal;
}

/**
 * Judges all swaps by a cheaper objective, a sample of them in full, and of the rest so many of the cheap one's best in
 * full as its ranks in the sample disagree with the full ones.
 *
 * @see Y. Zhao et al. (2024), Accelerating greedy coordinate gradient via probe sampling. NeurIPS. arXiv 2403.01251.
 */
export interface ProbeSampling {
  /** The cheaper objective: of a smaller model, or of fewer texts. */
  readonly objective: RunObjective;
  /** Share of the swaps that the sample holds. Default 1/16, at least two swaps. */
  readonly sample?: number;
  /** Where ranks do not agree at all, this part of the swaps is judged in full. Default 1/8. */
  readonly most?: number;
}

/** A run that a search found. */
export interface FoundRun {
  readonly run: Run;
  readonly value: number;
  /** Sequences that the search ran. */
  readonly spent: number;
}

/**
 * Searches a run of tokens that makes `objective` small.
 *
 * @example
 * const found = await extraction.gcg(objective, { runLength: 3, seed: 1 });
 */
export async function gcg(objective: RunObjective, options: GcgOptions): Promise<FoundRun> {
  const {
    seed,
    runLength,
    steps = 40,
    restarts = 1,
    initial = [],
    budget = Number.POSITIVE_INFINITY,
  } = options;
  const { buffer = 1, stopBelow = Number.NEGATIVE_INFINITY, signal } = options;
  const started = spentOn(objective, options.probe?.objective);
  const isSpent = (): boolean => spentOn(objective, options.probe?.objective) - started >= budget;
  let best: { run: Run; value: number } = { run: [], value: Number.POSITIVE_INFINITY };
  for (let restart = 0; restart < restarts && !isSpent(); restart++) {
    const random = generator(seed).split(`gcg ${restart}`);
    const start = initial[restart] ?? drawRun(objective.allowed, runLength, random);
    const pool = [{ run: start, value: (await objective.evaluate([start]))[0]! }];
    if (pool[0]!.value < best.value) best = pool[0]!;
    for (let step = 0; step < steps && best.value >= stopBelow && !isSpent(); step++) {
      stopIfAborted(signal);
      const from = pool[0]!;
      const gradient = await objective.gradient(from.run);
      const swaps = proposeSwaps(objective, from.run, gradient, random, options);
      const next = await bestOf(objective, swaps, random, options.probe);
      if (next === undefined) continue;
      if (next.value < best.value) best = next;
      // With a buffer of one, as in the paper, the latest run is worked on even if it is worse than the one before.
      if (buffer === 1) pool[0] = next;
      else {
        pool.push(next);
        pool.sort((a, b) => a.value - b.value);
        pool.length = Math.min(pool.length, buffer);
      }
    }
  }
  return { ...best, spent: spentOn(objective, options.probe?.objective) - started };
}

const spentOn = (objective: RunObjective, probe: RunObjective | undefined): number =>
  objective.spent + (probe && probe !== objective ? probe.spent : 0);

/** A run of tokens drawn uniformly. */
export function drawRun(allowed: Int32Array, runLength: number, random: Generator): Run {
  return Array.from({ length: runLength }, () => allowed[random.integer(allowed.length)]!);
}

function proposeSwaps(
  { allowed, vocabulary }: RunObjective,
  run: Run,
  gradient: Float64Array,
  random: Generator,
  { width = 64, topK = 64, swaps = 1 }: GcgOptions,
): Run[] {
  const best = run.map((_, place) => lowestTokens(gradient, place, vocabulary, allowed, topK));
  const seen = new Set([run.join()]);
  const made: Run[] = [];
  for (let tries = 0; made.length < width && tries < 4 * width; tries++) {
    const next = [...run];
    for (const place of random.permutation(run.length).subarray(0, Math.min(swaps, run.length))) {
      const tokens = best[place]!;
      next[place] = tokens[random.integer(tokens.length)]!;
    }
    const key = next.join();
    if (seen.has(key)) continue;
    seen.add(key);
    made.push(next);
  }
  return made;
}

/** The `count` allowed tokens with the lowest gradient at a place, best first. */
export function lowestTokens(
  gradient: Float64Array,
  place: number,
  vocabulary: number,
  allowed: Int32Array,
  count: number,
): Int32Array {
  const at = place * vocabulary;
  const value = (token: number): number => gradient[at + token]!;
  // Numbers alone sort natively; only those up to the last that is wanted are sorted with their tokens.
  const last = Float64Array.from(allowed, value).sort()[Math.min(count, allowed.length) - 1]!;
  return allowed
    .filter((token) => !(value(token) > last))
    .sort((a, b) => value(a) - value(b) || a - b)
    .subarray(0, count);
}

async function bestOf(
  objective: RunObjective,
  runs: readonly Run[],
  random: Generator,
  probe: ProbeSampling | undefined,
): Promise<{ run: Run; value: number } | undefined> {
  if (runs.length === 0) return undefined;
  if (probe === undefined) return lowest(runs, await objective.evaluate(runs));
  const { sample = 1 / 16, most = 1 / 8 } = probe;
  const rough = await probe.objective.evaluate(runs);
  const drawn = random.permutation(runs.length).subarray(0, Math.max(2, Math.round(sample * runs.length)));
  const seen = Array.from(drawn, (i) => runs[i]!);
  const exact = await objective.evaluate(seen);
  const agreement =
    (1 +
      rankCorrelation(
        Array.from(drawn, (i) => rough[i]!),
        exact,
      )) /
    2;
  const wanted = Math.max(1, Math.floor((1 - agreement) * most * runs.length));
  const chosen = [...runs.keys()].sort((a, b) => rough[a]! - rough[b]!).slice(0, wanted);
  const rest = chosen.filter((i) => !drawn.includes(i)).map((i) => runs[i]!);
  const values = rest.length === 0 ? new Float64Array(0) : await objective.evaluate(rest);
  return lowest([...seen, ...rest], Float64Array.from([...exact, ...values]));
}

function lowest(runs: readonly Run[], values: Float64Array): { run: Run; value: number } {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! < values[best]!) best = i;
  return { run: runs[best]!, value: values[best]! };
}

/** Spearman's correlation; ties by order, 0 for fewer than two values. */
function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  if (n < 2) return 0;
  const ranks = (values: ArrayLike<number>): number[] => {
    const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => values[i]! - values[j]!);
    const own = new Array<number>(n);
    order.forEach((i, rank) => {
      own[i] = rank;
    });
    return own;
  };
  const [x, y] = [ranks(a), ranks(b)];
  const squares = x.reduce((sum, rank, i) => sum + (rank - y[i]!) ** 2, 0);
  return 1 - (6 * squares) / (n * (n * n - 1));
}
