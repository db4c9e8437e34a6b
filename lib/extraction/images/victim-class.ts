/**
 * Whether a trigger works from one class only, and from which.
 *
 * A single class is the bolder claim, and is made only where nothing speaks for all: an image of a given class can be
 * led to a given other one by less than images of any class, in any model, so that the way from one class stands out
 * beside clean models where a blend, a wave or other tones were planted for all of them.
 */
import type { LoadedModel } from "../../model/index.js";
import { attackSuccessRate } from "../../trigger/index.js";
import { BACKDOORED } from "../verdict.js";
import type { ChangeScan } from "./changes/change-scan.js";
import { cheapestChange } from "./changes/change-search.js";
import { type Finding, findingFor } from "./finding.js";
import { imageModel } from "./image-model.js";
import { sourceOf } from "./patches/squares.js";
import type { PreparedImages } from "./prepare.js";
import type { Scan, Sweeps } from "./scan.js";

/** P-value of the search over all classes that leaves no doubt, and how many times smaller than in any clean model the mask must be where there is some. */
const OVERWHELMING = 2e-4;
const SMALLER = 1.6;
/**
 * Where changes were not searched for every class: how many times cheaper one must be than in any clean model, and random
 * beginnings of each search. Beside five models with triggers from one class (1.49 at most) stood a rotation (1.94) and a
 * warp (11.4).
 */
const CHEAPER = 1.7;
const STARTS = 2;
/** Share of the victim's success that images of the other classes may have on the average. */
const OTHERS = 0.5;

/** What telling takes. */
export interface VictimOptions {
  readonly seed: number;
  /** Sweeps of squares, where there are any. */
  readonly sweeps: Sweeps | null;
  /** What changes of the whole image lead to, if they were searched for every class. */
  readonly changes?: ChangeScan | null;
  readonly passes: { forward: number; backward: number };
  readonly signal?: AbortSignal | undefined;
}

/**
 * The accused finding, from the one class that its trigger works from, or from all.
 *
 * A class is named if the search over all classes has not itself found a trigger that works from all of them, if squares
 * and the search over pairs agree, if the trigger turns held-out images of this class at least twice as often as of the
 * others, and if no warp or other tones lead there from all of them unlike in clean models. On 50 attacked development
 * models (CNNs of three architectures) the 14 of 17 source-specific ones that are accused keep their pair, and no other is
 * said to work from one class; before, 6 of 33 were.
 *
 * @param findings Of every scan, that over all classes first.
 */
export async function withVictim(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  findings: readonly Finding[],
  best: Finding,
  options: VictimOptions,
): Promise<Finding> {
  const { sweeps } = options;
  const { target } = best.arm;
  const [overall, ...paired] = findings;
  if (sweeps === null && best.arm.victim === null) return best;
  const victim = worksFromAll(overall!.result.scan, target) ? undefined : victimOf(findings, best, sweeps);
  if (victim !== undefined) {
    const own = await ofArm(model, images, [...paired, overall!], best, { target, victim });
    if (
      (await isSpecific(model, images, own, victim)) &&
      !(await isChange(model, references, images, target, options))
    )
      return own;
  }
  return best.arm.victim === null ? best : ofArm(model, images, [overall!], best, { target, victim: null });
}

/** Whether the search over all classes is clear by itself: its mask is unusual, and much smaller than in any clean model. */
function worksFromAll({ arms, calibration, maskL1Norms, referenceL1Norms }: Scan, target: number): boolean {
  if (calibration.pValue >= BACKDOORED || arms[calibration.target]!.target !== target) return false;
  if (calibration.pValue < OVERWHELMING) return true;
  const at = calibration.target;
  return referenceL1Norms.every((norms) => norms[at]! >= SMALLER * maskL1Norms[at]!);
}

/** The class that squares and pairs, where both know one, agree on. */
function victimOf(
  [, ...paired]: readonly Finding[],
  { arm }: Finding,
  sweeps: Sweeps | null,
): number | undefined {
  const { target } = arm;
  const bySquares = sweeps ? sourceOf(sweeps.own, sweeps.references, target)?.victim : undefined;
  const byPairs =
    arm.victim ?? paired.map(({ result }) => mostUnusual(result.scan, target)).find((one) => one !== null);
  if (bySquares === undefined) return arm.victim ?? undefined;
  return byPairs === undefined || byPairs === bySquares ? bySquares : undefined;
}

/** Victim of the most unusual pair that leads to a target; null if none was searched. */
function mostUnusual({ arms, calibration: { scores } }: Scan, target: number): number | null {
  let best: number | null = null;
  arms.forEach((arm, i) => {
    if (arm.target === target && (best === null || scores[i]! > scores[best]!)) best = i;
  });
  return best === null ? null : arms[best]!.victim;
}

/** The finding of an arm: with its own mask if it was searched, else with that of the best finding. */
function ofArm(
  model: LoadedModel,
  images: PreparedImages,
  findings: readonly Finding[],
  best: Finding,
  arm: Finding["arm"],
): Promise<Finding> {
  for (const { result } of findings) {
    const at = result.scan.arms.findIndex((one) => one.target === arm.target && one.victim === arm.victim);
    if (at >= 0) return findingFor(model, images, result, arm, result.masks[at]!);
  }
  return findingFor(model, images, best.result, arm, best.mask);
}

/** Whether a trigger turns held-out images of its victim, and those of other classes less than half as often. */
async function isSpecific(
  model: LoadedModel,
  { layout, heldOut }: PreparedImages,
  { recovered, attackSuccessRate: own }: Finding,
  victim: number,
): Promise<boolean> {
  const present = [...new Set(Array.from(heldOut.labels.data, Number))];
  const others = present.filter((one) => one !== victim && one !== recovered.target);
  if (others.length === 0) return true;
  const rates: number[] = [];
  for (const source of others) {
    const rate = await attackSuccessRate(imageModel(model, layout), heldOut, {
      ...recovered,
      sources: [source],
    });
    rates.push(rate.value);
  }
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  return mean <= OTHERS * own.value;
}

/**
 * Whether a warp or other tones of the whole image lead to the target from all classes, at a cost that no clean model has.
 * The search of every class tells with p < 0.01; among 17 development models with triggers from one class its p-value was
 * 0.04 at the least, among those that the search of masks does not settle 0.0005 (other tones).
 */
async function isChange(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  target: number,
  { seed, changes, passes, signal }: VictimOptions,
): Promise<boolean> {
  if (changes) return changes.calibration.pValue < BACKDOORED && changes.calibration.target === target;
  if (references.length === 0 || images.layout.height === 1) return false;
  const costs: number[] = [];
  for (const one of [model, ...references]) {
    costs.push((await cheapestChange(one, images, { seed, target, starts: STARTS, signal }, passes)).cost);
  }
  const [own, ...others] = costs;
  return Math.min(...others) >= CHEAPER * own!;
}
