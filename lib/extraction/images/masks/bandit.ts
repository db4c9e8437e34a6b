/**
 * Many searches for one budget: an epsilon-greedy bandit gives each next round to the arms whose masks promise most.
 *
 * @see G. Shen et al. (2021), Backdoor scanning for deep neural networks through K-arm optimization. ICML.
 */
import { generator } from "../../../random/index.js";
import {
  type Arm,
  type FoundMask,
  type MaskObjective,
  maskSearch,
  type SearchOptions,
} from "./mask-search.js";

/** How a bandit spends its budget. */
export interface BanditOptions extends SearchOptions {
  /** Rounds of single arms that are spent in all. */
  readonly armRounds: number;
  /** Share of choices that are made at random. */
  readonly epsilon: number;
}

/** What a bandit found. */
export interface BanditResult {
  readonly masks: readonly FoundMask[];
  /** Rounds that each arm got. */
  readonly rounds: readonly number[];
}

/** Rounds of each arm before the first choice. */
const WARM_UP = 2;
/** Arms that are advanced together, a fifth of all and at most these: a batch costs less than its parts. */
const TOGETHER = 8;
/** An arm with a smaller share of hits than this after so many rounds is given up. */
const HOPELESS = { rounds: 4, success: 0.3 } as const;
/** What a small mask counts beside a fast one: 1e4 / 2500^2 in the paper's pixels, where masks start at 2,500. */
const SIZE = 1.6e-3;

/**
 * Searches all arms, unevenly.
 *
 * After two rounds each, a round goes to the arms with the highest `(1 - l) / (improvements + rounds / 2) + 0.0016 / l`,
 * where l is the mask's norm as a share of what it started with, or with probability epsilon to one at random.
 */
export async function banditSearch(
  objective: MaskObjective,
  arms: readonly Arm[],
  options: BanditOptions,
): Promise<BanditResult> {
  const { armRounds, epsilon, round, seed, onProgress } = options;
  const search = maskSearch(objective, arms, options);
  const random = generator(seed).split("bandit");
  const all = [...arms.keys()];
  const together = Math.min(TOGETHER, Math.ceil(arms.length / 5));
  let spent = 0;
  const advance = async (which: readonly number[]): Promise<void> => {
    await search.advance(which, round);
    spent += which.length;
    onProgress?.(Math.min(spent, armRounds), armRounds);
  };
  for (let turn = 0; turn < WARM_UP; turn++) {
    for (let first = 0; first < all.length; first += TOGETHER)
      await advance(all.slice(first, first + TOGETHER));
  }
  while (spent < armRounds) {
    const left = all.filter((arm) => !isHopeless(search.best(arm)) && !search.isSettled(arm));
    if (left.length === 0) break;
    const worth = new Map(left.map((arm) => [arm, promise(search.best(arm), objective.maskSize)]));
    const ranked = [...left].sort((a, b) => worth.get(b)! - worth.get(a)!);
    const chosen: number[] = [];
    while (chosen.length < Math.min(together, left.length, armRounds - spent)) {
      const at = random.uniform() < epsilon ? random.integer(ranked.length) : 0;
      chosen.push(...ranked.splice(at, 1));
    }
    await advance(chosen);
  }
  return { masks: all.map((arm) => search.best(arm)), rounds: all.map((arm) => search.rounds(arm)) };
}

function promise({ trace, maskL1Norm, isWorking }: FoundMask, maskSize: number): number {
  // Raw masks start with values uniform in [0, 1].
  const size = (isWorking ? maskL1Norm : trace.at(-1)!.maskL1Norm) / (maskSize / 2);
  let improvements = 0;
  let best = Number.POSITIVE_INFINITY;
  for (const { maskL1Norm: norm } of trace) {
    if (norm < best) improvements++;
    best = Math.min(best, norm);
  }
  return (1 - size) / (improvements + trace.length / 2) + SIZE / Math.max(size, 1e-6);
}

const isHopeless = ({ trace, isWorking }: FoundMask): boolean =>
  !isWorking && trace.length >= HOPELESS.rounds && trace.at(-1)!.success < HOPELESS.success;
