/** One arm of a scan, with the trigger behind its mask and how that does on images that no search has seen. */
import type { LoadedModel } from "../../model/index.js";
import type { Estimate } from "../../stats/index.js";
import { attackSuccessRate } from "../../trigger/index.js";
import { imageModel } from "./image-model.js";
import type { Arm, FoundMask } from "./masks/mask-search.js";
import type { PreparedImages } from "./prepare.js";
import { type RecoveredTrigger, recoverTrigger } from "./recovered-trigger.js";
import type { ScanResult } from "./scan.js";

/** An arm that may be accused. */
export interface Finding {
  readonly result: ScanResult;
  readonly arm: Arm;
  readonly mask: FoundMask;
  readonly recovered: RecoveredTrigger;
  readonly attackSuccessRate: Estimate;
}

/** The most unusual arm of a scan. */
export function findingOf(model: LoadedModel, images: PreparedImages, result: ScanResult): Promise<Finding> {
  const { target } = result.scan.calibration;
  return findingFor(model, images, result, result.scan.arms[target]!, result.masks[target]!);
}

/** A mask as the trigger of an arm, which need not be the one that it was searched for. */
export async function findingFor(
  model: LoadedModel,
  images: PreparedImages,
  result: ScanResult,
  arm: Arm,
  mask: FoundMask,
): Promise<Finding> {
  const { layout, range, search, heldOut } = images;
  const view = imageModel(model, layout);
  const recovered = await recoverTrigger(view, search, { ...mask, arm }, layout, range);
  return {
    result,
    arm,
    mask,
    recovered,
    attackSuccessRate: await attackSuccessRate(view, heldOut, recovered),
  };
}
