/** What the budgets of an audit of images spend, and how much that is beforehand. */
import type { Budget } from "../audit-options.js";
import { fastSearch } from "./masks/invert.js";
import type { SearchOptions } from "./masks/mask-search.js";
import { BANDIT_ROUNDS, MANY_TARGETS } from "./scan.js";
import { TRAINING_BATCH } from "./simulated-references.js";

/** Search of every class as a target. */
type TargetPlan = Omit<typeof fastSearch, "steps"> & { readonly steps: number };

/** What a budget buys. */
export interface Plan {
  readonly targets: TargetPlan;
  readonly pairs: Partial<SearchOptions> & { readonly steps: number; readonly batch: number };
  /** Whether pairs are judged by squares alone, and masks searched in the suspect for the most unusual ones only. */
  readonly pairsBySquares: boolean;
  /** Steps that the colours of windows are searched in, and rounds that a recovered patch may grow. */
  readonly windowSteps: number;
  readonly growth: number;
  /** Images that a sweep of squares may run. */
  readonly sweep: number;
  /** Random beginnings of each search for a change of the whole image; null for none. */
  readonly changes: number | null;
  /** Steps of training per simulated reference; null for none. */
  readonly simulation: number | null;
}

// Pairs are searched on fewer images, with more steps and a steeper cost: with 40 steps at the cost of classes the
// true pair of three source-specific development models came first in one, with these settings and squares in all.
const pairSearch = { batch: 8, round: 4, cost: { initial: 3e-2, factor: 2, patience: 2 } };

/** The plan of each budget. */
export const plans: Readonly<Record<Budget, Plan>> = {
  quick: {
    targets: { ...fastSearch, steps: 64 },
    pairs: { ...pairSearch, steps: 80 },
    pairsBySquares: true,
    windowSteps: 12,
    growth: 1,
    sweep: 18_000,
    changes: null,
    simulation: null,
  },
  standard: {
    targets: { ...fastSearch, steps: 96 },
    pairs: { ...pairSearch, steps: 80 },
    pairsBySquares: false,
    windowSteps: 24,
    growth: 3,
    sweep: 54_000,
    changes: 1,
    simulation: 600,
  },
  thorough: {
    targets: { ...fastSearch, steps: 240 },
    pairs: { ...pairSearch, batch: 16, steps: 160 },
    pairsBySquares: false,
    windowSteps: 24,
    growth: 3,
    sweep: 54_000,
    changes: 2,
    simulation: 1500,
  },
};

/**
 * Images that an audit passes forward and back, about: for an estimate of its time.
 *
 * @param references Clean models given; without any, the search of simulated ones is counted.
 */
export function expectedPasses(budget: Budget, classes: number, references: number): number {
  const { targets, pairs, pairsBySquares, windowSteps, changes, simulation } = plans[budget];
  const trained = simulatedReferences(budget, references);
  const models = 1 + references + trained;
  const isMany = classes > MANY_TARGETS && models > 2;
  const even = targets.steps * targets.batch * Math.min(classes, isMany ? CHOSEN_ARMS : classes);
  const first = isMany ? BANDIT_ROUNDS * targets.round * targets.batch * classes : 0;
  const starts = changes === null || models < 3 ? 0 : trained > 0 ? CHANGE_STARTS : changes;
  const changed = starts * CHANGE_PASSES * classes;
  const chosen = pairsBySquares ? 0 : Math.min(CHOSEN_ARMS, classes * (classes - 1));
  const paired = pairs.steps * pairs.batch * chosen;
  const windows = isMany || references < 2 ? 0 : WINDOW_BATCH * windowSteps * classes;
  return first + models * (even + paired + changed + windows) + trained * (simulation ?? 0) * TRAINING_BATCH;
}

/** How many references an audit trains itself where `references` are given, if the data allow. */
export const simulatedReferences = (budget: Budget, references: number): number =>
  references > 0 || plans[budget].simulation === null ? 0 : SIMULATED;

/** References that are simulated where none are given. */
const SIMULATED = 3;
/** Random beginnings of the searches for changes beside simulated references, which are less alike. */
export const CHANGE_STARTS = 2;
/** Images that one such search passes forward and back. */
const CHANGE_PASSES = 50 * 24;
/** Images of a step that the colours of a window are searched in. */
const WINDOW_BATCH = 16;
/** Arms that are searched in each model of many. */
const CHOSEN_ARMS = 24;
