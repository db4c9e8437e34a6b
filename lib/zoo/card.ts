/** The card of a model file: what it is, what its maker claims, and whether the file is the one that was meant. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AssayError } from "../errors.js";
import { type LoadedModel, loadModel } from "../model/index.js";
import type { Estimate } from "../stats/index.js";
import { sizeOf } from "../tensor/index.js";
import { readZoo, type ZooEntry, type ZooTruth } from "./zoo-file.js";

/** What can be said of a model before any audit. */
export interface ModelCard {
  readonly kind: "model-card";
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly parameters: number;
  /** Operators with their counts, most frequent first. */
  readonly operators: readonly (readonly [name: string, count: number])[];
  /** What the maker says; null if the model stands in no zoo file. */
  readonly claims: {
    readonly architecture: string;
    readonly trainedOn: string;
    readonly accuracy: Estimate;
    readonly licence: string;
    /** True if the file's hash is the one published for it. */
    readonly isPublishedFile: boolean;
  } | null;
}

/**
 * Reads a model file and, from the `zoo.json` beside it if there is one, what its maker claims.
 *
 * @example
 * await zoo.modelCard("models/fashion-cnn.onnx")
 */
export async function modelCard(path: string): Promise<ModelCard> {
  const bytes = await read(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  using model = await loadModel(path);
  const entry = await entryOf(path);
  return {
    kind: "model-card",
    file: basename(path),
    sizeBytes: bytes.length,
    sha256,
    inputs: model.inputs.map(describeValue),
    outputs: model.outputs.map(describeValue),
    parameters: model.graph.graph.initializers.reduce((sum, { dims }) => sum + sizeOf(dims.map(Number)), 0),
    operators: countOperators(model),
    claims: entry
      ? {
          architecture: entry.architecture,
          trainedOn: entry.trainedOn,
          accuracy: entry.accuracy,
          licence: entry.licence,
          isPublishedFile: entry.sha256 === sha256,
        }
      : null,
  };
}

/**
 * The truth about a sample model, for the end of an audit.
 *
 * @throws AssayError INVALID_ARGUMENT if the model stands in no zoo file.
 */
export async function truth(path: string): Promise<ZooTruth> {
  const entry = await entryOf(path);
  if (!entry) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `Nothing is known of "${path}": no zoo.json beside it names it.`,
      { path },
    );
  }
  return entry.truth;
}

async function entryOf(path: string): Promise<ZooEntry | undefined> {
  try {
    return (await readZoo(join(dirname(path), "zoo.json"))).find(({ file }) => file === basename(path));
  } catch (error) {
    if (error instanceof AssayError && error.code === "FILE_NOT_FOUND") return undefined;
    throw error;
  }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AssayError("FILE_NOT_FOUND", `The model "${path}" cannot be read.`, { path }, { cause });
  }
}

const describeValue = ({ name, type, dims }: LoadedModel["inputs"][number]): string =>
  `${name}: ${type ?? "unknown"} [${dims.join(", ")}]`;

function countOperators(model: LoadedModel): [string, number][] {
  const counts = new Map<string, number>();
  for (const { opType } of model.graph.graph.nodes)
    counts.set(opType ?? "", (counts.get(opType ?? "") ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}
