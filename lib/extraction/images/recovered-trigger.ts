/** From a soft mask to a trigger that can be stamped: every pixel is replaced or left alone. */
import { type LabelledData, takeLabelled } from "../../data/index.js";
import { type Tensor, tensor } from "../../tensor/index.js";
import { attackSuccessRate, type PatchTrigger, type TriggerClaim, victims } from "../../trigger/index.js";
import type { ImageLayout, ImageModel } from "./image-model.js";
import type { FoundMask } from "./masks/mask-search.js";

/** A trigger that an extraction gives back. */
export interface RecoveredTrigger extends TriggerClaim {
  readonly trigger: PatchTrigger;
  /** "patch" if a hard mask works; "blend" if the trigger only works as a faint change of many pixels. */
  readonly shape: "patch" | "blend";
  /** Pixels that the trigger replaces; for a blend, those whose mask is above one half. */
  readonly pixels: number;
}

/** Share of the soft trigger's success that the hard one must keep to count as a patch. */
const KEPT = 0.8;
/** Success at which a hard trigger is not enlarged any more. */
const ENOUGH = 0.98;
const MAX_IMAGES = 250;

/**
 * The trigger of a found mask.
 *
 * Pixels are replaced whole, from the strongest in the mask down, until the trigger works on `data`, in the
 * found colours or in the nearest extreme ones, which is what a square of one colour looks like to a search that
 * may trade a pixel's share against its colour. Where no hard trigger keeps most of the soft one's success, the
 * soft one is given.
 */
export async function recoverTrigger(
  model: ImageModel,
  data: LabelledData,
  found: FoundMask,
  layout: ImageLayout,
  range: readonly [number, number],
): Promise<RecoveredTrigger> {
  const { target, victim } = found.arm;
  const claim = { target, ...(victim === null ? {} : { sources: [victim] }) };
  const own = victims(data, claim);
  const count = Math.min(own.labels.data.length, MAX_IMAGES);
  const images = takeLabelled(
    own,
    Uint32Array.from({ length: count }, (_, row) => row),
  );
  const rateOf = async (trigger: PatchTrigger): Promise<number> =>
    (await attackSuccessRate(model, images, { ...claim, trigger })).value;
  const soft = stamp(found.mask, patternTensor(found.pattern, layout, range));
  let best: { trigger: PatchTrigger; rate: number; pixels: number } | undefined;
  for (const [mask, pixels] of hardMasks(found.mask)) {
    for (const pattern of [found.pattern, found.pattern.map(Math.round)]) {
      const trigger = stamp(mask, patternTensor(pattern, layout, range));
      const rate = await rateOf(trigger);
      if (best === undefined || rate > best.rate) best = { trigger, rate, pixels };
    }
    if (best!.rate >= ENOUGH) break;
  }
  if (best !== undefined && best.rate >= KEPT * (await rateOf(soft))) {
    return { ...claim, trigger: best.trigger, shape: "patch", pixels: best.pixels };
  }
  return {
    ...claim,
    trigger: soft,
    shape: "blend",
    pixels: found.mask.filter((value) => value > 0.5).length,
  };
}

/** Hard masks of falling threshold, without repeating one. */
function* hardMasks(mask: Float32Array): Generator<[mask: Float32Array, pixels: number]> {
  let before = 0;
  for (const threshold of [0.7, 0.5, 0.35, 0.25, 0.15, 0.1]) {
    const hard = mask.map((value) => (value > threshold ? 1 : 0));
    const pixels = hard.reduce((sum, value) => sum + value, 0);
    if (pixels > before) yield [hard, pixels];
    before = pixels;
  }
}

const stamp = (mask: Float32Array, pattern: Tensor<"float32">): PatchTrigger => ({
  kind: "trigger",
  type: "patch",
  mask: tensor("float32", pattern.dims.slice(1), mask),
  pattern,
});

/** A found pattern, 0 to 1, as `[channels, height, width]` in input units. */
export function patternTensor(
  pattern: Float32Array,
  { channels, height, width }: ImageLayout,
  [low, high]: readonly [number, number],
): Tensor<"float32"> {
  const data = pattern.map((value) => low + (high - low) * value);
  return tensor("float32", [channels, height, width], data);
}
