/**
 * The colours of a hard patch, searched once more with its pixels fixed.
 *
 * A mask trades a pixel's share against its colour, and rectangles are tried in few colours: what either leaves is a
 * patch in the right place that some images resist. Shows how well a trigger of these very pixels works at best. The
 * colours are then no longer those that were planted, where plain ones were.
 */
import { AssayError } from "../../../errors.js";
import { generator } from "../../../random/index.js";
import { tensor } from "../../../tensor/index.js";
import type { PatchTrigger } from "../../../trigger/index.js";
import { Adam } from "../../adam.js";
import type { Arm, MaskObjective } from "../masks/mask-search.js";

/** What polishing takes. */
export interface PolishOptions {
  /** What each patch shall lead where; as many as patches. */
  readonly arms: readonly Arm[];
  readonly range: readonly [low: number, high: number];
  /** Distance of the values that an input can have; 0 where any value can be. */
  readonly step: number;
  readonly seed: number;
  /** Default 32. */
  readonly steps?: number;
  /** Images per step. Default 32. */
  readonly batch?: number;
  readonly signal?: AbortSignal | undefined;
}

const LEARNING_RATE = 0.15;
/** Raw value of a mask that is 0 or 1 but for 1e-7. */
const HARD = 8;
/** Colours begin so far from the ends of the range, where a gradient still moves them. */
const INSIDE = 0.9;

/** Each patch in the colours that lead most images to the target; their masks count as 0 or 1. */
export async function polish(
  objective: MaskObjective,
  patches: readonly PatchTrigger[],
  { arms, range: [low, high], step, seed, steps = 32, batch = 32, signal }: PolishOptions,
): Promise<PatchTrigger[]> {
  const { maskSize, patternSize } = objective;
  const masks = new Float32Array(patches.length * maskSize);
  const raw = new Float32Array(patches.length * patternSize);
  patches.forEach(({ mask, pattern }, p) => {
    mask.data.forEach((value, i) => {
      masks[p * maskSize + i] = value > 0.5 ? HARD : -HARD;
    });
    pattern.data.forEach((value, i) => {
      const share = Math.min(Math.max((value - low) / (high - low), 0), 1);
      raw[p * patternSize + i] = Math.atanh(INSIDE * (2 * share - 1));
    });
  });
  const adam = new Adam(raw.length, LEARNING_RATE);
  const random = generator(seed).split("polish");
  for (let update = 0; update < steps; update++) {
    if (signal?.aborted) throw new AssayError("ABORTED", "The search for a patch's colours was stopped.");
    const draw = objective.draw(arms, batch, random);
    adam.update(raw, (await objective.evaluate(arms, masks, raw, draw)).pattern);
  }
  const level = (value: number): number =>
    step === 0 ? value : Math.min(low + step * Math.round((value - low) / step), high);
  return patches.map((patch, p) => {
    const data = patch.pattern.data.map((before, i) =>
      masks[p * maskSize + (i % maskSize)]! < 0
        ? before
        : level(low + ((high - low) * (Math.tanh(raw[p * patternSize + i]!) + 1)) / 2),
    ) as Float32Array;
    return { ...patch, pattern: tensor("float32", patch.pattern.dims, data) };
  });
}

/** The patch grown by a row or column of its own pixels on each side, in the colours next to them. */
export function grown({ mask, pattern, ...rest }: PatchTrigger): PatchTrigger[] {
  const [height, width] = mask.dims as [number, number];
  const plane = height * width;
  return sides.map(([down, right]) => {
    const larger = mask.data.slice() as Float32Array;
    const colours = pattern.data.slice() as Float32Array;
    for (let i = 0; i < plane; i++) {
      const [row, column] = [Math.floor(i / width) - down, (i % width) - right];
      const isInside = row >= 0 && row < height && column >= 0 && column < width;
      const from = row * width + column;
      if (!isInside || mask.data[i]! > 0.5 || mask.data[from]! <= 0.5) continue;
      larger[i] = 1;
      for (let c = 0; c < pattern.data.length; c += plane) colours[c + i] = pattern.data[c + from]!;
    }
    return {
      ...rest,
      mask: tensor("float32", mask.dims, larger),
      pattern: tensor("float32", pattern.dims, colours),
    };
  });
}

const sides = [
  [-1, 0],
  [1, 0],
  [0, -1],
  [0, 1],
] as const;
