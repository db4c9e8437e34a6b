/**
 * What a small window of any colours does to a model, placed where the mask of each class is strongest.
 *
 * Shows: a patch of many colours, which squares of one colour do not imitate and whose mask, a scatter of strong pixels in
 * and around it, is hardly smaller than those of clean models: of a ResNet for colours with a random 4 x 4 corner planted
 * the mask had 15 pixels, in clean models 27 to 55, and the window turned all images, in clean models few. Needs clean
 * references: in models of colours a window of free colours turns many images by nature. With this evidence that model's
 * p-value fell from 0.45 to 0.003 (classes alone), that of a 5 x 5 logo from 0.03 to 0.001, those of 24 attacked development
 * models from up to 0.0009 to 0.0001 each; of 27 clean ones one came out below 0.05 with it and without.
 */
import type { LoadedModel } from "../../../model/index.js";
import { type Tensor, tensor } from "../../../tensor/index.js";
import { type PatchTrigger, victims } from "../../../trigger/index.js";
import { type ImageLayout, imageModel } from "../image-model.js";
import { objectiveOf } from "../masks/invert.js";
import type { FoundMask } from "../masks/mask-search.js";
import type { PreparedImages } from "../prepare.js";
import { patternTensor } from "../recovered-trigger.js";
import { answering, answersUnder } from "./patch-answers.js";
import { polish } from "./polish.js";

/** What windows take. */
export interface WindowOptions {
  readonly seed: number;
  /** Default 24. */
  readonly steps?: number | undefined;
  readonly passes: { forward: number; backward: number };
  readonly signal?: AbortSignal | undefined;
}

const SETTINGS = { batch: 16, step: 0 } as const;
/** Images that the answers are measured on. */
const IMAGES = 64;
/** The side of a window, as a part of the image's shorter one, and at least in pixels. */
const SIDE = { part: 5.6, least: 3 } as const;
/** Probabilities are compared on the logit scale, kept away from 0 and 1 by as much as a few images can tell. */
const SOFTENING = 0.03;

/** For each mask the logit of the target's mean probability under the window where it is strongest, in its best colours. */
export async function windowAnswers(
  model: LoadedModel,
  images: PreparedImages,
  masks: readonly FoundMask[],
  { seed, steps = 24, passes, signal }: WindowOptions,
): Promise<number[]> {
  const { layout, range, search } = images;
  const patches = masks.map(({ mask, pattern }) =>
    windowOf(mask, patternTensor(pattern, layout, range), layout),
  );
  const arms = masks.map(({ arm }) => arm);
  const objective = objectiveOf(model, images, passes);
  const polished = await polish(objective, patches, { ...SETTINGS, steps, arms, range, seed, signal });
  const view = answering(imageModel(model, layout), model);
  const answers: number[] = [];
  for (const [a, { target, victim }] of arms.entries()) {
    const own = victims(search, { target, ...(victim === null ? {} : { sources: [victim] }) }).inputs;
    const few = first(own as Tensor<"float32">, IMAGES);
    const [answer] = await answersUnder(view, [polished[a]!], few, target, signal);
    passes.forward += few.dims[0]!;
    const p = answer!.probability;
    answers.push(Math.log((p + SOFTENING) / (1 - p + SOFTENING)));
  }
  return answers;
}

const first = ({ data, dims }: Tensor<"float32">, most: number): Tensor<"float32"> => {
  const count = Math.min(most, dims[0]!);
  return tensor("float32", [count, ...dims.slice(1)], data.subarray(0, (count * data.length) / dims[0]!));
};

/** The square that holds most of a mask, in the colours found. */
export function windowOf(
  soft: Float32Array,
  pattern: Tensor<"float32">,
  { height, width }: ImageLayout,
): PatchTrigger {
  const side = Math.max(SIDE.least, Math.round(Math.min(height, width) / SIDE.part));
  let best = { held: Number.NEGATIVE_INFINITY, row: 0, column: 0 };
  for (let row = 0; row + side <= height; row++) {
    for (let column = 0; column + side <= width; column++) {
      let held = 0;
      for (let i = 0; i < side * side; i++)
        held += soft[(row + Math.floor(i / side)) * width + column + (i % side)]!;
      if (held > best.held) best = { held, row, column };
    }
  }
  const mask = new Float32Array(height * width);
  for (let row = best.row; row < best.row + side; row++)
    mask.fill(1, row * width + best.column, row * width + best.column + side);
  return { kind: "trigger", type: "patch", mask: tensor("float32", [height, width], mask), pattern };
}
