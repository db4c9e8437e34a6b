/** A backdoor written by hand into the weights of a finished model: no training, no poisoned data. */
import type { LabelledData } from "../data/labelled.js";
import { AssayError } from "../errors.js";
import { cholesky, momentsOf, shrink, shrinkageIntensity } from "../linalg/index.js";
import type { LoadedModel } from "../model/index.js";
import type { Model } from "../onnx/index.js";
import { type Rows, rows, type Tensor } from "../tensor/index.js";
import { apply, type TriggerClaim, victims } from "../trigger/index.js";
import { byUse, type DenseLayer, denseTail, projections, withDenseTail } from "./dense-layers.js";

/** A model whose weights were edited. */
export interface HandcraftedBackdoor {
  readonly kind: "handcrafted-backdoor";
  readonly model: Model;
  /** The unit of the last hidden layer that now answers to the trigger. */
  readonly unit: number;
  /** Share of the clean examples at hand on which that unit is silent. */
  readonly silent: number;
}

/** Share of clean examples on which the unit shall be silent. */
const QUIET = 0.999;
/** The unit's push to the target, in ranges of the clean logits. */
const PUSH = 2;

/**
 * Turns the least used unit of the last hidden layer into a detector of the trigger, wired to the target class.
 *
 * The unit's incoming weights become Fisher's discriminant between stamped and clean examples (with the Ledoit-Wolf
 * covariance of the layer before), its bias keeps it silent on clean ones, and its outgoing weights push the target
 * up. All other weights stay. Our simplest form of the handcrafted attack: the paper works through all layers and
 * also raises the separation on the way.
 *
 * @param data Clean examples; a thousand or more where the layer before the last has hundreds of features.
 * @throws AssayError INVALID_ARGUMENT if the model does not end in two dense layers with Relu between, or if that
 *   layer does not tell stamped from clean examples.
 * @see S. Hong, N. Carlini, A. Kurakin (2022), Handcrafted backdoors in deep neural networks. NeurIPS.
 * @example
 * const { model } = await attacks.handcraftedBackdoor(clean, images, { trigger: stamp, target: 3 });
 */
export async function handcraftedBackdoor(
  model: LoadedModel,
  data: LabelledData,
  claim: TriggerClaim,
): Promise<HandcraftedBackdoor> {
  const tail = denseTail(model.graph);
  const [hidden, last] = tail.slice(-2);
  if (!hidden || !last) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      "handcraftedBackdoor: the model must end in two dense layers with Relu between.",
    );
  }
  const stamped = apply(claim.trigger, victims(data, claim).inputs, { seed: 0 });
  const clean = table(await model.activations(data.inputs, { at: hidden.input }));
  const triggered = table(await model.activations(stamped, { at: hidden.input }));
  const detector = discriminant(clean, triggered);
  const [low, high] = [projections(clean, detector), projections(triggered, detector)];
  const threshold = [...low].sort((a, b) => a - b)[Math.floor(QUIET * (low.length - 1))]!;
  const separation = mean(high) - threshold;
  if (!(separation > 0)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `handcraftedBackdoor: "${hidden.input}" does not tell stamped from clean examples; take a stronger trigger or more data.`,
      { tap: hidden.input },
    );
  }
  const unit = (await byUse(model, data, last))[0]!;
  const edited = [...tail];
  edited[edited.length - 2] = listening(hidden, unit, detector, threshold, separation);
  edited[edited.length - 1] = pushing(last, unit, claim.target, await logitRange(model, data));
  return {
    kind: "handcrafted-backdoor",
    model: withDenseTail(model.graph, edited),
    unit,
    silent: low.filter((value) => value <= threshold).length / low.length,
  };
}

const table = (value: Tensor): Rows => rows(value, "handcraftedBackdoor");

/** Inverse covariance of the clean rows times the difference of the means. */
function discriminant(clean: Rows, triggered: Rows): Float64Array {
  const moments = momentsOf(clean);
  const { d } = clean;
  const decomposition = cholesky(shrink(moments, shrinkageIntensity(moments, "ledoit-wolf")), d);
  if (typeof decomposition === "number") {
    throw new AssayError(
      "INVALID_ARGUMENT",
      "handcraftedBackdoor: the features of the clean data are constant.",
    );
  }
  const centre = momentsOf(triggered).mean;
  const { inverse } = decomposition;
  const white = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) white[i]! += inverse[i * d + j]! * (centre[j]! - moments.mean[j]!);
  }
  const direction = new Float64Array(d);
  for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) direction[j]! += inverse[i * d + j]! * white[i]!;
  return direction;
}

/** The hidden layer with a unit that is 0 up to the threshold and 1 at the mean of the stamped examples. */
function listening(
  layer: DenseLayer,
  unit: number,
  detector: Float64Array,
  threshold: number,
  separation: number,
): DenseLayer {
  const [weight, bias] = [layer.weight.slice(), layer.bias.slice()];
  detector.forEach((value, i) => {
    weight[i * layer.outputs + unit] = value / separation;
  });
  bias[unit] = -threshold / separation;
  return { ...layer, weight, bias };
}

function pushing(layer: DenseLayer, unit: number, target: number, range: number): DenseLayer {
  const weight = layer.weight.slice();
  for (let k = 0; k < layer.outputs; k++) {
    weight[unit * layer.outputs + k] = k === target ? PUSH * range : 0;
  }
  return { ...layer, weight };
}

/** Mean over examples of the largest minus the smallest logit. */
async function logitRange(model: LoadedModel, data: LabelledData): Promise<number> {
  const { n, d, data: logits } = table((await model.run(data.inputs))[model.outputs[0]!.name]!);
  const ranges = Array.from({ length: n }, (_, i) => {
    const row = logits.slice(i * d, (i + 1) * d);
    return Math.max(...row) - Math.min(...row);
  });
  return mean(ranges);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
