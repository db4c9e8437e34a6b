/** From a soft mask to a trigger that can be stamped: every pixel is replaced or left alone. */
import type { LabelledData } from "../data/labelled.js";
import type { LoadedModel } from "../model/index.js";
import { type Tensor, tensor } from "../tensor/index.js";
import { attackSuccessRate, type PatchTrigger, type TriggerClaim } from "../trigger/index.js";
import type { ImageLayout } from "./image-model.js";
import type { FoundMask } from "./mask-search.js";

/** A trigger that an extraction gives back. */
export interface RecoveredTrigger extends TriggerClaim {
  readonly trigger: PatchTrigger;
  /** "patch" if the hard mask works; "blend" if the trigger only works as a faint change of many pixels. */
  readonly shape: "patch" | "blend";
  /** Pixels whose mask is above one half. */
  readonly pixels: number;
}

/** Share of the soft trigger's success that the hard one must keep to count as a patch. */
const KEPT = 0.8;

/**
 * The trigger of a found mask: hard (mask above one half) where that works on `data`, else as it was found.
 */
export async function recoverTrigger(
  model: Pick<LoadedModel, "name" | "outputs" | "run">,
  data: LabelledData,
  found: FoundMask,
  layout: ImageLayout,
  range: readonly [number, number],
): Promise<RecoveredTrigger> {
  const { target, victim } = found.arm;
  const claim = { target, ...(victim === null ? {} : { sources: [victim] }) };
  const pattern = patternTensor(found.pattern, layout, range);
  const soft = tensor("float32", [layout.height, layout.width], found.mask);
  const hard = tensor(
    "float32",
    soft.dims,
    found.mask.map((value) => (value > 0.5 ? 1 : 0)),
  );
  const pixels = hard.data.reduce((sum, value) => sum + value, 0);
  const as = (mask: Tensor<"float32">): PatchTrigger => ({ kind: "trigger", type: "patch", mask, pattern });
  const rate = async (mask: Tensor<"float32">): Promise<number> =>
    (await attackSuccessRate(model, data, { ...claim, trigger: as(mask) })).value;
  const isPatch = pixels > 0 && (await rate(hard)) >= KEPT * (await rate(soft));
  return { ...claim, trigger: as(isPatch ? hard : soft), shape: isPatch ? "patch" : "blend", pixels };
}

/** A found pattern, 0 to 1, as `[channels, height, width]` in input units. */
export function patternTensor(
  pattern: Float32Array,
  { channels, height, width }: ImageLayout,
  [low, high]: readonly [number, number],
): Tensor<"float32"> {
  const data = pattern.map((value) => low + (high - low) * value);
  return tensor("float32", [channels, height, width], data);
}
