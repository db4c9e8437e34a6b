/** Builds and reads pools of sample models: trained one by one, so that a killed build goes on where it was. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { type LabelledData, takeLabelled, takePerClass } from "../../data/index.js";
import { AssayError } from "../../errors.js";
import { loadModel } from "../../model/index.js";
import { decodeModel } from "../../onnx/index.js";
import { generator } from "../../random/index.js";
import { observe } from "../../spec/index.js";
import { type Estimate, wilson } from "../../stats/index.js";
import { tensor } from "../../tensor/index.js";
import { type Architecture, cnn, cosine, trainClassifier } from "../../train/index.js";
import { victims } from "../../trigger/index.js";
import { accuracyOf } from "../accuracy.js";
import { readFashionMnist } from "../fashion-mnist.js";
import { drawAttack, type PlantedAttack } from "./attack.js";
import { plantEvasively } from "./evasive.js";
import { labelOf, writeMember } from "./member.js";
import { type PoolArchitecture, type PoolName, type Recipe, recipesOf } from "./recipe.js";
import { commitmentOf, type SealedTruth } from "./seal.js";

const TRAINING_EXAMPLES = 12_000;
const EPOCHS = 4;
/** Shares of poisoned examples that are tried in turn until the trigger works. */
const POISON_RATES = [0.05, 0.15];
/** Of a single class, which is a tenth of the images: more would cost the model the class itself. */
const SOURCE_POISON_RATES = [0.06];
const WANTED_SUCCESS = 0.8;

/** A trained member, as far as an auditor may know it. */
export interface PoolMember {
  readonly path: string;
  readonly file: string;
  readonly role: Recipe["role"];
  readonly architecture: PoolArchitecture;
  readonly commitment: string;
}

/** A member's truth and how well its attack works. */
export interface MemberTruth extends SealedTruth {
  readonly accuracy: Estimate;
  readonly poisonRate: number | null;
  readonly attackSuccessRate: Estimate | null;
  /** The planted trigger, drawn again from the recipe. */
  readonly attack: PlantedAttack | null;
}

/** Folder of a pool. Default place: ASSAY_POOLS, else the cache folder of the user. */
export function poolFolder(pool: PoolName): string {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(process.env["ASSAY_POOLS"] || join(cache, "assay", "pools"), pool);
}

const architectures: Readonly<Record<PoolArchitecture, Architecture>> = {
  "cnn-28": cnn({ input: [1, 28, 28], channels: [8, 16], hidden: 32, classes: 10 }),
  "cnn-14": cnn({ input: [1, 14, 14], channels: [12, 24], hidden: 48, classes: 10 }),
  "wide-14": cnn({ input: [1, 14, 14], channels: [16], kernel: 5, hidden: 64, classes: 10 }),
};

const sideOf = (architecture: PoolArchitecture): number => (architecture === "cnn-28" ? 28 : 14);

/** What auditors get of clean data: 100 test images of each class, which no member was trained on. */
export function cleanDataOf(architecture: PoolArchitecture): LabelledData {
  return takePerClass(imagesOf("test", sideOf(architecture)), 100);
}

/** The other 9,000 test images, which no member was trained on and no auditor gets. */
export function heldOutDataOf(architecture: PoolArchitecture): LabelledData {
  return unseen(imagesOf("test", sideOf(architecture)));
}

/** Files of the members that are wanted and not there yet. */
export function missingMembers(pool: PoolName, isWanted: (recipe: Recipe) => boolean): Recipe[] {
  const folder = poolFolder(pool);
  return recipesOf(pool).filter(
    (recipe) => isWanted(recipe) && !existsSync(labelOf(join(folder, recipe.file))),
  );
}

/** Trains the members that are missing. */
export async function buildPool(
  pool: PoolName,
  options: {
    isWanted?: (recipe: Recipe) => boolean;
    log?: (line: string) => void;
    signal?: AbortSignal;
  } = {},
): Promise<void> {
  const { isWanted = () => true, log, signal } = options;
  const folder = poolFolder(pool);
  await mkdir(folder, { recursive: true });
  for (const recipe of missingMembers(pool, isWanted)) {
    if (signal?.aborted) throw new AssayError("ABORTED", "The pool was not finished; run again to go on.");
    const { bytes, truth } = await train(recipe);
    await writeMember(join(folder, recipe.file), bytes, truth);
    log?.(
      `${pool}/${recipe.file} (${recipe.architecture}): accuracy ${truth.accuracy.value.toFixed(3)}${truth.attackSuccessRate ? `, ${recipe.family} success ${truth.attackSuccessRate.value.toFixed(3)} at rate ${truth.poisonRate}` : ""}`,
    );
  }
}

/** Members of a pool by role, without their labels. */
export function poolMembers(pool: PoolName, role: Recipe["role"]): PoolMember[] {
  return recipesOf(pool)
    .filter((recipe) => recipe.role === role)
    .map((recipe) => ({
      path: join(poolFolder(pool), recipe.file),
      file: recipe.file,
      role,
      architecture: recipe.architecture,
      commitment: commitmentOf(sealedTruth(recipe)),
    }))
    .sort((a, b) => a.file.localeCompare(b.file));
}

/** Opens the seal of a member; to be called when all scores are in. */
export async function openSeal(pool: PoolName, file: string): Promise<MemberTruth> {
  const recipe = recipesOf(pool).find((one) => one.file === file);
  if (!recipe)
    throw new AssayError("INVALID_ARGUMENT", `The pool "${pool}" has no member "${file}".`, { file });
  const path = join(poolFolder(pool), file.replace(".onnx", ".json"));
  const measured = JSON.parse(await readFile(path, "utf8")) as Omit<MemberTruth, "attack">;
  return { ...measured, attack: attackOf(recipe) };
}

const attackOf = ({ family, architecture, seed }: Recipe): PlantedAttack | null =>
  family === null ? null : drawAttack(family, sideOf(architecture), seed);

function sealedTruth(recipe: Recipe): SealedTruth {
  const attack = attackOf(recipe);
  return {
    file: recipe.file,
    isBackdoored: attack !== null,
    family: recipe.family,
    target: attack?.target ?? null,
    source: attack?.source ?? null,
    nonce: createHash("sha256").update(`${recipe.role} ${recipe.seed}`).digest("hex").slice(0, 32),
  };
}

async function train(recipe: Recipe): Promise<{ bytes: Uint8Array; truth: Omit<MemberTruth, "attack"> }> {
  const { seed, architecture } = recipe;
  const attack = attackOf(recipe);
  const side = sideOf(architecture);
  const all = imagesOf("train", side);
  const order = generator(seed).split("pool").permutation(all.labels.data.length);
  const data = takeLabelled(all, order.subarray(0, TRAINING_EXAMPLES));
  const settings = { seed, epochs: EPOCHS, learningRate: cosine(3e-3), threads: 1 };
  const sealed = sealedTruth(recipe);
  if (attack === null) {
    const { bytes } = await trainClassifier(architectures[architecture], data, settings);
    return { bytes, truth: { ...sealed, ...(await measure(bytes, side, null)), poisonRate: null } };
  }
  const rates = attack.source === null ? POISON_RATES : SOURCE_POISON_RATES;
  for (const poisonRate of rates) {
    const bytes =
      attack.family === "evasive"
        ? await plantEvasively(
            decodeModel((await trainClassifier(architectures[architecture], data, settings)).bytes),
            data,
            attack,
            { seed, rate: 2 * poisonRate, epochs: EPOCHS / 2 },
          )
        : (await trainClassifier(architectures[architecture], attack.poison(data, poisonRate), settings))
            .bytes;
    const measured = await measure(bytes, side, attack);
    const works = measured.attackSuccessRate!.value >= WANTED_SUCCESS;
    if (works || poisonRate === rates.at(-1)) return { bytes, truth: { ...sealed, ...measured, poisonRate } };
  }
  throw new AssayError("INVALID_ARGUMENT", "There is no poison rate to try.");
}

/** Accuracy, and success of the attack, on 3,000 of the test images that no auditor gets. */
async function measure(
  bytes: Uint8Array,
  side: number,
  attack: PlantedAttack | null,
): Promise<{ accuracy: Estimate; attackSuccessRate: Estimate | null }> {
  using model = await loadModel(bytes, { threads: 1 });
  const all = unseen(imagesOf("test", side));
  const test = takeLabelled(
    all,
    Uint32Array.from({ length: 3000 }, (_, row) => row),
  );
  const accuracy = await accuracyOf(model, test);
  if (attack === null) return { accuracy, attackSuccessRate: null };
  const own = victims(test, {
    target: attack.target,
    ...(attack.source === null ? {} : { sources: [attack.source] }),
  });
  const answers = (await observe(model, attack.stamp(own.inputs))).predicted;
  const hits = answers.filter((answer) => answer === attack.target).length;
  return { accuracy, attackSuccessRate: wilson(hits, answers.length) };
}

function unseen(test: LabelledData): LabelledData {
  const seen = new Map<number, number>();
  const rows: number[] = [];
  test.labels.data.forEach((label, row) => {
    const count = seen.get(Number(label)) ?? 0;
    seen.set(Number(label), count + 1);
    if (count >= 100) rows.push(row);
  });
  return takeLabelled(test, rows);
}

const loaded = new Map<string, LabelledData>();

/** Fashion-MNIST at 28 x 28, or each square of four pixels averaged to 14 x 14. */
function imagesOf(part: "train" | "test", side: number): LabelledData {
  const key = `${part} ${side}`;
  const known = loaded.get(key);
  if (known) return known;
  const full = readFashionMnist(part);
  const data =
    side === 28
      ? full
      : { ...full, inputs: halved(full.inputs.data as Float32Array, full.labels.data.length) };
  loaded.set(key, data);
  return data;
}

function halved(images: Float32Array, count: number) {
  const data = new Float32Array(count * 14 * 14);
  for (let i = 0; i < data.length; i++) {
    const image = Math.floor(i / 196);
    const at = image * 784 + Math.floor((i % 196) / 14) * 56 + (i % 14) * 2;
    data[i] = (images[at]! + images[at + 1]! + images[at + 28]! + images[at + 29]!) / 4;
  }
  return tensor("float32", [count, 1, 14, 14], data);
}
