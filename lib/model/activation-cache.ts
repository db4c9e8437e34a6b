/** Activations on disk: for data sets whose activations do not fit in memory, or were costly to get. */
import { createHash } from "node:crypto";
import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../errors.js";
import { encodeModel } from "../onnx/index.js";
import { encodeNpy, readNpy, type Tensor } from "../tensor/index.js";
import type { LoadedModel } from "./model.js";

/** Where and how activations are kept. */
export interface ActivationCacheOptions {
  /** Inner tensors to keep. */
  readonly at: readonly string[];
  /** Folder of all caches; each gets its own inside, named for model, taps and data. */
  readonly folder: string;
  /** Examples per shard and run. Default 256. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Activations of a data set, in shards of rows. */
export interface ActivationCache {
  readonly folder: string;
  /** SHA-256 of model, taps and data: another of any of them is another cache. */
  readonly key: string;
  readonly examples: number;
  readonly shards: number;
  /**
   * The shards of one tap in the order of the data; one is in memory at a time, and they can be read again. Every
   * fit takes them in place of a tensor.
   */
  chunks(at: string): Iterable<Tensor>;
}

/**
 * Computes the activations of a data set shard by shard, or finds those that are already there.
 *
 * A run that was killed goes on where it stopped: a shard is written under another name first.
 *
 * @param inputs One tensor, examples along the first axis, for a model with one input.
 * @throws AssayError ABORTED between two shards when the signal fires.
 * @example
 * const cache = await cacheActivations(model, images, { at: ["relu2"], folder: ".cache/activations" });
 * anomaly.fitGaussian(cache.chunks("relu2"))
 */
export async function cacheActivations(
  model: LoadedModel,
  inputs: Tensor,
  options: ActivationCacheOptions,
): Promise<ActivationCache> {
  const { at, batchSize = 256, signal, onProgress } = options;
  const examples = inputs.dims[0] ?? 0;
  if (examples === 0 || at.length === 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      "cacheActivations: at least one example and one tap are needed.",
    );
  }
  const key = keyOf(model, inputs, at, batchSize);
  const folder = join(options.folder, key.slice(0, 32));
  await mkdir(folder, { recursive: true });
  const shards = Math.ceil(examples / batchSize);
  const present = new Set(await readdir(folder));
  for (let shard = 0; shard < shards; shard++) {
    const files = at.map((_, tap) => fileOf(tap, shard));
    if (!files.every((file) => present.has(file))) {
      if (signal?.aborted) {
        throw new AssayError(
          "ABORTED",
          `cacheActivations: stopped after ${shard} of ${shards} shards.`,
          { shard, shards },
          { cause: signal.reason },
        );
      }
      const values = await model.activations(rows(inputs, shard * batchSize, batchSize), { at });
      for (const [tap, name] of at.entries())
        await writeWhole(join(folder, files[tap]!), encodeNpy(values[name]!));
    }
    onProgress?.({ done: Math.min(examples, (shard + 1) * batchSize), total: examples });
  }
  await writeWhole(
    join(folder, "cache.json"),
    Buffer.from(JSON.stringify({ key, model: model.name, at, examples, batchSize })),
  );
  return {
    folder,
    key,
    examples,
    shards,
    chunks(name) {
      const tap = at.indexOf(name);
      if (tap < 0) {
        throw new AssayError("UNKNOWN_TAP", `The cache holds ${at.join(", ")}, not "${name}".`, {
          at: name,
          taps: at,
        });
      }
      return {
        *[Symbol.iterator]() {
          for (let shard = 0; shard < shards; shard++) yield readNpy(join(folder, fileOf(tap, shard)));
        },
      };
    },
  };
}

const fileOf = (tap: number, shard: number): string => `tap${tap}-${String(shard).padStart(6, "0")}.npy`;

async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${file}.part`, bytes);
  await rename(`${file}.part`, file);
}

function rows(inputs: Tensor, from: number, count: number): Tensor {
  const n = inputs.dims[0]!;
  const width = inputs.data.length / n;
  const to = Math.min(n, from + count);
  const data = (inputs.data as Float32Array).subarray(from * width, to * width);
  return { type: inputs.type, dims: [to - from, ...inputs.dims.slice(1)], data } as Tensor;
}

function keyOf(model: LoadedModel, inputs: Tensor, at: readonly string[], batchSize: number): string {
  const hash = createHash("sha256");
  hash.update(createHash("sha256").update(encodeModel(model.graph)).digest());
  hash.update(JSON.stringify({ at, batchSize, type: inputs.type, dims: inputs.dims }));
  const view = inputs.data as Float32Array;
  hash.update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return hash.digest("hex");
}
