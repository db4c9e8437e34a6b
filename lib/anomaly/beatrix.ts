/** Beatrix: unusual correlations between features, by Gram matrices of several orders. */
import { AssayError } from "../errors.js";
import { type Rows, rows, type Tensor } from "../tensor/index.js";
import { type Detector, detectorOf } from "./detector.js";

/** Most channels: the features of all orders grow with their square. */
const maxChannels = 128;
const orders = [1, 2, 3, 4, 5, 6, 7, 8] as const;

/**
 * Mean overshoot of Gram features beyond median ± 10 median absolute deviations of clean examples of one class.
 *
 * Feature (p, i, j) is sgn(g) |g|^(1/p) with g the sum of x_i^p x_j^p over positions, for channels i <= j and
 * p = 1 to 8 (a published copy takes x instead of x^p, which makes all orders alike). On a layer without positions
 * the orders differ in sign only. Fit one detector per predicted class. It is weak on narrow layers (mean AUROC
 * 0.75 on 14 models), and with 30 clean examples its rate of detection varies from 0.14 to 0.69 over draws: report
 * an interval over draws.
 *
 * @param x Clean activations of one class: [n, channels, positions...] or [n, channels], at most 128 channels.
 * @throws AssayError TOO_LARGE for more channels, INVALID_ARGUMENT for fewer than 10 examples.
 * @see W. Ma et al. (2023), The "Beatrix" resurrections: robust backdoor detection via Gram matrices. NDSS.
 */
export function fitBeatrix(x: Tensor): Detector {
  const table = rows(x, "fitBeatrix");
  const channels = x.dims[1] ?? 1;
  if (channels > maxChannels) {
    throw new AssayError(
      "TOO_LARGE",
      `fitBeatrix: ${channels} channels are more than ${maxChannels}; use a narrower tap.`,
      { channels },
    );
  }
  if (table.n < 10) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `fitBeatrix: medians need at least 10 examples, got ${table.n}.`,
      { n: table.n },
    );
  }
  const features = gramFeatures(table, channels);
  const size = features.length / table.n;
  const [low, high] = [new Float64Array(size), new Float64Array(size)];
  const column = new Float64Array(table.n);
  for (let f = 0; f < size; f++) {
    for (let i = 0; i < table.n; i++) column[i] = features[i * size + f]!;
    const centre = median(column);
    const spread = median(column.map((value) => Math.abs(value - centre)));
    low[f] = centre - 10 * spread;
    high[f] = centre + 10 * spread;
  }
  return detectorOf("Beatrix (p = 1 to 8)", table, (y) => {
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

function gramFeatures({ n, d, data }: Rows, channels: number): Float64Array {
  const positions = d / channels;
  const pairs = (channels * (channels + 1)) / 2;
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
