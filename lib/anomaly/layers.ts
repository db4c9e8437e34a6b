/** One detector at each layer, and one score from all of them. */
import { AssayError } from "../errors.js";
import { conformalPValues } from "../stats/index.js";
import type { Examples } from "../tensor/index.js";
import type { Detector } from "./detector.js";
import type { Layers, LayerwiseDetector } from "./layerwise.js";

/** Options of {@link fitLayers}. */
export interface LayersOptions {
  /** Fits the detector of one layer, e.g. `(x) => anomaly.fitPcaResidual(x)`. */
  readonly fit: (x: Examples, layer: string) => Pick<Detector, "scores">;
  /**
   * - "mean": mean of the layers' scores in their clean deviations: for anomalies that show at many layers.
   * - "max": the largest of them: for anomalies that show at one.
   * - "fisher": minus twice the sum of log conformal p-values: free of the scores' scales, but all scores above the
   *   highest calibration score count alike.
   *
   * Default "mean".
   */
  readonly combine?: "mean" | "max" | "fisher";
}

/**
 * Fits a detector at every layer to clean activations, and joins their scores on a common scale that held-out clean
 * activations give.
 *
 * The joint score has no known distribution: set its threshold by `detect` on clean examples that are neither in
 * `clean` nor in `calibration`.
 *
 * @param clean Clean activations by tap; all of the same examples.
 * @param calibration Activations at the same taps of other clean examples, at least 2.
 * @throws AssayError SHAPE_MISMATCH for a missing layer, INVALID_ARGUMENT for none or for calibration scores that do
 *   not vary.
 * @example
 * anomaly.fitLayers(fitting, calibration, { fit: (x) => ({ scores: anomaly.fitGaussian(x).mahalanobis }), combine: "max" })
 */
export function fitLayers(
  clean: Layers,
  calibration: Layers,
  { fit: fitOne, combine = "mean" }: LayersOptions,
): LayerwiseDetector {
  const names = Object.keys(clean);
  if (names.length === 0 || !["mean", "max", "fisher"].includes(combine)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `fitLayers: expected at least one layer and a way to combine among mean, max and fisher, got ${names.length} and "${combine}".`,
      { names, combine },
    );
  }
  const parts = names.map((name) => {
    const detector = fitOne(clean[name]!, name);
    const scores = detector.scores(layerOf(calibration, name));
    return { name, detector, scores, ...scaleOf(scores, name) };
  });
  const n = parts[0]!.scores.length;
  return {
    kind: "detector",
    name: `${combine} of ${names.length} layers`,
    layers: names,
    d: names.length,
    n,
    warnings: n < 20 ? [`only ${n} calibration examples: the layers' scales are rough.`] : [],
    scores: (y) => {
      const columns = parts.map(({ name, detector, scores, mean, deviation }) => {
        const own = detector.scores(layerOf(y, name));
        return combine === "fisher"
          ? conformalPValues(scores, own).map((p) => -2 * Math.log(p))
          : own.map((score) => (score - mean) / deviation);
      });
      const odd = columns.findIndex((column) => column.length !== columns[0]!.length);
      if (odd >= 0) throw missing(names[odd]!);
      return columns[0]!.map((_, i) => {
        const values = columns.map((column) => column[i]!);
        if (combine === "max") return Math.max(...values);
        const sum = values.reduce((total, value) => total + value, 0);
        return combine === "mean" ? sum / values.length : sum;
      });
    },
  };
}

function layerOf(layers: Layers, name: string): Examples {
  const layer = layers[name];
  if (layer === undefined) throw missing(name);
  return layer;
}

function scaleOf(scores: Float64Array, name: string): { mean: number; deviation: number } {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const square = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  const deviation = Math.sqrt(square / (scores.length - 1));
  if (deviation > 0) return { mean, deviation };
  throw new AssayError(
    "INVALID_ARGUMENT",
    `fitLayers: the ${scores.length} calibration scores of layer "${name}" do not vary; give at least 2 that do.`,
    { name, n: scores.length },
  );
}

const missing = (name: string): AssayError =>
  new AssayError("SHAPE_MISMATCH", `fitLayers: layer "${name}" is missing or has other examples.`, { name });
