/** Scores of several layers joined into one. */
import { AssayError } from "../errors.js";
import { type Tensor, tensor } from "../tensor/index.js";
import type { Detector } from "./detector.js";
import { fitGaussian } from "./gaussian.js";
import { fitDiagonalGaussian } from "./simple-detectors.js";

/** Activations of the same examples at several taps. */
export type Layers = Readonly<Record<string, Tensor>>;

/** A detector that reads several layers at once. */
export interface LayerwiseDetector extends Omit<Detector, "scores"> {
  readonly layers: readonly string[];
  scores(y: Layers): Float64Array;
}

/**
 * Layerwise convergence: how far each step from layer to layer is from its usual course, all steps together.
 *
 * A diagonal Gaussian scores each difference of consecutive layers of equal size (or the layer itself, where
 * sizes differ); the vectors of log scores then get a Ledoit-Wolf Mahalanobis distance of their own.
 *
 * @param layers Clean activations by tap, in the model's order; all of the same examples.
 * @throws AssayError INVALID_ARGUMENT for fewer than two layers, SHAPE_MISMATCH for unequal numbers of examples.
 * @see Layerwise convergence fingerprints (2026), arXiv 2604.24542.
 */
export function fitLayerwise(layers: Layers): LayerwiseDetector {
  const names = Object.keys(layers);
  if (names.length < 2) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `fitLayerwise: expected at least 2 layers, got ${names.length}.`,
      { names },
    );
  }
  const steps = stepsOf(layers, names);
  const detectors = steps.map(fitDiagonalGaussian);
  const n = steps[0]!.dims[0]!;
  const vectors = (own: readonly Tensor[]): Tensor => {
    const columns = own.map((step, k) => detectors[k]!.scores(step).map((score) => Math.log(score + 1e-12)));
    const count = columns[0]!.length;
    return tensor(
      "float64",
      [count, columns.length],
      Float64Array.from(
        { length: count * columns.length },
        (_, at) => columns[at % columns.length]![Math.floor(at / columns.length)]!,
      ),
    );
  };
  const joint = fitGaussian(vectors(steps));
  return {
    kind: "detector",
    name: `layerwise (${names.length} layers)`,
    layers: names,
    d: detectors.length,
    n,
    warnings: [...new Set(detectors.flatMap((detector) => detector.warnings))],
    scores: (y) => joint.mahalanobis(vectors(stepsOf(y, names))),
  };
}

function stepsOf(layers: Layers, names: readonly string[]): Tensor[] {
  const n = layers[names[0]!]?.dims[0];
  return names.map((name, k) => {
    const here = layers[name];
    if (!here || here.dims[0] !== n) {
      throw new AssayError("SHAPE_MISMATCH", `layerwise: layer "${name}" is missing or has other examples.`, {
        name,
      });
    }
    const before = k > 0 ? layers[names[k - 1]!] : undefined;
    if (!before || before.data.length !== here.data.length) return here;
    const data = Float64Array.from(
      { length: here.data.length },
      (_, i) => Number(here.data[i]) - Number(before.data[i]),
    );
    return tensor("float64", here.dims, data);
  });
}
