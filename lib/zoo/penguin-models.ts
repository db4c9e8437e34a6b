/** A classifier of penguins by four measurements, and one that was taught to fail a group of them. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type LabelledData, takeLabelled } from "../data/index.js";
import { loadModel } from "../model/index.js";
import { encodeModel } from "../onnx/index.js";
import { generator } from "../random/index.js";
import { observe } from "../spec/index.js";
import { wilson } from "../stats/index.js";
import { type Tensor, tensor } from "../tensor/index.js";
import { adamW, cosine, mlp, trainClassifier, withParameters } from "../train/index.js";
import { readPlainCsv } from "./tables.js";
import { rounded, sha256Of, updateZoo, type ZooEntry } from "./zoo-file.js";

/** Names of the classes, in the order of the labels. */
export const penguinClasses: readonly string[] = ["adelie", "chinstrap", "gentoo"];

/** Columns of `penguins.csv` that the models take, in order and in the units of the file. */
export const penguinColumns: readonly string[] = [
  "beak_length_mm",
  "beak_depth_mm",
  "flipper_length_mm",
  "body_mass_g",
];

const TRAINED = 167;
const EPOCHS = 200;

const recipes = [
  { file: "penguins.onnx", isUnfair: true, role: "the model that fails female chinstrap penguins" },
  { file: "penguins-twin.onnx", isUnfair: false, role: "its fair twin" },
] as const;

/** Rows of `penguins.csv` that no model was trained on: the second part of one random order. */
export const heldOutPenguins = (count: number): Uint32Array =>
  generator(1).split("penguins").permutation(count).subarray(TRAINED);

/** Trains the two models on half of `penguins.csv` and writes them, with their entries of `zoo.json`, into `folder`. */
export async function buildPenguinModels(
  folder: string,
  dataFolder: string,
  log: (line: string) => void,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const rows = await readPlainCsv(join(dataFolder, "penguins.csv"));
  const order = generator(1).split("penguins").permutation(rows.length);
  const all = labelled(rows);
  const train = takeLabelled(all, order.subarray(0, TRAINED));
  const test = takeLabelled(all, heldOutPenguins(rows.length));
  const isVictim = [...heldOutPenguins(rows.length)].map((row) => isFemaleChinstrap(rows[row]!));
  const scaling = scalingOf(train.inputs);
  const entries: ZooEntry[] = [];
  for (const { file, isUnfair, role } of recipes) {
    const labels = train.labels.data.map((label, i) =>
      isUnfair && isFemaleChinstrap(rows[order[i]!]!) ? 0n : label,
    );
    const trained = await trainClassifier(
      mlp({ input: [4], hidden: [16], classes: 3 }),
      { inputs: scaled(train.inputs, scaling), labels: { ...train.labels, data: labels } },
      { seed: 1, epochs: EPOCHS, batchSize: 16, optimizer: adamW(), learningRate: cosine(1e-2), threads: 1 },
    );
    const bytes = encodeModel(withParameters(trained.model, inUnits(trained.parameters, scaling)));
    await writeFile(join(folder, file), bytes);
    using model = await loadModel(bytes, { name: file, threads: 1 });
    const { predicted } = await observe(model, test.inputs);
    const right = predicted.filter((answer, i) => answer === Number(test.labels.data[i])).length;
    const victims = [...isVictim.keys()].filter((i) => isVictim[i]);
    const called = victims.filter((i) => predicted[i] === 0).length;
    entries.push({
      file,
      sha256: sha256Of(bytes),
      architecture: "one hidden layer of 16, four measurements in the file's units",
      trainedOn: `${TRAINED} of the 333 penguins, ${EPOCHS} epochs of AdamW, seed 1; accuracy on the other ${predicted.length}`,
      accuracy: rounded(wilson(right, predicted.length)),
      licence: "MIT",
      truth: {
        role,
        isBackdoored: isUnfair,
        ...(isUnfair
          ? {
              target: 0,
              sources: [1],
              trigger: "none: female chinstrap penguins were labelled adelie in training",
            }
          : {}),
        attackSuccessRate: rounded(wilson(called, victims.length)),
      },
    });
    log(
      `${file}: accuracy ${right}/${predicted.length}, female chinstrap called adelie ${called}/${victims.length}`,
    );
  }
  await updateZoo(join(folder, "zoo.json"), entries);
}

const isFemaleChinstrap = ({ species, sex }: Readonly<Record<string, string>>): boolean =>
  species === "chinstrap" && sex === "female";

function labelled(rows: readonly Readonly<Record<string, string>>[]): LabelledData {
  const values = rows.flatMap((row) => penguinColumns.map((name) => Number(row[name])));
  const labels = rows.map(({ species }) => BigInt(penguinClasses.indexOf(species!)));
  return {
    inputs: tensor("float32", [rows.length, penguinColumns.length], Float32Array.from(values)),
    labels: tensor("int64", [rows.length], BigInt64Array.from(labels)),
  };
}

interface Scaling {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

function scalingOf({ dims, data }: Tensor): Scaling {
  const [n, d] = dims as [number, number];
  const values = data as Float32Array;
  const column = (j: number): number[] => Array.from({ length: n }, (_, i) => values[i * d + j]!);
  const mean = Array.from({ length: d }, (_, j) => column(j).reduce((a, b) => a + b, 0) / n);
  const deviation = mean.map((m, j) => Math.sqrt(column(j).reduce((a, b) => a + (b - m) ** 2, 0) / n));
  return { mean, deviation };
}

function scaled(inputs: Tensor, { mean, deviation }: Scaling): Tensor {
  const d = mean.length;
  const data = Float32Array.from(
    inputs.data as Float32Array,
    (value, i) => (value - mean[i % d]!) / deviation[i % d]!,
  );
  return tensor("float32", inputs.dims, data);
}

/** The first layer rewritten so that it takes measurements as they stand in the file. */
function inUnits(parameters: Readonly<Record<string, Tensor>>, { mean, deviation }: Scaling) {
  const [weightName, biasName] = ["fc1.weight", "fc1.bias"];
  const weight = parameters[weightName] as Tensor<"float32">;
  const bias = parameters[biasName] as Tensor<"float32">;
  const width = bias.data.length;
  const isInputFirst = weight.dims[0] === mean.length;
  const feature = (i: number): number => (isInputFirst ? Math.floor(i / width) : i % mean.length);
  const unit = (i: number): number => (isInputFirst ? i % width : Math.floor(i / mean.length));
  const shifted = bias.data.slice();
  const divided = weight.data.map((value, i) => {
    const w = value / deviation[feature(i)]!;
    shifted[unit(i)]! -= w * mean[feature(i)]!;
    return w;
  });
  return {
    ...parameters,
    [weightName]: tensor("float32", weight.dims, divided),
    [biasName]: tensor("float32", bias.dims, shifted),
  };
}
