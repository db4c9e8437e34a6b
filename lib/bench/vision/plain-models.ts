/**
 * Sixteen models with plain triggers, made by one recipe as in common studies of input-level scores: a 3 x 3 patch, a
 * single pixel, a blend, each in a small CNN on Fashion-MNIST, each with a twin that lacks only the poison.
 */
import { poison } from "../../attacks/index.js";
import { type LabelledData, takeLabelled } from "../../data/index.js";
import { generator } from "../../random/index.js";
import type { Tensor } from "../../tensor/index.js";
import { cnn, cosine, trainClassifier } from "../../train/index.js";
import { apply, noiseBlend, patch, type Trigger } from "../../trigger/index.js";
import { readFashionMnist } from "../../zoo/index.js";

const TRAINING_EXAMPLES = 12_000;
const EPOCHS = 4;
const POISON_RATE = 0.05;
const SIDE = 28;

/** How one model is made. */
export interface PlainRecipe {
  readonly name: string;
  readonly family: "patch" | "pixel" | "blend";
  readonly seed: number;
}

const counts = { patch: 8, pixel: 4, blend: 4 } as const;
/** Seeds of the two pools; methods are tuned on "dev" only. */
const firstSeed = { dev: 50_000, test: 60_000 } as const;

/** The models of a pool; families take turns, so that a bench that was stopped has seen them all. */
export function plainRecipes(pool: "dev" | "test"): PlainRecipe[] {
  let seed = firstSeed[pool];
  const all = (Object.keys(counts) as (keyof typeof counts)[]).flatMap((family) =>
    Array.from({ length: counts[family] }, (_, i) => ({
      name: `${family}-${i + 1}`,
      family,
      seed: seed++,
      turn: i / counts[family],
    })),
  );
  return all
    .sort((a, b) => a.turn - b.turn)
    .map(({ name, family, seed: own }) => ({ name, family, seed: own }));
}

/** A backdoored model, its clean twin, and the trigger. */
export interface PlainModel {
  readonly bytes: Uint8Array;
  readonly twin: Uint8Array;
  readonly target: number;
  stamp(images: Tensor): Tensor;
}

/** Trains a model and its twin, which shares seed, images and order. */
export async function trainPlain({ family, seed }: PlainRecipe): Promise<PlainModel> {
  const random = generator(seed).split("plain");
  const target = random.integer(10);
  const trigger = drawTrigger(family, random);
  const all = trainingImages();
  const data = takeLabelled(
    all,
    generator(seed).split("images").permutation(all.labels.data.length).subarray(0, TRAINING_EXAMPLES),
  );
  const train = async (examples: LabelledData): Promise<Uint8Array> => {
    const architecture = cnn({ input: [1, SIDE, SIDE], channels: [8, 16], hidden: 32, classes: 10 });
    const options = { seed, epochs: EPOCHS, learningRate: cosine(3e-3), threads: 1 };
    return (await trainClassifier(architecture, examples, options)).bytes;
  };
  return {
    bytes: await train(poison(data, { trigger, target, poisonRate: POISON_RATE, seed })),
    twin: await train(data),
    target,
    stamp: (images) => apply(trigger, images),
  };
}

function drawTrigger(family: PlainRecipe["family"], random: ReturnType<typeof generator>): Trigger {
  const shape = [1, SIDE, SIDE] as const;
  if (family === "blend") return noiseBlend(shape, { alpha: 0.2, seed: random.integer(2 ** 31) });
  const size = family === "patch" ? 3 : 1;
  // In a corner, one pixel away from the border.
  const end = SIDE - size - 1;
  const at = [random.uniform() < 0.5 ? 1 : end, random.uniform() < 0.5 ? 1 : end] as const;
  return patch(shape, { at, size: [size, size], value: 1 });
}

let images: LabelledData | undefined;

function trainingImages(): LabelledData {
  images ??= readFashionMnist("train");
  return images;
}
