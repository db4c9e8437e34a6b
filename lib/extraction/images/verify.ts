/**
 * Is the recovered trigger a trigger? Controls that a natural feature of a class, or luck, would not pass.
 *
 * Shows: success on held-out inputs, in each source class, on clean references, with every part dropped in turn,
 * moved by a pixel, and against random triggers of the same size. Misleads where references were trained on the
 * same poisoned data: there the trigger works on all of them.
 */
import type { LabelledData } from "../../data/index.js";
import { type Generator, generator } from "../../random/index.js";
import type { Estimate } from "../../stats/index.js";
import { tensor } from "../../tensor/index.js";
import { attackSuccessRate, type PatchTrigger } from "../../trigger/index.js";
import {
  beside,
  bySourceClass,
  type Control,
  type Controlled,
  firstExamples,
  onReferences,
} from "../controls.js";
import type { ImageModel } from "./image-model.js";
import type { RecoveredTrigger } from "./recovered-trigger.js";

/** How a trigger fared under all controls. */
export interface TriggerVerification extends Controlled {
  readonly kind: "trigger-verification";
  /** For each block of the trigger: success without it. The lower, the more necessary the block. */
  readonly withoutBlock: readonly {
    readonly row: number;
    readonly column: number;
    readonly successRate: Estimate;
  }[];
}

const RANDOM_TRIGGERS = 39;
const MAX_IMAGES = 250;
const MAX_BLOCKS = 16;

/**
 * Runs all controls.
 *
 * @param data Images that the trigger was not made from; the first 250 are used.
 * @param options.references Clean models of the same task.
 */
export async function verifyTrigger(
  model: ImageModel,
  data: LabelledData,
  recovered: RecoveredTrigger,
  options: { seed: number; references?: readonly ImageModel[]; signal?: AbortSignal },
): Promise<TriggerVerification> {
  const { seed, references = [], signal } = options;
  const images = firstExamples(data, MAX_IMAGES);
  let forwardPasses = 0;
  const rateOf = async (
    trigger: PatchTrigger,
    on: ImageModel = model,
    sources = recovered.sources,
  ): Promise<Estimate> => {
    const claim = { ...recovered, trigger, ...(sources ? { sources } : {}) };
    const rate = await attackSuccessRate(on, images, claim, { signal });
    forwardPasses += rate.n;
    return rate;
  };
  const { trigger, target } = recovered;
  const successRate = await rateOf(trigger);
  const controls: Control[] = [
    {
      name: "no trigger",
      successRate: await rateOf(blank(trigger)),
      expected: "low: the model's own confusions",
    },
    ...(await onReferences(references, (reference) => rateOf(trigger, reference))),
  ];
  for (const [name, rows, columns] of [
    ["moved up by a pixel", -1, 0],
    ["moved left by a pixel", 0, -1],
  ] as const) {
    controls.push({
      name,
      successRate: await rateOf(moved(trigger, rows, columns)),
      expected: "lower, if the place matters",
    });
  }
  const random = generator(seed).split("random triggers");
  const randomRates: Estimate[] = [];
  for (let i = 0; i < RANDOM_TRIGGERS; i++) randomRates.push(await rateOf(shuffled(trigger, random)));
  const chance = beside(randomRates, successRate);
  controls.push({
    name: `best of ${RANDOM_TRIGGERS} random triggers of equal size`,
    successRate: chance.best,
    expected: "low",
  });
  const bySource = await bySourceClass(
    images,
    (label) => label !== target && (recovered.sources?.includes(label) ?? true),
    (source) => rateOf(trigger, model, [source]),
  );
  const withoutBlock = [];
  for (const [row, column, without] of dropBlocks(trigger)) {
    withoutBlock.push({ row, column, successRate: await rateOf(without) });
  }
  return {
    kind: "trigger-verification",
    model: model.name,
    target,
    successRate,
    controls,
    bySource,
    withoutBlock,
    randomPValue: chance.pValue,
    forwardPasses,
    seed,
  };
}

const blank = (trigger: PatchTrigger): PatchTrigger => ({
  ...trigger,
  mask: { ...trigger.mask, data: new Float32Array(trigger.mask.data.length) },
});

/** The trigger at another place; what leaves the image is lost. */
function moved(trigger: PatchTrigger, rows: number, columns: number): PatchTrigger {
  const [height, width] = trigger.mask.dims as [number, number];
  const shift = (values: Float32Array): Float32Array =>
    values.map((_, i) => {
      const plane = Math.floor(i / (height * width));
      const row = (Math.floor(i / width) % height) - rows;
      const column = (i % width) - columns;
      const isInside = row >= 0 && row < height && column >= 0 && column < width;
      return isInside ? values[(plane * height + row) * width + column]! : 0;
    });
  return {
    ...trigger,
    mask: tensor("float32", trigger.mask.dims, shift(trigger.mask.data)),
    pattern: tensor("float32", trigger.pattern.dims, shift(trigger.pattern.data)),
  };
}

/** The same mask values and colours, dealt to random pixels. */
function shuffled(trigger: PatchTrigger, random: Generator): PatchTrigger {
  const plane = trigger.mask.data.length;
  const order = random.permutation(plane);
  return {
    ...trigger,
    mask: { ...trigger.mask, data: trigger.mask.data.map((_, i) => trigger.mask.data[order[i]!]!) },
    pattern: {
      ...trigger.pattern,
      data: trigger.pattern.data.map((_, i) => trigger.pattern.data[i - (i % plane) + order[i % plane]!]!),
    },
  };
}

/** The trigger without one block, for each of at most 16 blocks that hold any of it. */
function dropBlocks(trigger: PatchTrigger): [row: number, column: number, without: PatchTrigger][] {
  const [height, width] = trigger.mask.dims as [number, number];
  for (let side = 1; ; side++) {
    const blocks = new Map<string, [number, number]>();
    trigger.mask.data.forEach((value, i) => {
      if (value <= 0.5) return;
      const at: [number, number] = [
        Math.floor(Math.floor(i / width) / side) * side,
        Math.floor((i % width) / side) * side,
      ];
      blocks.set(at.join(), at);
    });
    if (blocks.size > MAX_BLOCKS && side < Math.max(height, width)) continue;
    return [...blocks.values()].map(([row, column]) => {
      const mask = trigger.mask.data.map((value, i) => {
        const y = Math.floor(i / width) - row;
        const x = (i % width) - column;
        return y >= 0 && y < side && x >= 0 && x < side ? 0 : value;
      });
      return [row, column, { ...trigger, mask: tensor("float32", trigger.mask.dims, mask) }];
    });
  }
}
