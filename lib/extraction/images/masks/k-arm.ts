/**
 * K-Arm: which of many targets, or pairs of victim and target, has a small trigger, for a fraction of the passes.
 *
 * Shows: the smallest masks among many arms, each with the rounds that it got. Arms that lead nowhere are given up, and
 * those that shrink fast are followed. Needs some clean images of every class. Misleads as a verdict: the sizes
 * of arms that got different numbers of rounds are no fair comparison, and classes differ by nature. Search the
 * arms it names again with equal budgets, in clean references too, as `audit` does for models of many classes.
 */
import { AssayError } from "../../../errors.js";
import type { LoadedModel } from "../../../model/index.js";
import { observe } from "../../../spec/index.js";
import type { CleanData } from "../../clean-data.js";
import { imageModel } from "../image-model.js";
import { type PreparedImages, prepareImages } from "../prepare.js";
import { banditSearch } from "./bandit.js";
import { allTargets, fastSearch, objectiveOf } from "./invert.js";
import type { Arm, SearchOptions } from "./mask-search.js";

/** Options of `kArm`. */
export interface KArmOptions extends Partial<Omit<SearchOptions, "seed" | "steps" | "onProgress">> {
  readonly seed: number;
  /** What is searched. Default: every class as a target. */
  readonly arms?: "targets" | "pairs";
  /** Keeps the arms whose target clean images of the victim nearly reach already; pairs need it. Default true for pairs. */
  readonly prescreen?: boolean;
  /** Rounds of single arms in all. Default: six per arm that is left; the even search of an audit takes twelve. */
  readonly armRounds?: number;
  /** Share of rounds given at random. Default 0.3. */
  readonly epsilon?: number;
  /** Lowest and highest input value. Default: read off the data. */
  readonly range?: readonly [number, number];
  readonly onProgress?: (done: number, of: number) => void;
}

/** One arm and how far it was followed. */
export interface FollowedArm {
  readonly target: number;
  /** Null if the trigger should work from every class. */
  readonly victim: number | null;
  readonly maskL1Norm: number;
  /** Share of hits of the mask given. */
  readonly success: number;
  readonly isWorking: boolean;
  readonly rounds: number;
}

/** What a search of many arms found. */
export interface ArmSearch {
  readonly kind: "arm-search";
  readonly model: string;
  /** Arms before the pre-screening. */
  readonly possible: number;
  /** The smallest working mask first, those without one last. */
  readonly arms: readonly FollowedArm[];
  readonly passes: { readonly forward: number; readonly backward: number };
  readonly settings: Omit<SearchOptions, "onProgress" | "signal" | "steps"> & {
    readonly armRounds: number;
    readonly epsilon: number;
  };
  readonly warnings: readonly string[];
}

/**
 * Searches many arms with an epsilon-greedy bandit.
 *
 * @throws AssayError for data that do not fit the model, ABORTED, UNSUPPORTED_OPERATOR.
 * @see G. Shen et al. (2021), Backdoor scanning for deep neural networks through K-arm optimization. ICML.
 * @example
 * const { arms } = await extraction.kArm(model, clean, { seed: 1 });
 * arms[0]   // { target: 37, victim: null, maskL1Norm: 6.2, success: 0.98, isWorking: true, rounds: 14 }
 */
export async function kArm(model: LoadedModel, clean: CleanData, options: KArmOptions): Promise<ArmSearch> {
  const {
    seed,
    arms: kind = "targets",
    prescreen = kind === "pairs",
    epsilon = 0.3,
    range,
    signal,
    onProgress,
    armRounds,
    ...given
  } = options;
  const images = await prepareImages(model, clean, { seed, range });
  const all = kind === "targets" ? allTargets(images.classes) : allPairs(images);
  const arms = prescreen ? await screened(model, images, all) : all;
  if (arms.length === 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `kArm: none of ${all.length} arms passes the pre-screening; search them all with the option "prescreen: false".`,
      { arms: all.length },
    );
  }
  const { steps: _steps, ...defaults } = fastSearch;
  const settings = { ...defaults, ...given, seed, epsilon, armRounds: armRounds ?? 6 * arms.length };
  const passes = { forward: 0, backward: 0 };
  const { masks, rounds } = await banditSearch(objectiveOf(model, images, passes), arms, {
    ...settings,
    steps: settings.armRounds * settings.round,
    ...(signal ? { signal } : {}),
    ...(onProgress ? { onProgress } : {}),
  });
  const followed = masks.map(({ arm, maskL1Norm, success, isWorking }, i) => ({
    ...arm,
    maskL1Norm,
    success,
    isWorking,
    rounds: rounds[i]!,
  }));
  return {
    kind: "arm-search",
    model: model.name,
    possible: all.length,
    arms: followed.sort((a, b) => Number(b.isWorking) - Number(a.isWorking) || a.maskL1Norm - b.maskL1Norm),
    passes,
    settings,
    warnings: [
      ...images.warnings,
      "Arms got different numbers of rounds, and classes differ by nature: a small mask is a reason to look, no verdict.",
    ],
  };
}

function allPairs({ classes, search }: PreparedImages): Arm[] {
  const victims = [...new Set(Array.from(search.labels.data, Number))].sort((a, b) => a - b);
  return victims.flatMap((victim) =>
    Array.from({ length: classes }, (_, target) => ({ target, victim })).filter(
      ({ target }) => target !== victim,
    ),
  );
}

/** Shares of a class's images whose highest scores must hold the target, and victims kept for one target. */
const GLOBAL = 0.95;
const FROM_VICTIM = 0.9;
const VICTIMS = 3;

/**
 * The pre-screening of the paper: a target stays if it is among the top quarter of scores (the top two of up to eight
 * classes) on 95 % of all images, a pair if it is on 90 % of its victim's, three victims for each target.
 */
async function screened(
  model: LoadedModel,
  { classes, search, layout }: PreparedImages,
  arms: readonly Arm[],
): Promise<Arm[]> {
  const top = classes <= 8 ? 2 : Math.round(classes / 4);
  const { scores } = await observe(imageModel(model, layout), search.inputs);
  const labels = Array.from(search.labels.data, Number);
  const inTop = new Float64Array(classes * classes);
  const counts = new Float64Array(classes);
  labels.forEach((label, row) => {
    counts[label] = counts[label]! + 1;
    const own = scores.subarray(row * classes, (row + 1) * classes);
    const bar = Float64Array.from(own).sort()[classes - top]!;
    for (let k = 0; k < classes; k++)
      if (own[k]! >= bar) inTop[label * classes + k] = inTop[label * classes + k]! + 1;
  });
  const share = ({ target, victim }: Arm): number => {
    if (victim !== null) return inTop[victim * classes + target]! / counts[victim]!;
    let hits = 0;
    for (let k = 0; k < classes; k++) hits += inTop[k * classes + target]!;
    return hits / labels.length;
  };
  const kept = new Map<number, number>();
  return [...arms]
    .sort((a, b) => share(b) - share(a))
    .filter((arm) => {
      if (arm.victim === null) return share(arm) >= GLOBAL;
      const victims = kept.get(arm.target) ?? 0;
      if (share(arm) < FROM_VICTIM || victims >= VICTIMS) return false;
      kept.set(arm.target, victims + 1);
      return true;
    });
}
