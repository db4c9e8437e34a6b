/**
 * Which tokens does a model treat unlike clean models do? A screening that needs forward passes only.
 *
 * Every token is put into a few texts, and the mean of what the last layer then reads is the model's response to
 * it. Clean models of one task respond to the same token in ways that predict one another linearly; the tokens of a
 * planted trigger have a meaning of their own in the attacked model, even where a single one of them changes no
 * answer. So each token is scored by how far its response lies from what the references' responses predict, as a
 * squared Mahalanobis distance among all tokens.
 *
 * Needs some hundred tokens. Without references the distance is of the responses themselves: weaker, but
 * still useful to choose where to search. Rare tokens, which no training has shaped, are outliers too, so a high
 * score is no evidence by itself.
 */

import { cholesky, momentsOf, multiply, shrink, shrinkageIntensity } from "../../../linalg/index.js";
import { stopIfAborted } from "../abort.js";
import type { Carriers } from "../carriers.js";
import type { TokenModel } from "../model/token-model.js";

/** What a model does with every token. */
export interface TokenResponses {
  /** Mean features, row-major `[tokens, width]`, less their mean over tokens. */
  readonly features: Float64Array;
  readonly width: number;
  /** Cross-entropy of each class, mean over carriers whose label differs, `[tokens, classes]`. */
  readonly crossEntropies: Float64Array;
}

/** Tokens per call: keeps the sequences of one call to some megabytes. */
const CHUNK = 256;

/** Most features that are looked at; a wider layer is folded to this by random signs. */
const MAX_WIDTH = 96;

/** Responses of one model to every token of `tokens`. */
export async function tokenResponses(
  model: TokenModel,
  carriers: Carriers,
  tokens: Int32Array,
  signal?: AbortSignal,
): Promise<TokenResponses> {
  const { count, classes, labels } = carriers;
  let features = new Float64Array(0);
  let width = 0;
  const crossEntropies = new Float64Array(tokens.length * classes);
  const counted = Array.from({ length: classes }, (_, k) =>
    labels.reduce((n, label) => n + (label === k ? 0 : 1), 0),
  );
  for (let start = 0; start < tokens.length; start += CHUNK) {
    stopIfAborted(signal);
    const part = tokens.subarray(start, start + CHUNK);
    const seen = await model.features(carriers.insert(Array.from(part, (token) => [token])));
    if (start === 0) {
      width = Math.min(seen.width, MAX_WIDTH);
      features = new Float64Array(tokens.length * width);
    }
    for (let i = 0; i < part.length * count; i++) {
      const row = start + Math.floor(i / count);
      for (let j = 0; j < seen.width; j++) {
        const at = row * width + (j % width);
        features[at] = features[at]! + (signOf(j, width) * seen.features[i * seen.width + j]!) / count;
      }
      const label = labels[i % count]!;
      const logits = seen.logits.subarray(i * classes, (i + 1) * classes);
      const most = logits.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
      const log = most + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - most), 0));
      for (let k = 0; k < classes; k++) {
        if (k === label) continue;
        const at = row * classes + k;
        crossEntropies[at] = crossEntropies[at]! + (log - logits[k]!) / Math.max(counted[k]!, 1);
      }
    }
  }
  return { features: centred(features, width), width, crossEntropies };
}

/** Folding: features that share a place get signs that do not cancel a common drift. */
const signOf = (j: number, width: number): number =>
  Math.imul(Math.floor(j / width), 0x9e3779b1) >>> 31 === 1 ? -1 : 1;

function centred(features: Float64Array, width: number): Float64Array {
  const rows = features.length / width;
  for (let j = 0; j < width; j++) {
    let mean = 0;
    for (let i = 0; i < rows; i++) mean += features[i * width + j]! / rows;
    for (let i = 0; i < rows; i++) features[i * width + j] = features[i * width + j]! - mean;
  }
  return features;
}

/**
 * How unlike the references' each token's response is: squared Mahalanobis distance of what they do not predict.
 *
 * @returns One value per token, higher is more unusual.
 */
export function unusualResponses(own: TokenResponses, references: readonly TokenResponses[]): Float64Array {
  const { width } = own;
  const rows = own.features.length / width;
  const y = { rows, columns: width, data: own.features };
  const rest = references.length === 0 ? own.features : residuals(y, references, rows);
  return mahalanobis(rest, rows, width);
}

/** What a ridge regression on the references' responses leaves of a model's. */
function residuals(
  y: { rows: number; columns: number; data: Float64Array },
  references: readonly TokenResponses[],
  rows: number,
): Float64Array {
  const columns = references.reduce((sum, { width }) => sum + width, 0);
  const data = new Float64Array(rows * columns);
  let at = 0;
  for (const { features, width } of references) {
    for (let i = 0; i < rows; i++) {
      data.set(features.subarray(i * width, (i + 1) * width), i * columns + at);
    }
    at += width;
  }
  const x = { rows, columns, data };
  const gram = multiply(x, x, { transposeA: true });
  let trace = 0;
  for (let i = 0; i < columns; i++) trace += gram.data[i * columns + i]!;
  // Directions with less than a thousandth of the mean variance are noise, and would be fitted.
  for (let i = 0; i < columns; i++)
    gram.data[i * columns + i]! += (1e-3 * trace) / columns + Number.MIN_VALUE;
  const factor = cholesky(gram.data, columns);
  if (typeof factor === "number") return y.data;
  const inverse = { rows: columns, columns, data: factor.inverse };
  const right = multiply(inverse, multiply(x, y, { transposeA: true }));
  const fitted = multiply(x, multiply(inverse, right, { transposeA: true }));
  return y.data.map((value, i) => value - fitted.data[i]!);
}

function mahalanobis(data: Float64Array, rows: number, width: number): Float64Array {
  const moments = momentsOf({ n: rows, d: width, data });
  const covariance = shrink(moments, Math.max(1e-3, shrinkageIntensity(moments, "ledoit-wolf")));
  const factor = cholesky(covariance, width);
  if (typeof factor === "number") return new Float64Array(rows);
  const whitened = multiply(
    { rows, columns: width, data },
    { rows: width, columns: width, data: factor.inverse },
    { transposeB: true },
  );
  return Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += whitened.data[i * width + j]! ** 2;
    return sum;
  });
}
