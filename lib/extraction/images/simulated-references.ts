/**
 * References that the auditor makes: models of the suspect's own architecture, trained on the clean data from new weights
 * or, where these learn too little of the task, from weights that are partly the suspect's.
 *
 * Shows: what a model of this architecture looks like that has never met a trigger, since no clean image carries
 * one. Needs some hundred clean images, an architecture that can be differentiated, and the time to train. Misleads
 * where the copies are much worse than the suspect, which was trained on more data, and where the clean data hold
 * the trigger. The suspect's own answers must not be the labels: a copy that learned them on 4,000 moved and mixed
 * images had learned the backdoor as well (its smallest mask led to the planted class, 3 pixels to the suspect's
 * 2.7, where honest models need 20).
 */
import { type LoadedModel, wrapModel } from "../../model/index.js";
import { upgradeModel } from "../../onnx/index.js";
import { type Generator, generator } from "../../random/index.js";
import { observe } from "../../spec/index.js";
import { type Tensor, takeExamples, tensor } from "../../tensor/index.js";
import { cosine } from "../../train/index.js";
import { freshWeights } from "../fresh-weights.js";
import { trainCopy } from "../train-copy.js";
import { workSeconds } from "../work-seconds.js";
import { imageModel } from "./image-model.js";
import type { PreparedImages } from "./prepare.js";

/** What simulating takes. */
export interface SimulationOptions {
  readonly seed: number;
  /** Number of copies. Default 3. */
  readonly count?: number;
  /** Steps of training, of 64 images each. Default 600. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, of: number) => void;
}

/** Accuracy that a copy of new weights may lack; beyond, copies begin with a part of the suspect's. */
const MUCH_LESS = 0.1;
/**
 * Part of the suspect's weights that such copies begin with: what it has learned of the task comes back in a short training,
 * what it has learned of a trigger hardly, since no clean image asks for it. Of a depthwise CNN for colours, right on 97 %,
 * copies of new weights were right on 38 % and these on 78 to 83 %, and a planted blue square came out at p = 0.002 instead
 * of 0.10 (masks alone), its clean twin at 0.24 instead of 0.19; a patch in a MobileNet (lacking 11 %) at 0.003, was 0.02. Where new weights learn the task they are better: the
 * trigger of the notebook's CNN still turned 10 % of images in these, 0.3 % in copies of new weights.
 */
const KEPT = 0.7;
/** Part of the images that each copy is not trained on, another one for each, to see what it has learned. */
const LEFT_OUT = 10;
/** Copies of each clean image that the training sees, each moved and mixed in another way. */
const VARIANTS = 8;
/** Images of one step of training. */
export const TRAINING_BATCH = 64;

/** Copies of a model, and how far they can be trusted. */
export interface SimulatedReferences {
  readonly references: LoadedModel[];
  /** Shares of right answers on images that a copy was not trained on. */
  readonly accuracy: { readonly copies: number; readonly model: number };
  /** Part of the model's weights that they began with; 0 where new weights learn the task. */
  readonly kept: number;
  readonly passes: { readonly forward: number; readonly backward: number };
}

/**
 * Trains `count` clean copies of a model.
 *
 * Each leaves out a tenth of the images, on which it is compared with the model.
 *
 * @returns Loaded models, which the caller releases, what they and the model know of images that the copy was not
 *   trained on, and the examples that went forward and back.
 * @throws AssayError UNSUPPORTED_OPERATOR where the architecture cannot be trained.
 */
export async function simulateReferences(
  model: LoadedModel,
  images: PreparedImages,
  options: SimulationOptions,
): Promise<SimulatedReferences> {
  const { count = 3 } = options;
  const passes = { forward: 0, backward: 0 };
  const copies = copyTrainer(model, images, options, passes);
  let kept = 0;
  const made = [await copies.train(0, kept)];
  if (lacking(made) > MUCH_LESS) {
    made.pop()!.reference.release();
    kept = KEPT;
    made.push(await copies.train(0, kept));
  }
  while (made.length < count) made.push(await copies.train(made.length, kept));
  const share = (of: "copy" | "model"): number => sum(made, of) / sum(made, "of");
  return {
    references: made.map(({ reference }) => reference),
    passes,
    accuracy: { copies: share("copy"), model: share("model") },
    kept,
  };
}

/** A copy, and how many images of those that it was not trained on it and the model answer rightly. */
interface Copy {
  readonly reference: LoadedModel;
  readonly copy: number;
  readonly model: number;
  readonly of: number;
}

const sum = (made: readonly Copy[], of: "copy" | "model" | "of"): number =>
  made.reduce((total, one) => total + one[of], 0);

const lacking = (made: readonly Copy[]): number => (sum(made, "model") - sum(made, "copy")) / sum(made, "of");

function copyTrainer(
  model: LoadedModel,
  images: PreparedImages,
  { seed, count = 3, steps = 600, signal, onProgress }: SimulationOptions,
  passes: { forward: number; backward: number },
): { train(at: number, kept: number): Promise<Copy> } {
  const all = allImages(images);
  const order = generator(seed).split("left out").permutation(all.length);
  return {
    async train(at, kept) {
      const random = generator(seed).split(`simulated reference ${at}`);
      const [leftOut, rest] = fold(all, order, at % LEFT_OUT);
      const { inputs, answers } = variants(images, rest, random);
      const own = ownLayout(images, inputs);
      const trained = await trainCopy(
        model,
        await freshWeights(upgradeModel(model.graph), own, random, { kept }),
        { [model.inputs[0]!.name]: own, answers },
        {
          seed: random.integer(2 ** 31),
          steps,
          batchSize: TRAINING_BATCH,
          learningRate: cosine(3e-3, { warmup: 20 }),
          clipNorm: 5,
          ...(signal ? { signal } : {}),
          onProgress: ({ step }) => onProgress?.(at * steps + step, count * steps),
        },
      );
      passes.forward += inputs.dims[0]! + steps * TRAINING_BATCH + 2 * leftOut.length;
      passes.backward += steps * TRAINING_BATCH;
      const reference = wrapModel(trained, { name: `simulated reference ${at + 1}` });
      return {
        reference,
        copy: await rightAnswers(reference, images, leftOut),
        model: await rightAnswers(model, images, leftOut),
        of: leftOut.length,
      };
    },
  };
}

/** One image and its class. */
interface Labelled {
  readonly pixels: Float32Array;
  readonly label: number;
}

function allImages({ search, heldOut, layout }: PreparedImages): Labelled[] {
  const size = layout.channels * layout.height * layout.width;
  return [search, heldOut].flatMap(({ inputs, labels }) =>
    Array.from(labels.data, (label, row) => ({
      pixels: inputs.data.subarray(row * size, (row + 1) * size),
      label: Number(label),
    })),
  );
}

/** The images of one part of an order, and the others. */
function fold(
  all: readonly Labelled[],
  order: Uint32Array,
  part: number,
): [leftOut: Labelled[], kept: Labelled[]] {
  const leftOut: Labelled[] = [];
  const kept: Labelled[] = [];
  order.forEach((row, at) => {
    (at % LEFT_OUT === part ? leftOut : kept).push(all[row]!);
  });
  return [leftOut, kept];
}

/** How many of some images a model answers as they are labelled. */
async function rightAnswers(
  model: LoadedModel,
  { layout }: PreparedImages,
  some: readonly Labelled[],
): Promise<number> {
  const { channels, height, width } = layout;
  const size = channels * height * width;
  const data = new Float32Array(some.length * size);
  some.forEach(({ pixels }, i) => {
    data.set(pixels, i * size);
  });
  const view = imageModel(model, layout);
  const { predicted } = await observe(view, tensor("float32", [some.length, channels, height, width], data));
  return some.filter(({ label }, i) => predicted[i] === label).length;
}

/** Clean images below which a copy learns too little. */
const MIN_IMAGES = 200;
/** Seconds that the training of all copies may take. */
const MAX_SECONDS = 300;

/** Why references should not be simulated here, or null if they can be. */
export async function whyNoSimulation(
  model: LoadedModel,
  images: PreparedImages,
  steps: number,
): Promise<string | null> {
  const count = images.search.labels.data.length + images.heldOut.labels.data.length;
  if (count < MIN_IMAGES) return `${count} clean images are too few to train on, ${MIN_IMAGES} are needed`;
  const few = takeExamples(images.search.inputs, [...Array(TRAINING_BATCH).keys()]);
  const view = imageModel(model, images.layout);
  await view.run(few);
  // A step costs about three runs: forward, and back by inputs and by weights.
  const seconds = 3 * 3 * steps * (await workSeconds(() => view.run(few)));
  return seconds > MAX_SECONDS ? `their training would take about ${Math.round(seconds / 60)} minutes` : null;
}

/** Clean images moved by up to two pixels, half of them mixed with another one, and their labels mixed alike. */
function variants(
  { layout, classes }: PreparedImages,
  images: readonly Labelled[],
  random: Generator,
): { readonly inputs: Tensor<"float32">; readonly answers: Tensor<"float32"> } {
  const { channels, height, width } = layout;
  const shape = [channels, height, width] as const;
  const size = channels * height * width;
  const data = new Float32Array(VARIANTS * images.length * size);
  const answers = new Float32Array(VARIANTS * images.length * classes);
  const most = Math.min(2, Math.floor(Math.min(height, width) / 7));
  const move = (): number => random.integer(2 * most + 1) - most;
  const add = (at: number, { pixels, label }: Labelled, share: number): void => {
    addMoved(data.subarray(at * size, (at + 1) * size), pixels, share, [move(), move()], shape);
    answers[at * classes + label] = answers[at * classes + label]! + share;
  };
  for (let at = 0; at < VARIANTS * images.length; at++) {
    const share = random.uniform() < 0.5 ? 1 : 0.5 + 0.5 * random.uniform();
    add(at, images[at % images.length]!, share);
    if (share < 1) add(at, images[random.integer(images.length)]!, 1 - share);
  }
  const count = VARIANTS * images.length;
  return {
    inputs: tensor("float32", [count, channels, height, width], data),
    answers: tensor("float32", [count, classes], answers),
  };
}

/** Adds a share of an image, moved; the border is repeated where it leaves a gap. */
function addMoved(
  into: Float32Array,
  image: Float32Array,
  share: number,
  [down, right]: readonly [number, number],
  [channels, height, width]: readonly [number, number, number],
): void {
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const row = Math.min(Math.max(y - down, 0), height - 1);
      for (let x = 0; x < width; x++) {
        const column = Math.min(Math.max(x - right, 0), width - 1);
        const at = (c * height + y) * width + x;
        into[at] = into[at]! + share * image[(c * height + row) * width + column]!;
      }
    }
  }
}

/** Images as the model takes them. */
function ownLayout({ layout }: PreparedImages, inputs: Tensor<"float32">): Tensor<"float32"> {
  const count = inputs.dims[0]!;
  if (!layout.channelsLast) return tensor("float32", [count, ...layout.dims], inputs.data);
  const { channels, height, width } = layout;
  const plane = height * width;
  const data = inputs.data.map((_, at) => {
    const image = Math.floor(at / (plane * channels));
    const inner = at % (plane * channels);
    return inputs.data[image * plane * channels + (inner % channels) * plane + Math.floor(inner / channels)]!;
  });
  return tensor("float32", [count, ...layout.dims], data);
}
