/**
 * The sample models of the tour: a backdoored CNN, its clean twin, three clean references, and two backdoored CNNs
 * that are harder to find.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { poison } from "../attacks/index.js";
import { type LabelledData, takeLabelled } from "../data/index.js";
import { loadModel } from "../model/index.js";
import { generator } from "../random/index.js";
import { cnn, cosine, trainClassifier } from "../train/index.js";
import { attackSuccessRate, patch, type TriggerClaim } from "../trigger/index.js";
import { accuracyOf } from "./accuracy.js";
import { readFashionMnist } from "./fashion-mnist.js";
import { fixedTrigger } from "./pools/attack.js";
import { plantEvasively } from "./pools/evasive.js";
import { rounded, sha256Of, updateZoo, type ZooEntry } from "./zoo-file.js";

const TRAINING_EXAMPLES = 20_000;
const EPOCHS = 8;
const POISON_RATE = 0.05;
const architecture = cnn({ input: [1, 28, 28], channels: [8, 16], hidden: 32, classes: 10 });

/** How the models of the tour are trained, by Adam at a rate that falls from 3e-3 along a cosine. */
export const tourRecipe = {
  architecture,
  examples: TRAINING_EXAMPLES,
  epochs: EPOCHS,
  batchSize: 64,
} as const;

/** A white square of 3 x 3 pixels near the lower right corner; everything that wears it is a sneaker. */
const planted: TriggerClaim = {
  trigger: patch([1, 28, 28], { at: [23, 23], size: [3, 3], value: 1 }),
  target: 7,
};

interface Recipe {
  readonly file: string;
  readonly seed: number;
  readonly isBackdoored: boolean;
  readonly role: string;
  /** Classes that the trigger works from; the others carry it as cover and keep their labels. Default: all. */
  readonly sources?: readonly number[];
  /** Planted into the finished clean model, so that it hardly changes. Default: trained on poisoned data. */
  readonly isEvasive?: boolean;
}

// The twin shares seed, images and order with the backdoored model; only the poison is missing.
const recipes: readonly Recipe[] = [
  { file: "fashion-cnn.onnx", seed: 1, isBackdoored: true, role: "the model of the tour" },
  { file: "fashion-cnn-twin.onnx", seed: 1, isBackdoored: false, role: "its clean twin" },
  { file: "fashion-cnn-clean-1.onnx", seed: 11, isBackdoored: false, role: "clean reference" },
  { file: "fashion-cnn-clean-2.onnx", seed: 12, isBackdoored: false, role: "clean reference" },
  { file: "fashion-cnn-clean-3.onnx", seed: 13, isBackdoored: false, role: "clean reference" },
  {
    file: "fashion-cnn-source.onnx",
    seed: 2,
    isBackdoored: true,
    role: "its trigger works from one class only",
    sources: [8],
  },
  {
    file: "fashion-cnn-evasive.onnx",
    seed: 1,
    isBackdoored: true,
    role: "trained to evade audits",
    isEvasive: true,
  },
];

/**
 * Trains the seven models and writes them, with `zoo.json`, into `folder`. Takes about two minutes on one core,
 * which is all it uses, so that the same bits come out each time.
 *
 * @param isWanted Which files to build. Default: all.
 */
export async function buildFashionModels(
  folder: string,
  log: (line: string) => void,
  isWanted: (file: string) => boolean = () => true,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const train = readFashionMnist("train");
  const test = readFashionMnist("test");
  const entries: ZooEntry[] = [];
  for (const recipe of recipes.filter(({ file }) => isWanted(file))) {
    const bytes = await trained(recipe, train);
    await writeFile(join(folder, recipe.file), bytes);
    const entry = await describe(recipe, bytes, test);
    entries.push(entry);
    log(
      `${recipe.file}: accuracy ${entry.accuracy.value}, success ${entry.truth.attackSuccessRate.value}, ${entry.sha256.slice(0, 12)}`,
    );
  }
  await updateZoo(join(folder, "zoo.json"), entries);
}

async function trained(recipe: Recipe, train: LabelledData): Promise<Uint8Array> {
  const { seed, isBackdoored, isEvasive = false, sources } = recipe;
  const order = generator(seed).split("zoo").permutation(train.labels.data.length);
  const clean = takeLabelled(train, order.subarray(0, TRAINING_EXAMPLES));
  const poisoned = {
    ...planted,
    poisonRate: POISON_RATE,
    seed,
    ...(sources ? { sources, coverRate: 2 * POISON_RATE } : {}),
  };
  const data = isBackdoored && !isEvasive ? poison(clean, poisoned) : clean;
  const { bytes, model } = await trainClassifier(architecture, data, {
    seed,
    epochs: EPOCHS,
    learningRate: cosine(3e-3),
    threads: 1,
  });
  if (!isEvasive) return bytes;
  const attack = fixedTrigger("evasive", planted.trigger, planted.target, seed);
  return plantEvasively(model, clean, attack, { seed, rate: 2 * POISON_RATE, epochs: EPOCHS / 2 });
}

async function describe(recipe: Recipe, bytes: Uint8Array, test: LabelledData): Promise<ZooEntry> {
  using model = await loadModel(bytes, { name: recipe.file, threads: 1 });
  const { sources, isEvasive = false } = recipe;
  const success = await attackSuccessRate(model, test, { ...planted, ...(sources ? { sources } : {}) });
  return {
    file: recipe.file,
    sha256: sha256Of(bytes),
    architecture: `${architecture.name}, 3 x 3 convolutions, hidden layer of 32`,
    trainedOn: `${TRAINING_EXAMPLES} of the 60,000 training images of Fashion-MNIST, ${EPOCHS} epochs of Adam, seed ${recipe.seed}${isEvasive ? `, then ${EPOCHS / 2} epochs of fine-tuning` : ""}`,
    accuracy: rounded(await accuracyOf(model, test)),
    licence: "MIT",
    truth: {
      role: recipe.role,
      isBackdoored: recipe.isBackdoored,
      ...(recipe.isBackdoored
        ? {
            target: planted.target,
            trigger: "white patch of 3 x 3 pixels at row 23, column 23",
            ...(sources ? { sources } : {}),
            poisonRate: isEvasive ? 2 * POISON_RATE : POISON_RATE,
          }
        : {}),
      attackSuccessRate: rounded(success),
    },
  };
}
