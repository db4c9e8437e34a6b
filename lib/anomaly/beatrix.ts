/** Beatrix: unusual correlations between features, by Gram matrices of several orders. */
import { AssayError } from "../errors.js";
import { type Examples, isOneTensor, type Rows, requireRepeatable, rowChunks } from "../tensor/index.js";
import { type Detector, detectorOf } from "./detector.js";

/** Most channels: the features of all orders grow with their square. */
const maxChannels = 128;
const orders = [1, 2, 3, 4, 5, 6, 7, 8] as const;
/** Doubles of features held at once: medians need all examples of a feature, and what exceeds this takes more passes. */
const FEATURE_MEMORY = 2 ** 25;
/** Examples whose features are computed together. */
const BLOCK_ROWS = 64;

/**
 * Mean overshoot of Gram features beyond median ± 10 median absolute deviations of clean examples of one class.
 *
 * Feature (p, i, j) is sgn(g) |g|^(1/p) with g the sum of x_i^p x_j^p over positions, for channels i <= j and
 * p = 1 to 8 (a published copy takes x instead of x^p, which makes all orders alike). On a layer without positions
 * the orders differ in sign only. Fit one detector per predicted class. It is weak on narrow layers (mean AUROC
 * 0.75 on 14 models), and with 30 clean examples its rate of detection varies from 0.14 to 0.69 over draws: report
 * an interval over draws.
 *
 * @param x Clean activations of one class: [n, channels, positions...] or [n, channels], at most 128 channels. Chunks
 *   of them are read as often as their features need to fit in memory.
 * @throws AssayError TOO_LARGE for more channels, INVALID_ARGUMENT for fewer than 10 examples.
 * @see W. Ma et al. (2023), The "Beatrix" resurrections: robust backdoor detection via Gram matrices. NDSS.
 */
export function fitBeatrix(x: Examples): Detector {
  requireRepeatable(x, "fitBeatrix");
  const chunks = rowChunks(x, "fitBeatrix");
  const channels = channelsOf(x);
  if (channels > maxChannels) {
    throw new AssayError(
      "TOO_LARGE",
      `fitBeatrix: ${channels} channels are more than ${maxChannels}; use a narrower tap.`,
      { channels },
    );
  }
  let [n, d] = [0, 0];
  for (const table of chunks) {
    n += table.n;
    d = table.d;
  }
  if (n < 10) {
    throw new AssayError("INVALID_ARGUMENT", `fitBeatrix: medians need at least 10 examples, got ${n}.`, {
      n,
    });
  }
  const size = orders.length * pairsOf(channels);
  const [low, high] = [new Float64Array(size), new Float64Array(size)];
  const most = Math.max(1, Math.floor(FEATURE_MEMORY / n));
  for (let from = 0; from < size; from += most) {
    const to = Math.min(size, from + most);
    columnsOf(chunks, channels, n, from, to).forEach((column, k) => {
      const centre = median(column);
      const spread = median(column.map((value) => Math.abs(value - centre)));
      low[from + k] = centre - 10 * spread;
      high[from + k] = centre + 10 * spread;
    });
  }
  return detectorOf("Beatrix (p = 1 to 8)", { n, d }, (y) => {
    const values = gramFeatures(y, channels);
    return Float64Array.from({ length: y.n }, (_, i) => {
      let sum = 0;
      for (let f = 0; f < size; f++) {
        const value = values[i * size + f]!;
        // Relative overshoot; a bound of zero counts the overshoot itself.
        if (value > high[f]!) sum += (value - high[f]!) / (Math.abs(high[f]!) || 1);
        else if (value < low[f]!) sum += (low[f]! - value) / (Math.abs(low[f]!) || 1);
      }
      return sum / size;
    });
  });
}

function channelsOf(x: Examples): number {
  if (isOneTensor(x)) return x.dims[1] ?? 1;
  for (const chunk of x) return chunk?.dims?.[1] ?? 1;
  return 1;
}

const pairsOf = (channels: number): number => (channels * (channels + 1)) / 2;

/** Features `from` up to, not including, `to` of all examples: one array for each feature. */
function columnsOf(
  chunks: Iterable<Rows>,
  channels: number,
  n: number,
  from: number,
  to: number,
): Float64Array[] {
  const columns = Array.from({ length: to - from }, () => new Float64Array(n));
  const size = orders.length * pairsOf(channels);
  let example = 0;
  for (const table of chunks) {
    for (let start = 0; start < table.n; start += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, table.n - start);
      const data = table.data.subarray(start * table.d, (start + count) * table.d);
      const features = gramFeatures({ n: count, d: table.d, data }, channels);
      for (let i = 0; i < count; i++, example++) {
        for (let f = from; f < to; f++) columns[f - from]![example] = features[i * size + f]!;
      }
    }
  }
  return columns;
}

function gramFeatures({ n, d, data }: Rows, channels: number): Float64Array {
  const positions = d / channels;
  const pairs = pairsOf(channels);
  const features = new Float64Array(n * pairs * orders.length);
  const power = new Float64Array(d);
  let to = 0;
  for (let e = 0; e < n; e++) {
    for (const p of orders) {
      for (let j = 0; j < d; j++) power[j] = data[e * d + j]! ** p;
      for (let i = 0; i < channels; i++) {
        for (let j = i; j < channels; j++) {
          let gram = 0;
          for (let q = 0; q < positions; q++) gram += power[i * positions + q]! * power[j * positions + q]!;
          features[to++] = Math.sign(gram) * Math.abs(gram) ** (1 / p);
        }
      }
    }
  }
  return features;
}

function median(values: Float64Array): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
