/** STRIP: inputs whose answer stays the same whatever is laid over them. */
import { AssayError } from "../errors.js";
import type { LoadedModel } from "../model/index.js";
import { generator } from "../random/index.js";
import { rows, sizeOf, type Tensor, toFloat32, toFloat64 } from "../tensor/index.js";

/** Options of {@link strip}. */
export interface StripOptions {
  /** Clean inputs to lay over, [m, ...]. */
  readonly overlays: Tensor;
  readonly seed: number;
  /** Overlays per input. Default 20. */
  readonly count?: number;
  /** Weight of the input; the overlay has the rest. Default 0.5. */
  readonly alpha?: number;
  /** Output that holds the logits, if there are several. */
  readonly output?: string;
  readonly signal?: AbortSignal;
}

/**
 * Negative mean entropy (bits) of the answers to an input blended with clean ones; higher is more anomalous.
 *
 * A trigger that survives blending keeps forcing its class, so the answers stay sure. It fails for triggers that
 * work from one class only, and blends may leave the domain. Set the threshold by `detect` on clean inputs.
 *
 * @param inputs [n, ...] as the model takes them.
 * @throws AssayError SHAPE_MISMATCH for overlays of another shape, NOT_FINITE, ABORTED.
 * @see Y. Gao et al. (2019), STRIP: a defence against trojan attacks on deep neural networks. ACSAC.
 */
export async function strip(
  model: Pick<LoadedModel, "run" | "outputs">,
  inputs: Tensor,
  { overlays, seed, count = 20, alpha = 0.5, output = model.outputs[0]?.name ?? "", signal }: StripOptions,
): Promise<Float64Array> {
  const size = sizeOf(inputs.dims.slice(1));
  if (sizeOf(overlays.dims.slice(1)) !== size || !overlays.dims[0]) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `strip: overlays [${overlays.dims.join(", ")}] do not fit inputs [${inputs.dims.join(", ")}].`,
      {},
    );
  }
  rows(inputs, "strip");
  rows(overlays, "strip, overlays");
  const random = generator(seed).split("strip");
  const [from, over] = [toFloat32(inputs), toFloat32(overlays)];
  // Every input meets the same overlays: its score depends on no other input and not on its place in the batch.
  const chosen = Array.from({ length: count }, () => random.integer(overlays.dims[0]!) * size);
  const scores = new Float64Array(inputs.dims[0]!);
  for (let i = 0; i < scores.length; i++) {
    if (signal?.aborted) throw new AssayError("ABORTED", "strip: stopped by its signal.", { done: i });
    const blend = new Float32Array(count * size);
    for (let c = 0; c < count; c++) {
      const other = chosen[c]!;
      for (let j = 0; j < size; j++)
        blend[c * size + j] = alpha * from[i * size + j]! + (1 - alpha) * over[other + j]!;
    }
    const feeds: Tensor = { type: "float32", dims: [count, ...inputs.dims.slice(1)], data: blend };
    const logits = (await model.run(feeds, { outputs: [output] }))[output]!;
    scores[i] = -meanEntropy(toFloat64(logits), count);
  }
  return scores;
}

/** Mean entropy in bits of softmax rows. */
function meanEntropy(logits: Float64Array, n: number): number {
  const k = logits.length / n;
  let total = 0;
  for (let i = 0; i < n; i++) {
    const row = logits.subarray(i * k, (i + 1) * k);
    const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const logSum = Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0));
    for (const value of row) {
      const logP = value - top - logSum;
      total -= (Math.exp(logP) * logP) / Math.LN2;
    }
  }
  return total / n;
}
