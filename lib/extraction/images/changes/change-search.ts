/**
 * Triggers that are no patch: searches a smooth displacement and a curve of tones that lead a model to one class and
 * leave clean models as they are.
 *
 * Shows: that a warp, a turn or other tones of the whole image lead to a class, which a mask can only imitate by
 * repainting most of the image. On six development models with planted rotations and tone curves the change found for
 * the planted class led 95 to 100 % of unseen images there and at most 1 % in clean references; the displacements found
 * agreed with the planted rotations at a cosine of 0.5 to 0.8. Needs gradients and clean references; without these every
 * model is led somewhere by a change that is large enough. Misleads about the kind of trigger: models with patches are
 * led to their class by some change as well (0.4 to 1.0 on 26 models), and clean ones to other classes now and then.
 */
import { AssayError } from "../../../errors.js";
import type { LoadedModel } from "../../../model/index.js";
import { generator } from "../../../random/index.js";
import { observe } from "../../../spec/index.js";
import { type Estimate, wilson } from "../../../stats/index.js";
import { type Tensor, tensor } from "../../../tensor/index.js";
import { victims } from "../../../trigger/index.js";
import type { CleanData } from "../../clean-data.js";
import { imageModel } from "../image-model.js";
import { type PreparedImages, prepareImages } from "../prepare.js";
import { targetGradient } from "./change-graph.js";
import { changed, fieldTensor, GRID, KNOTS, PARAMETERS } from "./image-change.js";

/** Options of `searchChange`. */
export interface ChangeSearchOptions {
  readonly seed: number;
  /** Class that the change should lead to. */
  readonly target: number;
  /** Clean models of the same task. Default: none. */
  readonly references?: readonly LoadedModel[];
  /** Random beginnings. Default 3. */
  readonly starts?: number;
  /** Steps of Adam from each. Default 50. */
  readonly steps?: number;
  readonly range?: readonly [number, number];
  readonly signal?: AbortSignal | undefined;
}

/** A change of whole images and what it does. */
export interface ImageChange {
  readonly kind: "image-change";
  readonly model: string;
  readonly target: number;
  /** `[2, height, width]`: displacement of rows, then of columns, in pixels; a warp trigger's field. */
  readonly field: Tensor<"float32">;
  /** What the lowest input value, the highest and three between them become, as shares of the range. */
  readonly tones: readonly number[];
  /** Mean length of the displacement, in pixels, and mean absolute change of the tones, as a share of the range. */
  readonly displacement: number;
  readonly toning: number;
  /** On images that were not searched on, the target's own left out. */
  readonly successRate: Estimate;
  readonly referenceSuccessRates: readonly Estimate[];
  readonly passes: { readonly forward: number; readonly backward: number };
  readonly seed: number;
}

const IMAGES = 24;
/** Log probability below which a reference counts as not led at all. */
const FLOOR = -2.5;
/** What a pixel of mean displacement costs, and a change of all tones by the whole range, in nats. */
const COST = { displacement: 0.1, toning: 1 } as const;
const LEARNING_RATE = { displacement: 0.2, toning: 0.03 } as const;
const HELD_OUT = 250;

/**
 * Searches one change for one class.
 *
 * @throws AssayError for data that do not fit the model, INVALID_ARGUMENT, UNSUPPORTED_OPERATOR, ABORTED.
 * @example
 * const change = await extraction.searchChange(model, clean, { target: 3, references, seed: 1 });
 * change.successRate.value   // 0.87, of which a warp of 1.4 pixels
 */
export async function searchChange(
  model: LoadedModel,
  clean: CleanData,
  options: ChangeSearchOptions,
): Promise<ImageChange> {
  const images = await prepareImages(model, clean, options);
  if (!Number.isInteger(options.target) || options.target < 0 || options.target >= images.classes) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `searchChange: ${options.target} is none of the ${images.classes} classes.`,
      { target: options.target },
    );
  }
  return changeOf(model, images, options);
}

/** The same on images that are prepared already. */
export async function changeOf(
  model: LoadedModel,
  images: PreparedImages,
  options: ChangeSearchOptions,
): Promise<ImageChange> {
  const { seed, target, references = [] } = options;
  const passes = { forward: 0, backward: 0 };
  const { parameters } = await cheapestChange(model, images, options, passes);
  return resultOf(model, images, references, target, parameters, { seed, passes });
}

/**
 * The parameters of the change that leads a model to a class and its references nowhere, at the lowest cost.
 *
 * @param passes Counts what is run.
 * @returns The cost too, in nats: the mean of minus the log probability of the target, plus what the change itself costs
 *   (0.1 per pixel of mean displacement, 1 per change of all tones by the whole range) and, with references, their mean
 *   log probability of it. The lower, the more easily the class is reached.
 */
export async function cheapestChange(
  model: LoadedModel,
  { layout, range, classes, search }: PreparedImages,
  { seed, target, references = [], starts = 3, steps = 50, signal }: ChangeSearchOptions,
  passes: { forward: number; backward: number },
): Promise<{ readonly parameters: Float64Array; readonly cost: number }> {
  const own = victims(search, { target }).inputs as Tensor<"float32">;
  const size = layout.channels * layout.height * layout.width;
  const available = own.data.length / size;
  if (available === 0)
    throw new AssayError("INVALID_ARGUMENT", "searchChange: every clean image is of the target class.", {
      target,
    });
  const ask = [model, ...references].map((one) => targetGradient(one, layout, classes));
  const random = generator(seed).split("image change");
  let best: { readonly parameters: Float64Array; readonly cost: number } | undefined;
  for (let start = 0; start < starts; start++) {
    const stream = random.split(`start ${start}`);
    const parameters = Float64Array.from({ length: PARAMETERS }, (_, i) =>
      start === 0 ? 0 : (i < 2 * GRID * GRID ? 1 : 0.1) * stream.normal(),
    );
    const momentum = new Float64Array(PARAMETERS);
    const scale = new Float64Array(PARAMETERS);
    let smooth = 0;
    for (let step = 0; step < steps; step++) {
      if (signal?.aborted)
        throw new AssayError("ABORTED", "The search for a change of images was stopped.", {});
      const order = stream.permutation(available);
      const count = Math.min(IMAGES, available);
      const batch = new Float32Array(count * size);
      for (let i = 0; i < count; i++)
        batch.set(own.data.subarray(order[i]! * size, (order[i]! + 1) * size), i * size);
      const now = changed(batch, parameters, layout, range);
      const gradient = new Float64Array(PARAMETERS);
      let loss = addCost(parameters, gradient);
      for (const [m, one] of ask.entries()) {
        const { logProbability, gradient: byPixel } = await one(now.images, target);
        const weight = m === 0 ? -1 / count : 1 / (count * references.length);
        now.backward(byPixel, gradient, (i) => (m === 0 || logProbability[i]! > FLOOR ? weight : 0));
        for (const value of logProbability) loss += weight * (m === 0 ? value : Math.max(value, FLOOR));
        passes.forward += count;
        passes.backward += count;
      }
      // Losses of single batches stray: the last ones count most.
      smooth = step === 0 ? loss : 0.8 * smooth + 0.2 * loss;
      for (let i = 0; i < PARAMETERS; i++) {
        momentum[i] = 0.9 * momentum[i]! + 0.1 * gradient[i]!;
        scale[i] = 0.99 * scale[i]! + 0.01 * gradient[i]! ** 2;
        const rate = i < 2 * GRID * GRID ? LEARNING_RATE.displacement : LEARNING_RATE.toning;
        const [first, second] = [1 - 0.9 ** (step + 1), 1 - 0.99 ** (step + 1)];
        parameters[i] =
          parameters[i]! - (rate * (momentum[i]! / first)) / (Math.sqrt(scale[i]! / second) + 1e-8);
      }
    }
    if (best === undefined || smooth < best.cost) best = { parameters, cost: smooth };
  }
  return best!;
}

/** Adds the gradient of what the change costs, and gives the cost. */
function addCost(parameters: Float64Array, gradient: Float64Array): number {
  let cost = 0;
  parameters.forEach((value, i) => {
    const share = i < 2 * GRID * GRID ? COST.displacement / (2 * GRID * GRID) : COST.toning / KNOTS;
    cost += share * Math.abs(value);
    gradient[i] = gradient[i]! + share * Math.sign(value);
  });
  return cost;
}

async function resultOf(
  model: LoadedModel,
  { layout, range, heldOut }: PreparedImages,
  references: readonly LoadedModel[],
  target: number,
  parameters: Float64Array,
  { seed, passes }: { readonly seed: number; readonly passes: { forward: number; backward: number } },
): Promise<ImageChange> {
  const own = victims(heldOut, { target }).inputs as Tensor<"float32">;
  const size = own.data.length / Math.max(own.dims[0]!, 1);
  const count = Math.min(own.dims[0]!, HELD_OUT);
  const { images } = changed(own.data.subarray(0, count * size), parameters, layout, range);
  const batch = tensor("float32", [count, ...own.dims.slice(1)], images);
  const rates: Estimate[] = [];
  for (const one of [model, ...references]) {
    const { predicted } = await observe(imageModel(one, layout), batch);
    rates.push(wilson(predicted.filter((answer) => answer === target).length, count));
    passes.forward += count;
  }
  const field = fieldTensor(parameters, layout);
  const plane = layout.height * layout.width;
  let length = 0;
  for (let i = 0; i < plane; i++) length += Math.hypot(field.data[i]!, field.data[plane + i]!) / plane;
  const moved = parameters.subarray(2 * GRID * GRID);
  return {
    kind: "image-change",
    model: model.name,
    target,
    field,
    tones: Array.from(moved, (by, k) => Math.min(Math.max(k / (KNOTS - 1) + by, 0), 1)),
    displacement: length,
    toning: moved.reduce((sum, by) => sum + Math.abs(by), 0) / KNOTS,
    successRate: rates[0]!,
    referenceSuccessRates: rates.slice(1),
    passes,
    seed,
  };
}
