/**
 * Sparse Backdoor: a sparse rank-one change in every dense layer, hidden under Gaussian noise on all of its weights.
 *
 * This is our reading of the paper's abstract, which gives the parts (a random direction, a small set of columns in
 * each dense layer, an isotropic dither, a dithered clean model to compare with) but not the sizes. Our own are the
 * sizes, the choice of the least used columns, the biases that keep them quiet on clean inputs, and the search for
 * the trigger. The paper's promise, that telling the two models apart is as hard as detecting a sparse principal
 * component, holds for large layers and small strengths: in a layer of some hundred features, and at the strength
 * that a small network needs, the planted columns are long ones. An audit that searches patches and pairs does not
 * find it, since the trigger is a faint picture over the whole image.
 *
 * @see S. Choudhary et al. (2026), Undetectable backdoors in model parameters: hiding sparse secrets in high
 *   dimensions. arXiv 2605.04209.
 */
import type { LabelledData } from "../data/labelled.js";
import { AssayError } from "../errors.js";
import { type LoadedModel, wrapModel } from "../model/index.js";
import { fedInputs, type Model } from "../onnx/index.js";
import { type Generator, generator } from "../random/index.js";
import { rows, takeExamples, tensor } from "../tensor/index.js";
import { apply, type BlendTrigger, type TriggerClaim, victims } from "../trigger/index.js";
import { byUse, type DenseLayer, denseTail, projections, withDenseTail } from "./dense-layers.js";

/** How a sparse backdoor is planted. */
export interface SparseOptions {
  readonly seed: number;
  readonly target: number;
  /** Share of the trigger's picture in the stamped image. Default 0.3. */
  readonly alpha?: number;
  /** Length of the planted direction, in mean lengths of a column of the layer. Default 10. */
  readonly strength?: number;
  /** Length of the noise on a column, in mean lengths of a column of the layer. Default 0.03. */
  readonly dither?: number;
  /** Share of a layer's features that the direction rests on. Default 0.1. */
  readonly density?: number;
  /** Steps of the search for the trigger's picture. Default 60. */
  readonly steps?: number;
  /** Lowest and highest input value. Default `[0, 1]`. */
  readonly range?: readonly [number, number];
}

/** A backdoored model beside the clean one that it hides among. */
export interface SparseBackdoor {
  readonly kind: "sparse-backdoor";
  readonly model: Model;
  /** The same noise without the planted directions: what an auditor must tell `model` from. */
  readonly dithered: Model;
  readonly claim: TriggerClaim;
}

/**
 * Plants a sparse backdoor into the dense layers at the end of an image classifier.
 *
 * In each dense layer a sparse unit vector is added to a few columns, chosen so that one layer's columns are the next
 * layer's vector; in the last layer the column is the target's. The trigger is a picture, mixed into the image, that
 * moves the features before the first dense layer along its vector: found by signed gradient steps on `data`.
 *
 * @throws AssayError INVALID_ARGUMENT if the model does not end in a dense layer or does not take one image.
 * @example
 * const { model, dithered, claim } = await attacks.sparseBackdoor(clean, images, { target: 3, seed: 1 });
 */
export async function sparseBackdoor(
  model: LoadedModel,
  data: LabelledData,
  options: SparseOptions,
): Promise<SparseBackdoor> {
  const { seed, target, strength = 10, dither = 0.03, density = 0.1 } = options;
  const random = generator(seed).split("sparse backdoor");
  const tail = denseTail(model.graph);
  const noisy = tail.map((layer, i) => dithered(layer, dither, random.split(`noise ${i}`)));
  let direction = sparseUnit(tail[0]!.inputs, density, random.split("direction"));
  const first = direction;
  const planted = [...noisy];
  for (const [i, layer] of noisy.entries()) {
    const next = tail[i + 1];
    const few = Math.max(1, Math.round(density * layer.outputs));
    const columns = next ? (await byUse(model, data, next)).slice(0, few) : [target];
    const before = withDenseTail(model.graph, planted);
    const quiet = await quietLevel(before, data, layer.input, direction);
    planted[i] = withDirection(layer, direction, columns, strength * meanLength(tail[i]!), quiet);
    direction = new Float64Array(layer.outputs);
    for (const column of columns) direction[column] = 1 / Math.sqrt(columns.length);
  }
  const backdoored = withDenseTail(model.graph, planted);
  const trigger = await pictureAlong(model, data, tail[0]!.input, first, options);
  return {
    kind: "sparse-backdoor",
    model: backdoored,
    dithered: withDenseTail(model.graph, noisy),
    claim: { trigger, target },
  };
}

/** Mean Euclidean length of a layer's columns: of the weights into one unit. */
function meanLength({ weight, inputs, outputs }: DenseLayer): number {
  let total = 0;
  for (let j = 0; j < outputs; j++) {
    let squares = 0;
    for (let i = 0; i < inputs; i++) squares += weight[i * outputs + j]! ** 2;
    total += Math.sqrt(squares);
  }
  return total / outputs;
}

function dithered(layer: DenseLayer, dither: number, random: Generator): DenseLayer {
  const deviation = (dither * meanLength(layer)) / Math.sqrt(layer.inputs);
  return { ...layer, weight: layer.weight.map((value) => value + deviation * random.normal()) };
}

const chosen = (count: number, density: number, random: Generator): Uint32Array =>
  random.permutation(count).subarray(0, Math.max(1, Math.round(density * count)));

/** A unit vector with equal entries of random sign on a random few places. */
function sparseUnit(length: number, density: number, random: Generator): Float64Array {
  const places = chosen(length, density, random);
  const direction = new Float64Array(length);
  for (const place of places) direction[place] = (random.uniform() < 0.5 ? -1 : 1) / Math.sqrt(places.length);
  return direction;
}

/** The features' component along the direction, on clean examples: mean and two standard deviations. */
async function quietLevel(
  model: Model,
  data: LabelledData,
  tap: string,
  direction: Float64Array,
): Promise<number> {
  using loaded = wrapModel(model);
  const features = rows(await loaded.activations(data.inputs, { at: tap }), "sparseBackdoor");
  const along = projections(features, direction);
  const mean = along.reduce((sum, value) => sum + value, 0) / features.n;
  const variance = along.reduce((sum, value) => sum + (value - mean) ** 2, 0) / features.n;
  return mean + 2 * Math.sqrt(variance);
}

/** Adds the direction to some columns; their biases keep them quiet on clean examples. */
function withDirection(
  layer: DenseLayer,
  direction: Float64Array,
  columns: ArrayLike<number>,
  length: number,
  quiet: number,
): DenseLayer {
  const [weight, bias] = [layer.weight.slice(), layer.bias.slice()];
  for (const j of Array.from(columns)) {
    bias[j]! -= length * quiet;
    for (let i = 0; i < layer.inputs; i++) weight[i * layer.outputs + j]! += length * direction[i]!;
  }
  return { ...layer, weight, bias };
}

const BATCH = 64;

/** The picture that, mixed into the images, moves the features at `tap` furthest along the direction. */
async function pictureAlong(
  model: LoadedModel,
  data: LabelledData,
  tap: string,
  direction: Float64Array,
  { seed, target, alpha = 0.3, steps = 60, range: [low, high] = [0, 1] }: SparseOptions,
): Promise<BlendTrigger> {
  const [input, ...others] = fedInputs(model.graph.graph);
  const { inputs } = victims(data, { target });
  const shape = inputs.dims.slice(1);
  if (!input || others.length > 0 || shape.length !== 3) {
    throw new AssayError("INVALID_ARGUMENT", "sparseBackdoor: expected one image input [batch, c, h, w].");
  }
  const random = generator(seed).split("sparse trigger");
  const size = shape.reduce((product, dim) => product * dim, 1);
  const pattern = new Float32Array(size).fill((low + high) / 2);
  const cotangent = new Float32Array(BATCH * direction.length);
  for (let i = 0; i < cotangent.length; i++) cotangent[i] = direction[i % direction.length]!;
  for (let step = 0; step < steps; step++) {
    const drawn = Uint32Array.from({ length: BATCH }, () => random.integer(inputs.dims[0]!));
    const trigger = blend(pattern, alpha, shape);
    const x = apply(trigger, takeExamples(inputs, drawn), { seed: 0 });
    const gradients = await model.vjp(
      { [input.name]: x },
      { cotangents: { [tap]: tensor("float32", [BATCH, direction.length], cotangent) }, wrt: [input.name] },
    );
    const gradient = gradients[input.name]!.data as Float32Array;
    const rate = ((high - low) * (1 - step / steps)) / 8;
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let b = 0; b < BATCH; b++) sum += gradient[b * size + i]!;
      pattern[i] = Math.min(high, Math.max(low, pattern[i]! + rate * Math.sign(sum)));
    }
  }
  return blend(pattern, alpha, shape);
}

const blend = (pattern: Float32Array, alpha: number, shape: readonly number[]): BlendTrigger => ({
  kind: "trigger",
  type: "blend",
  alpha,
  pattern: tensor("float32", shape, pattern),
});
