/** Scores of several layers joined into one. */
import { AssayError } from "../errors.js";
import { type Examples, isOneTensor, requireRepeatable, type Tensor, tensor } from "../tensor/index.js";
import type { Detector } from "./detector.js";
import { fitGaussian } from "./gaussian.js";
import { fitDiagonalGaussian } from "./simple-detectors.js";

/** Activations of the same examples at several taps: tensors, or chunks of the same examples at each tap. */
export type Layers = Readonly<Record<string, Examples>>;

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
 * @param layers Clean activations by tap, in the model's order; all of the same examples. Chunks are read twice.
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
  for (const name of names) requireRepeatable(layers[name]!, "fitLayerwise");
  const steps = stepsOf(layers, names);
  const detectors = steps.map(fitDiagonalGaussian);
  const vectors = (own: readonly Examples[]): Tensor => {
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
    n: joint.n,
    warnings: [...new Set(detectors.flatMap((detector) => detector.warnings))],
    scores: (y) => {
      for (const layer of Object.values(y)) requireRepeatable(layer, "layerwise");
      return joint.mahalanobis(vectors(stepsOf(y, names)));
    },
  };
}

function stepsOf(layers: Layers, names: readonly string[]): Examples[] {
  return names.map((name, k) => {
    const here = layers[name];
    if (here === undefined) throw unequal(name);
    const first = layers[names[0]!]!;
    if (isOneTensor(here) && isOneTensor(first) && here.dims[0] !== first.dims[0]) throw unequal(name);
    const before = k > 0 ? layers[names[k - 1]!]! : undefined;
    if (before === undefined) return here;
    if (isOneTensor(here) && isOneTensor(before)) return stepOf(before, here, name);
    return { [Symbol.iterator]: () => steps(chunksOf(before), chunksOf(here), name) };
  });
}

const chunksOf = (x: Examples): Iterable<Tensor> => (isOneTensor(x) ? [x] : x);

/** The steps of chunk after chunk; both layers must be cut alike. */
function* steps(before: Iterable<Tensor>, here: Iterable<Tensor>, name: string): Iterator<Tensor> {
  const earlier = before[Symbol.iterator]();
  for (const chunk of here) {
    const last = earlier.next();
    if (last.done) throw unequal(name);
    yield stepOf(last.value, chunk, name);
  }
  if (!earlier.next().done) throw unequal(name);
}

/** The difference of two layers of equal size, else the later one. */
function stepOf(before: Tensor, here: Tensor, name: string): Tensor {
  if (before.dims[0] !== here.dims[0]) throw unequal(name);
  if (before.data.length !== here.data.length) return here;
  const data = Float64Array.from(
    { length: here.data.length },
    (_, i) => Number(here.data[i]) - Number(before.data[i]),
  );
  return tensor("float64", here.dims, data);
}

const unequal = (name: string): AssayError =>
  new AssayError("SHAPE_MISMATCH", `layerwise: layer "${name}" is missing or has other examples.`, { name });
