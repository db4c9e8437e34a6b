/**
 * Neural Cleanse, calibrated: searches the smallest trigger for every class and compares each with the same class
 * of clean reference models.
 *
 * Shows: a class that a much smaller change leads to than in clean models, and a trigger that does it. Needs
 * gradients, some clean images, and three or more clean models of the same task for a decision with any power.
 * Misleads when the trigger works from one class only (search pairs), when the attacker trained against the
 * search, and when references differ in task or training from the model.
 */
import type { LoadedModel } from "../../../model/index.js";
import type { Estimate } from "../../../stats/index.js";
import { type Tensor, tensor } from "../../../tensor/index.js";
import { attackSuccessRate } from "../../../trigger/index.js";
import { type Calibration, calibrate } from "../../calibration.js";
import type { CleanData } from "../../clean-data.js";
import { type Decision, decide } from "../../verdict.js";
import { imageModel } from "../image-model.js";
import { type PreparedImages, prepareImages } from "../prepare.js";
import { patternTensor, type RecoveredTrigger, recoverTrigger } from "../recovered-trigger.js";
import { allTargets, fastSearch, type Inversion, invert, smallness } from "./invert.js";
import type { FoundMask, SearchOptions } from "./mask-search.js";

/** Options of `neuralCleanse`. */
export interface NeuralCleanseOptions extends Partial<Omit<SearchOptions, "seed" | "onProgress">> {
  readonly seed: number;
  /** Clean models of the same task. Three or more are needed for power. Default: none. */
  readonly references?: readonly LoadedModel[];
  /** Lowest and highest input value. Default: read off the data. */
  readonly range?: readonly [number, number];
  readonly onProgress?: (done: number, of: number) => void;
}

/** The smallest mask and pattern found for one class. */
export interface TriggerCandidate {
  readonly target: number;
  /** Soft mask `[height, width]` in [0, 1]. */
  readonly mask: Tensor<"float32">;
  /** `[channels, height, width]` in input units. */
  readonly pattern: Tensor<"float32">;
  readonly maskL1Norm: number;
  /** Share of search images that the soft trigger turned. */
  readonly success: number;
  /** False if no mask reached the wanted success. */
  readonly isWorking: boolean;
  /** L1 norms of the same class in each reference. */
  readonly referenceL1Norms: readonly number[];
  /** Calibrated score; higher is more anomalous. */
  readonly score: number;
}

/** What a trigger search found in one model. */
export interface TriggerSearch {
  readonly kind: "trigger-search";
  readonly model: string;
  readonly references: readonly string[];
  readonly candidates: readonly TriggerCandidate[];
  readonly calibration: Calibration;
  readonly decision: Decision;
  /** Class of the most anomalous candidate. */
  readonly target: number;
  readonly pValue: number;
  /** The most anomalous candidate's trigger, as it can be stamped on an image. */
  readonly recovered: RecoveredTrigger;
  /** Its success on images that were not searched on. */
  readonly attackSuccessRate: Estimate;
  /** The same trigger's success on each reference. */
  readonly referenceSuccessRates: readonly Estimate[];
  /** Images that went through models, references included. */
  readonly cost: { readonly forward: number; readonly backward: number; readonly references: number };
  readonly settings: Omit<SearchOptions, "onProgress" | "signal" | "start">;
  readonly warnings: readonly string[];
}

/**
 * Searches the model for a trigger.
 *
 * @param clean At least 40 clean images, float32; half of them (at most 512) are searched on, the rest measures
 *   success. Labels are optional.
 * @param options Defaults: `fastSearch`, a deviation from the paper that its comment states.
 * @throws AssayError for data that do not fit the model, ABORTED.
 * @see B. Wang et al. (2019), Neural Cleanse: identifying and mitigating backdoor attacks in neural networks.
 * @example
 * const found = await extraction.neuralCleanse(model, clean, { seed: 1, references });
 * found.decision   // "backdoored"
 */
export async function neuralCleanse(
  model: LoadedModel,
  clean: CleanData,
  options: NeuralCleanseOptions,
): Promise<TriggerSearch> {
  const { seed, references = [], range, signal, onProgress, start, ...given } = options;
  const images = await prepareImages(model, clean, { seed, range });
  const settings = { ...fastSearch, ...given, seed };
  const inversions: Inversion[] = [];
  for (const [i, one] of [model, ...references].entries()) {
    const search: SearchOptions = {
      ...settings,
      ...(start ? { start } : {}),
      ...(signal ? { signal } : {}),
      onProgress: (done, of) => onProgress?.(i * of + done, (references.length + 1) * of),
    };
    inversions.push(await invert(one, images, allTargets(images.classes), search));
  }
  return judge(model, references, images, inversions, settings);
}

async function judge(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  [own, ...others]: readonly Inversion[],
  settings: TriggerSearch["settings"],
): Promise<TriggerSearch> {
  const { masks, passes } = own!;
  const { layout, range, search, heldOut } = images;
  const calibration = calibrate(
    smallness(masks),
    others.map((other) => smallness(other.masks)),
    settings,
  );
  const recovered = await recoverTrigger(
    imageModel(model, layout),
    search,
    masks[calibration.target]!,
    layout,
    range,
  );
  const success = await attackSuccessRate(imageModel(model, layout), heldOut, recovered);
  const referenceSuccessRates: Estimate[] = [];
  for (const reference of references) {
    referenceSuccessRates.push(await attackSuccessRate(imageModel(reference, layout), heldOut, recovered));
  }
  return {
    kind: "trigger-search",
    model: model.name,
    references: references.map(({ name }) => name),
    candidates: masks.map((mask, k) => candidate(mask, k, images, others, calibration)),
    calibration,
    decision: decide(calibration.pValue, success, images.knowsTask),
    target: calibration.target,
    pValue: calibration.pValue,
    recovered,
    attackSuccessRate: success,
    referenceSuccessRates,
    cost: { ...passes, references: others.reduce((sum, other) => sum + other.passes.forward, 0) },
    settings,
    warnings: [...images.warnings, ...powerWarnings(references.length)],
  };
}

function candidate(
  found: FoundMask,
  k: number,
  { layout, range }: PreparedImages,
  others: readonly Inversion[],
  calibration: Calibration,
): TriggerCandidate {
  return {
    target: found.arm.target,
    mask: tensor("float32", [layout.height, layout.width], found.mask),
    pattern: patternTensor(found.pattern, layout, range),
    maskL1Norm: found.maskL1Norm,
    success: found.success,
    isWorking: found.isWorking,
    referenceL1Norms: others.map((other) => other.masks[k]!.maskL1Norm),
    score: calibration.scores[k]!,
  };
}

function powerWarnings(references: number): string[] {
  const always =
    "Not detected is not clean: source-specific, evasive and undetectable backdoors pass this search.";
  if (references >= 3) return [always];
  const few =
    references === 0 ? "Without clean references" : `With ${references} of the 3 references advised`;
  return [`${few} the power is low: classes differ in trigger size in clean models too.`, always];
}
