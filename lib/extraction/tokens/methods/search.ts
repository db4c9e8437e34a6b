/**
 * A search for one run from random starts: swaps by coordinate gradient with a beam, then for the best run exact sweeps
 * over the vocabulary and reduction to what is needed.
 *
 * On an objective with references this is differential inversion for models that have no classes to breed for, such as
 * language models with a known payload.
 */

import type { RunObjective } from "../run-objective.js";
import type { FoundRun } from "./gcg.js";
import { hotFlip } from "./hotflip.js";
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

/** Part of the budget that is spent on starts, the rest on sweeps of the best run. */
const STARTS = 0.8;

/** Searches a run of tokens that makes `objective` small. */
export async function searchRuns(objective: RunObjective, options: RunSearchOptions): Promise<FoundRun> {
  const { seed, lengths, budget, restarts = 20, worth = 0.1, signal } = options;
  const [shortest, longest] = lengths;
  const before = objective.spent;
  const isLeft = (): boolean => objective.spent - before < budget;
  let best: ValuedRun = await hotFlip(objective, {
    seed,
    runLength: longest,
    restarts,
    budget: Math.ceil(STARTS * budget),
    ...(signal ? { signal } : {}),
  });
  if (isLeft()) best = await sweep(objective, best, everyToken(objective), { rounds: 1, signal });
  best = await shorten(objective, best, { tolerance: worth, shortest });
  if (isLeft()) best = await extend(objective, best, everyToken(objective), { worth, longest, signal });
  if (isLeft()) best = await sweep(objective, best, everyToken(objective), { rounds: 1, signal });
  best = await shorten(objective, best, { tolerance: worth, shortest });
  return { ...best, spent: objective.spent - before };
}
