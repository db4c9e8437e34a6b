/**
 * Searches, for every arm at once, the smallest mask and a pattern that lead a model to the arm's target class:
 * the optimisation of Neural Cleanse, for all targets (or pairs of victim and target) as one batch.
 */
import { AssayError } from "../../../errors.js";
import { type Generator, generator } from "../../../random/index.js";
import { Adam } from "../../adam.js";

/** One search: images of `victim` (any class but the target, if null) shall be classified as `target`. */
export interface Arm {
  readonly target: number;
  readonly victim: number | null;
}

/** One evaluation: what the model says on the stamped images, and the gradients of the summed loss. */
export interface MaskGradient {
  /** `[arms, images]`: 1 where the stamped image is classified as its arm's target. */
  readonly hits: Uint8Array;
  /** `[arms, height * width]`: gradient of the weighted loss by the mask's raw variables. */
  readonly mask: Float32Array;
  /** `[arms, channels * height * width]`: gradient by the pattern's raw variables. */
  readonly pattern: Float32Array;
}

/** What a search optimises: a model seen through a mask and a pattern. */
export interface MaskObjective {
  /** Pixels of a mask: height * width. */
  readonly maskSize: number;
  /** Pixels of a row of the mask; what smoothness is measured along. Default: all are one row. */
  readonly maskWidth?: number;
  /** Values of a pattern: channels * height * width. */
  readonly patternSize: number;
  /** Draws, for each arm, `images` rows to stamp; the same draw serves all arms unless they have own victims. */
  draw(arms: readonly Arm[], images: number, random: Generator): ImageDraw;
  /**
   * Evaluates raw variables: mask = (tanh + 1) / 2, pattern = low + (high - low) (tanh + 1) / 2.
   * `weights` `[arms, images]` scale each image's loss.
   */
  evaluate(
    arms: readonly Arm[],
    mask: Float32Array,
    pattern: Float32Array,
    draw: ImageDraw,
  ): Promise<MaskGradient>;
}

/** Images drawn for one evaluation. */
export interface ImageDraw {
  /** Row of each image among the clean data: `[images]` shared by all arms, or `[arms, images]`. */
  readonly rows: Uint32Array;
  readonly images: number;
  /** `[arms, images]`: share of each image in its arm's mean loss; 0 for images of the target class itself. */
  readonly weights: Float32Array;
}

/** How long and how hard to search. */
export interface SearchOptions {
  /** Updates of each mask and pattern. */
  readonly steps: number;
  /** Images per update. */
  readonly batch: number;
  /** Updates between two looks at success and cost. */
  readonly round: number;
  /** Share of hits at which a mask counts as working, and the cost of its size may rise. */
  readonly success: number;
  readonly learningRate: number;
  /** First weight of the mask's L1 norm, its factor of change, and rounds before it changes. */
  readonly cost: { readonly initial: number; readonly factor: number; readonly patience: number };
  /**
   * What differences between neighbouring pixels of the mask cost, beside its norm: the smoothness term of TABOR, a
   * sum of squares. Default 0, as in Neural Cleanse. With 0.5 the strongest pixels of masks overlapped planted patches
   * by 0.46 instead of 0.29 (24 development models), at the same AUROC of mask sizes (1.00 and 0.94, were 1.00 and 0.94).
   * Its elastic term brought 0.36. The audit leaves it at 0: the patches that it recovers from either mask overlapped
   * the planted ones alike (0.68 without, 0.66 with it).
   *
   * @see W. Guo et al. (2019), TABOR: a highly accurate approach to inspecting and restoring Trojan backdoors.
   */
  readonly smoothness?: number;
  /**
   * Rounds without a smaller mask after which an arm is left alone, once its cost has gone both up and down. Default:
   * every arm takes all steps.
   */
  readonly settled?: number;
  /**
   * Warm start: arms that an earlier search of the model has a mask of go on from there, with fresh momentum and cost.
   * Default: every arm begins at random values of its own. The masks of another model are a bad start: from those of a
   * clean one, 40 steps told 12 attacked development models from 12 clean ones with AUROC 0.85 [0.62, 0.95] and found
   * 8 of 12 targets, from random values 0.99 [0.74, 1] and 12. The audit does not use it.
   */
  readonly start?: readonly Pick<FoundMask, "arm" | "mask" | "pattern">[];
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, of: number) => void;
}

/** The best mask and pattern of one arm. */
export interface FoundMask {
  readonly arm: Arm;
  /** `[height * width]` in [0, 1]. */
  readonly mask: Float32Array;
  /** `[channels * height * width]`, 0 to 1 between the lowest and the highest input value. */
  readonly pattern: Float32Array;
  /** Sum of the mask. */
  readonly maskL1Norm: number;
  /** Share of hits in the round that the mask was kept from. */
  readonly success: number;
  /** False if no mask reached the wanted success: the norm is then that of the last one, a censored value. */
  readonly isWorking: boolean;
  /** Per round: L1 norm, share of hits, and weight of the norm. */
  readonly trace: readonly { readonly maskL1Norm: number; readonly success: number; readonly cost: number }[];
}

/** A search under way: every arm with its own mask, pattern, momentum and schedule. */
export interface MaskSearch {
  /** Makes `updates` updates of some arms, together as one batch, and closes a round of each. */
  advance(which: readonly number[], updates: number): Promise<void>;
  /** Rounds that an arm has had. */
  rounds(arm: number): number;
  /** Whether an arm has nothing more to gain: see `SearchOptions.settled`. */
  isSettled(arm: number): boolean;
  /** The best mask of an arm so far; if none worked, the last one. */
  best(arm: number): FoundMask;
}

/** State of one arm. */
interface ArmState {
  readonly mask: Float32Array;
  readonly pattern: Float32Array;
  readonly maskAdam: Adam;
  readonly patternAdam: Adam;
  cost: number;
  hasRisen: boolean;
  hasFallen: boolean;
  successes: number;
  failures: number;
  best: FoundMask | undefined;
  /** Norm that the best mask was last compared with, and rounds since it got smaller by more than a hundredth. */
  mark: number;
  idle: number;
  trace: { maskL1Norm: number; success: number; cost: number }[];
}

/** Starts a search; nothing is run yet. */
export function maskSearch(
  objective: MaskObjective,
  arms: readonly Arm[],
  options: SearchOptions,
): MaskSearch {
  const { maskSize, patternSize } = objective;
  const { seed, batch, learningRate, signal } = options;
  const random = generator(seed).split("mask-search");
  // Every arm draws from its own stream, so that adding or removing arms changes no other arm's start.
  const states = arms.map<ArmState>((arm) => {
    const stream = random.split(`${arm.victim}>${arm.target}`);
    const warm = options.start?.find((one) => one.arm.target === arm.target && one.arm.victim === arm.victim);
    return {
      mask: warm ? warm.mask.map(rawOf) : Float32Array.from({ length: maskSize }, () => start(stream)),
      pattern: warm
        ? warm.pattern.map(rawOf)
        : Float32Array.from({ length: patternSize }, () => start(stream)),
      maskAdam: new Adam(maskSize, learningRate),
      patternAdam: new Adam(patternSize, learningRate),
      cost: options.cost.initial,
      hasRisen: false,
      hasFallen: false,
      successes: 0,
      failures: 0,
      best: undefined,
      mark: Number.POSITIVE_INFINITY,
      idle: 0,
      trace: [],
    };
  });
  const draws = random.split("images");
  return {
    rounds: (arm) => states[arm]!.trace.length,
    isSettled: (arm) => {
      const { hasRisen, hasFallen, idle } = states[arm]!;
      return options.settled !== undefined && hasRisen && hasFallen && idle >= options.settled;
    },
    best(arm) {
      const state = states[arm]!;
      if (state.best) return { ...state.best, trace: state.trace };
      return found(arms[arm]!, state.mask, state.pattern, state, false);
    },
    async advance(which, updates) {
      const some = which.map((arm) => arms[arm]!);
      const own = which.map((arm) => states[arm]!);
      const hits = new Float64Array(which.length);
      const seen = new Float64Array(which.length);
      for (let update = 0; update < updates; update++) {
        if (signal?.aborted) throw new AssayError("ABORTED", "The trigger search was stopped.");
        const draw = objective.draw(some, batch, draws);
        const mask = joined(own.map((state) => state.mask));
        const pattern = joined(own.map((state) => state.pattern));
        const gradient = await objective.evaluate(some, mask, pattern, draw);
        countHits(gradient, draw, which.length, hits, seen);
        own.forEach((state, a) => {
          const byMask = gradient.mask.subarray(a * maskSize, (a + 1) * maskSize);
          addCost(byMask, state.mask, state.cost);
          if (options.smoothness) {
            addSmoothness(
              byMask,
              state.mask,
              state.cost * options.smoothness,
              objective.maskWidth ?? maskSize,
            );
          }
          state.maskAdam.update(state.mask, byMask);
          state.patternAdam.update(
            state.pattern,
            gradient.pattern.subarray(a * patternSize, (a + 1) * patternSize),
          );
        });
      }
      own.forEach((state, a) => {
        endRound(state, some[a]!, seen[a]! > 0 ? hits[a]! / seen[a]! : 0, options);
      });
    },
  };
}

/**
 * Runs the search on all arms together.
 *
 * After each round an arm whose share of hits reached `success` for `patience` rounds in a row gets its cost
 * multiplied by `factor`; one that missed it as often gets it divided by `factor^1.5`.
 *
 * @see B. Wang et al. (2019), Neural Cleanse. IEEE S&P.
 */
export async function searchMasks(
  objective: MaskObjective,
  arms: readonly Arm[],
  options: SearchOptions,
): Promise<FoundMask[]> {
  const { steps, round, onProgress } = options;
  const search = maskSearch(objective, arms, options);
  const all = [...arms.keys()];
  for (let done = 0; done < steps; done += round) {
    const left = all.filter((arm) => !search.isSettled(arm));
    if (left.length === 0) break;
    await search.advance(left, Math.min(round, steps - done));
    onProgress?.(Math.min(done + round, steps), steps);
  }
  return all.map((arm) => search.best(arm));
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const size = parts[0]?.length ?? 0;
  const all = new Float32Array(parts.length * size);
  parts.forEach((part, i) => {
    all.set(part, i * size);
  });
  return all;
}

/** tanh of the result is uniform in (-1, 1). */
const start = (random: Generator): number => Math.atanh(0.999 * (2 * random.uniform() - 1));

/** The raw variable of a value in [0, 1], kept where its gradient does not vanish. */
const rawOf = (value: number): number => Math.atanh(0.999 * (2 * value - 1));

function countHits(
  gradient: MaskGradient,
  draw: ImageDraw,
  arms: number,
  hits: Float64Array,
  seen: Float64Array,
): void {
  for (let a = 0; a < arms; a++) {
    for (let i = a * draw.images; i < (a + 1) * draw.images; i++) {
      if (draw.weights[i] === 0) continue;
      hits[a] = hits[a]! + gradient.hits[i]!;
      seen[a] = seen[a]! + 1;
    }
  }
}

/** Adds the gradient of cost * sum(mask) by the raw variables. */
function addCost(gradient: Float32Array, raw: Float32Array, cost: number): void {
  for (let i = 0; i < gradient.length; i++) {
    const tanh = Math.tanh(raw[i]!);
    gradient[i] = gradient[i]! + (cost * (1 - tanh * tanh)) / 2;
  }
}

/** Adds the gradient of cost * sum of squared differences of neighbours, across and down. */
function addSmoothness(gradient: Float32Array, raw: Float32Array, cost: number, width: number): void {
  const mask = raw.map(unit);
  for (let i = 0; i < mask.length; i++) {
    let slope = 0;
    if (i % width > 0) slope += mask[i]! - mask[i - 1]!;
    if (i % width < width - 1) slope += mask[i]! - mask[i + 1]!;
    if (i >= width) slope += mask[i]! - mask[i - width]!;
    if (i + width < mask.length) slope += mask[i]! - mask[i + width]!;
    // The slope of the mask by its raw value is (1 - tanh^2) / 2 = 2 m (1 - m).
    gradient[i] = gradient[i]! + cost * 2 * slope * 2 * mask[i]! * (1 - mask[i]!);
  }
}

/** A mask that got smaller by less than this has not got smaller. */
const GAIN = 0.99;

function endRound(state: ArmState, arm: Arm, success: number, options: SearchOptions): void {
  const { factor, patience } = options.cost;
  const maskL1Norm = l1Norm(state.mask);
  state.trace.push({ maskL1Norm, success, cost: state.cost });
  const works = success >= options.success;
  if (works && maskL1Norm < (state.best?.maskL1Norm ?? Number.POSITIVE_INFINITY)) {
    state.best = found(arm, state.mask, state.pattern, state, true);
  }
  const norm = state.best?.maskL1Norm ?? Number.POSITIVE_INFINITY;
  if (norm < GAIN * state.mark) {
    state.mark = norm;
    state.idle = 0;
  } else state.idle++;
  state.successes = works ? state.successes + 1 : 0;
  state.failures = works ? 0 : state.failures + 1;
  if (state.successes >= patience) {
    state.cost *= factor;
    state.hasRisen = true;
    state.successes = 0;
  } else if (state.failures >= patience) {
    state.cost /= factor ** 1.5;
    state.hasFallen = true;
    state.failures = 0;
  }
}

function found(
  arm: Arm,
  mask: Float32Array,
  pattern: Float32Array,
  state: ArmState,
  isWorking: boolean,
): FoundMask {
  return {
    arm,
    mask: mask.map(unit),
    pattern: pattern.map(unit),
    maskL1Norm: l1Norm(mask),
    success: state.trace.at(-1)?.success ?? 0,
    isWorking,
    trace: state.trace,
  };
}

const unit = (raw: number): number => (Math.tanh(raw) + 1) / 2;

function l1Norm(raw: Float32Array): number {
  let sum = 0;
  for (const value of raw) sum += unit(value);
  return sum;
}
