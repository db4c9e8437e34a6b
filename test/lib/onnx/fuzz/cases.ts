/** The fuzzer's cases: one seeded mutation, or a few, of a small real file. */
import { readFileSync } from "node:fs";
import { encodeModel } from "../../../../lib/onnx/index.js";
import { type Generator, generator } from "../../../../lib/random/index.js";
import { torchModelPath } from "../../../support/torch-zoo.js";
import { smallModel } from "../models.js";
import { byteMutations } from "./bytes.js";
import { mutateStructure, structuralMutations } from "./structure.js";

const FILES = [
  "mlp-relu-17",
  "mlp-merged-weights-13",
  "cnn-lenet-13",
  "cnn-stride-dilation-groups-17",
  "cnn-local-response-17",
  "cnn-unet-13",
  "cnn-resize-bilinear-17",
  "gpt-causal-13",
  "embedding-classifier-17",
  "lstm-17",
  "gru-two-ways-17",
  "einsum-attention-17",
  "layout-slices-13",
  "arithmetic-cumulative-17",
] as const;

/** One damaged file. */
export interface FuzzCase {
  /** File and mutations, to name it in a report. */
  readonly label: string;
  readonly bytes: Uint8Array;
}

const sources: readonly { readonly name: string; readonly bytes: Uint8Array }[] = [
  { name: "small", bytes: encodeModel(smallModel()) },
  ...FILES.map((name) => ({ name, bytes: new Uint8Array(readFileSync(torchModelPath(name))) })),
];

/** Case `index`, always the same. `structural` asks for mutations of the model rather than of the bytes. */
export function fuzzCase(index: number, structural = index % 2 === 1): FuzzCase {
  const random = generator(20_260).split(index);
  const source = sources[random.integer(sources.length)]!;
  const labels = [`case ${index}`, source.name];
  let bytes = source.bytes;
  for (let left = 1 + random.integer(2); left > 0; left--) {
    const name = structural
      ? structuralMutations[random.integer(structuralMutations.length)]!
      : pick(Object.keys(byteMutations), random);
    labels.push(name);
    bytes = structural
      ? mutateStructure(name, bytes, random)
      : byteMutations[name]!(bytes, pick(sources, random).bytes, random);
    if (bytes.length === 0) break;
  }
  return { label: labels.join(", "), bytes };
}

const pick = <T>(items: readonly T[], random: Generator): T => items[random.integer(items.length)]!;
