/** One vector per example from one vector per token. */
import { AssayError } from "../errors.js";
import { type Tensor, tensor, toFloat64 } from "../tensor/index.js";

/** How the vectors of an example's tokens become one. */
export type Pooling = "mean" | "last" | "max" | "first";

/** Options of {@link pool}. */
export interface PoolOptions {
  /**
   * - "mean": what is spread over the text. "max": the strongest token of each feature, for a trigger of a few tokens.
   * - "last": what a causal model has gathered by the end; the last real token, not the last position.
   * - "first": the first real token, e.g. a classification token.
   */
  readonly how: Pooling;
  /** [n, position], non-zero (or true) at real tokens. Default: all are real. */
  readonly mask?: Tensor;
}

/**
 * Pools activations [n, position, width] over the tokens of each example, padding left out.
 *
 * @returns float64 [n, width].
 * @throws AssayError SHAPE_MISMATCH for other shapes, INVALID_ARGUMENT for an example without a real token.
 * @example
 * probes.pool(await model.activations({ tokens }, { at: "block1" }), { how: "last", mask: attentionMask })
 */
export function pool(x: Tensor, { how, mask }: PoolOptions): Tensor<"float64"> {
  const [n = 0, positions = 0, width = 0] = x.dims;
  if (x.dims.length !== 3 || x.data.length === 0) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `pool: expected activations [n, position, width], got [${x.dims.join(", ")}].`,
      { dims: x.dims },
    );
  }
  if (!["mean", "last", "max", "first"].includes(how)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `pool: how must be "mean", "last", "max" or "first", got "${how}".`,
      {
        how,
      },
    );
  }
  const isReal = realTokens(mask, n, positions);
  const values = toFloat64(x);
  const pooled = new Float64Array(n * width);
  for (let i = 0; i < n; i++) {
    const real = Array.from({ length: positions }, (_, p) => p).filter((p) => isReal(i * positions + p));
    if (real.length === 0) {
      throw new AssayError("INVALID_ARGUMENT", `pool: example ${i} has no real token under the mask.`, {
        example: i,
      });
    }
    const vector = (p: number): Float64Array =>
      values.subarray((i * positions + p) * width, (i * positions + p + 1) * width);
    poolInto(pooled.subarray(i * width, (i + 1) * width), real.map(vector), how);
  }
  return tensor("float64", [n, width], pooled);
}

function poolInto(into: Float64Array, vectors: readonly Float64Array[], how: Pooling): void {
  if (how === "first" || how === "last") {
    into.set(vectors.at(how === "first" ? 0 : -1)!);
    return;
  }
  into.set(vectors[0]!);
  for (const vector of vectors.slice(1)) {
    for (let j = 0; j < into.length; j++) {
      into[j] = how === "mean" ? into[j]! + vector[j]! : Math.max(into[j]!, vector[j]!);
    }
  }
  if (how === "mean") for (let j = 0; j < into.length; j++) into[j]! /= vectors.length;
}

function realTokens(mask: Tensor | undefined, n: number, positions: number): (at: number) => boolean {
  if (mask === undefined) return () => true;
  if (mask.dims.length !== 2 || mask.dims[0] !== n || mask.dims[1] !== positions) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `pool: the mask is [${mask.dims.join(", ")}], the activations need [${n}, ${positions}].`,
      { dims: mask.dims },
    );
  }
  return (at) => Number(mask.data[at]) !== 0;
}

/**
 * How often each token of the vocabulary occurs in each example: features of a probe that knows the words and
 * nothing of the model. Where it does as well as a probe on activations, the probe may read the words only.
 *
 * @param tokens Integer ids [n, position].
 * @param options.vocabulary Number of tokens; ids lie in [0, vocabulary).
 * @param options.padding Id that does not count.
 * @returns float32 [n, vocabulary].
 * @throws AssayError SHAPE_MISMATCH, INVALID_ARGUMENT for an id outside the vocabulary.
 * @example
 * const words = probes.bagOfTokens(train.inputs, { vocabulary: 800, padding: 0 });
 */
export function bagOfTokens(
  tokens: Tensor,
  { vocabulary, padding }: { readonly vocabulary: number; readonly padding?: number },
): Tensor<"float32"> {
  const [n = 0, positions = 0] = tokens.dims;
  if (tokens.dims.length !== 2 || tokens.data.length === 0) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `bagOfTokens: expected token ids [n, position], got [${tokens.dims.join(", ")}].`,
      { dims: tokens.dims },
    );
  }
  const counts = new Float32Array(n * vocabulary);
  for (let at = 0; at < n * positions; at++) {
    const id = Number(tokens.data[at]);
    if (id === padding) continue;
    if (!Number.isInteger(id) || id < 0 || id >= vocabulary) {
      throw new AssayError(
        "INVALID_ARGUMENT",
        `bagOfTokens: token ${at % positions} of example ${Math.floor(at / positions)} is ${id}, outside the vocabulary of ${vocabulary}.`,
        { id, vocabulary },
      );
    }
    counts[Math.floor(at / positions) * vocabulary + id]!++;
  }
  return tensor("float32", [n, vocabulary], counts);
}
