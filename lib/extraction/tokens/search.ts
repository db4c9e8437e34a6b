/**
 * A search for one run from random starts: coordinate gradients, an exact sweep over the vocabulary, and reduction to
 * what is needed, again and again until the budget is spent.
 *
 * On an objective with references this is differential inversion for models that have no classes to breed for, such as
 * language models with a known payload.
 */
import { generator } from "../../random/index.js";
import { drawRun, type FoundRun, gcg } from "./gcg.js";
import type { RunObjective } from "./run-objective.js";
import { everyToken, extend, shorten, sweep, type ValuedRun } from "./sweep.js";

/** Options of a search from random starts. */
export interface RunSearchOptions {
  readonly seed: number;
  /** Fewest and most tokens. */
  readonly lengths: readonly [number, number];
  /** Sequences that the search may run, about. */
  readonly budget: number;
  /** Starts at most. Default 20. */
  readonly restarts?: number;
  /** A token stays if leaving it out costs more than this, in nats. Default 0.1. */
  readonly worth?: number;
  readonly signal?: AbortSignal;
}

/** Searches a run of tokens that makes `objective` small. */
export async function searchRuns(objective: RunObjective, options: RunSearchOptions): Promise<FoundRun> {
  const { seed, lengths, budget, restarts = 20, worth = 0.1, signal } = options;
  const [shortest, longest] = lengths;
  const before = objective.spent;
  const left = (): number => budget - (objective.spent - before);
  let best: ValuedRun = { run: [], value: Number.POSITIVE_INFINITY };
  for (let restart = 0; restart < restarts && left() > 0; restart++) {
    const start = drawRun(objective.allowed, longest, generator(seed).split(`search ${restart}`));
    let one: ValuedRun = await gcg(objective, {
      seed: seed + restart,
      runLength: longest,
      initial: [start],
      steps: 20,
      budget: Math.max(0, left()),
      ...(signal ? { signal } : {}),
    });
    if (left() > 0) one = await sweep(objective, one, everyToken(objective), { rounds: 1, signal });
    one = await shorten(objective, one, { tolerance: worth, shortest });
    if (left() > 0) one = await sweep(objective, one, everyToken(objective), { rounds: 1, signal });
    if (left() > 0) one = await extend(objective, one, everyToken(objective), { worth, longest, signal });
    one = await shorten(objective, one, { tolerance: worth, shortest });
    if (one.value < best.value) best = one;
  }
  return { ...best, spent: objective.spent - before };
}
