/**
 * References that the auditor makes: models of the suspect's own architecture, trained from new weights on the clean
 * data.
 *
 * Shows: what a model of this architecture looks like that has never met a trigger, since no clean image carries
 * one. Needs some hundred clean images, an architecture that can be differentiated, and the time to train. Misleads
 * where the copies are much worse than the suspect, which was trained on more data, and where the clean data hold
 * the trigger. The suspect's own answers must not be the labels: a copy that learned them on 4,000 moved and mixed
 * images had learned the backdoor as well (its smallest mask led to the planted class, 3 pixels to the suspect's
 * 2.7, where honest models need 20).
 */
import { type LoadedModel, wrapModel } from "../model/index.js";
import { upgradeModel } from "../onnx/index.js";
import { type Generator, generator } from "../random/index.js";
import { type Tensor, takeExamples, tensor } from "../tensor/index.js";
import { cosine } from "../train/index.js";
import { freshWeights } from "./fresh-weights.js";
import { imageModel } from "./image-model.js";
import type { PreparedImages } from "./prepare.js";
import { trainCopy } from "./train-copy.js";

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

/** Copies of each clean image that the training sees, each moved and mixed in another way. */
const VARIANTS = 8;
/** Images of one step of training. */
export const TRAINING_BATCH = 64;

/**
 * Trains `count` clean copies of a model.
 *
 * @returns Loaded models, which the caller releases, and the examples that went forward and back.
 * @throws AssayError UNSUPPORTED_OPERATOR where the architecture cannot be trained.
 */
export async function simulateReferences(
  model: LoadedModel,
  images: PreparedImages,
  options: SimulationOptions,
): Promise<{ readonly references: LoadedModel[]; readonly passes: { forward: number; backward: number } }> {
  const { seed, count = 3, steps = 600, signal, onProgress } = options;
  const references: LoadedModel[] = [];
  const passes = { forward: 0, backward: 0 };
  for (let i = 0; i < count; i++) {
    const random = generator(seed).split(`simulated reference ${i}`);
    const { inputs, answers } = variants(images, random);
    const fresh = await freshWeights(upgradeModel(model.graph), ownLayout(images, inputs), random);
    const copy = await trainCopy(
      model,
      fresh,
      { [model.inputs[0]!.name]: ownLayout(images, inputs), answers },
      {
        seed: random.integer(2 ** 31),
        steps,
        batchSize: TRAINING_BATCH,
        learningRate: cosine(3e-3, { warmup: 20 }),
        clipNorm: 5,
        ...(signal ? { signal } : {}),
        onProgress: ({ step }) => onProgress?.(i * steps + step, count * steps),
      },
    );
    passes.forward += inputs.dims[0]! + steps * TRAINING_BATCH;
    passes.backward += steps * TRAINING_BATCH;
    references.push(wrapModel(copy, { name: `simulated reference ${i + 1}` }));
  }
  return { references, passes };
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
  const started = performance.now();
  await view.run(few);
  // A step costs about three runs: forward, and back by inputs and by weights.
  const seconds = (3 * 3 * steps * (performance.now() - started)) / 1000;
  return seconds > MAX_SECONDS ? `their training would take about ${Math.round(seconds / 60)} minutes` : null;
}

/** Clean images moved by up to two pixels, half of them mixed with another one, and their labels mixed alike. */
function variants(
  { search, heldOut, layout, classes }: PreparedImages,
  random: Generator,
): { readonly inputs: Tensor<"float32">; readonly answers: Tensor<"float32"> } {
  const { channels, height, width } = layout;
  const shape = [channels, height, width] as const;
  const size = channels * height * width;
  const images = [search, heldOut].flatMap(({ inputs, labels }) =>
    Array.from(labels.data, (label, row) => ({
      pixels: inputs.data.subarray(row * size, (row + 1) * size),
      label: Number(label),
    })),
  );
  const data = new Float32Array(VARIANTS * images.length * size);
  const answers = new Float32Array(VARIANTS * images.length * classes);
  const most = Math.min(2, Math.floor(Math.min(height, width) / 7));
  const move = (): number => random.integer(2 * most + 1) - most;
  const add = (at: number, { pixels, label }: (typeof images)[number], share: number): void => {
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
