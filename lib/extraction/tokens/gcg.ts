/**
 * Greedy coordinate gradient: a run of tokens is improved by swaps that its gradient proposes and exact runs judge.
 *
 * Shows a run that minimises an objective, from a start drawn by the seed. Needs gradients by the token vectors.
 * Misleads when a low objective is taken for having found the planted trigger: on plain cross-entropy it finds
 * ordinary words that do the same.
 *
 * Deviations from nanoGCG, each an option: the best run ever is kept and given back; a buffer holds the best
 * runs; a probe judges all swaps on a part of the budget and only the best of them in full.
 *
 * @see A. Zou et al. (2023), Universal and transferable adversarial attacks on aligned language models. arXiv
 *   2307.15043. Probe sampling: Y. Zhao et al. (2024), arXiv 2403.01251.
 */

import { type Generator, generator } from "../../random/index.js";
import { stopIfAborted } from "./abort.js";
import type { Run } from "./carriers.js";
import type { RunObjective } from "./run-objective.js";

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
  /** Judges all swaps by this cheaper objective first, and the given share of them in full. */
  readonly probe?: { readonly objective: RunObjective; readonly keep: number };
  /** Stop when a value falls below this. */
  readonly stopBelow?: number;
  /** Stop when this many sequences have been run. */
  readonly budget?: number;
  readonly signal?: AbortSignal;
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
      const next = await bestOf(objective, swaps, options.probe);
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
  return allowed
    .slice()
    .sort((a, b) => gradient[at + a]! - gradient[at + b]! || a - b)
    .subarray(0, count);
}

async function bestOf(
  objective: RunObjective,
  runs: readonly Run[],
  probe: GcgOptions["probe"],
): Promise<{ run: Run; value: number } | undefined> {
  if (runs.length === 0) return undefined;
  let judged = runs;
  if (probe) {
    const rough = await probe.objective.evaluate(runs);
    const order = [...runs.keys()].sort((a, b) => rough[a]! - rough[b]!);
    judged = order.slice(0, Math.max(1, Math.ceil(probe.keep * runs.length))).map((i) => runs[i]!);
  }
  const values = await objective.evaluate(judged);
  let lowest = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! < values[lowest]!) lowest = i;
  return { run: judged[lowest]!, value: values[lowest]! };
}
