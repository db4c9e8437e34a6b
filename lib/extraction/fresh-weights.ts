/** A model's architecture with new weights: what its graph says can be trained, drawn again. */
import { AssayError } from "../errors.js";
import { wrapModel } from "../model/index.js";
import {
  initializersOf,
  intAttribute,
  type Model,
  type Node,
  producersOf,
  readTensor,
  sortNodes,
} from "../onnx/index.js";
import type { Generator } from "../random/index.js";
import { type Tensor, takeExamples } from "../tensor/index.js";
import { withParameters } from "../train/index.js";

/** A model with new weights, and the names of those that training moves. */
export interface FreshModel {
  readonly model: Model;
  readonly parameters: readonly string[];
}

/** Images that a normalization's mean and variance are taken from. */
const NORMALIZATION_IMAGES = 128;
/** A stored tensor of more values than this that no rule knows is a weight we cannot draw again. */
const MAX_UNKNOWN = 256;

/**
 * Draws all weights again.
 *
 * Weights of convolutions and linear layers are normal with variance 2 / inputs (He et al. 2015), biases 0, scales
 * 1. The running means and variances of batch normalization are those of the fresh model on `inputs`, and stay.
 *
 * @throws AssayError UNSUPPORTED_OPERATOR naming a weight whose use is not known.
 */
export async function freshWeights(
  model: Model,
  inputs: Tensor<"float32">,
  random: Generator,
): Promise<FreshModel> {
  const values: Record<string, Tensor> = {};
  const parameters: string[] = [];
  const stored = initializersOf(model.graph);
  const uses = usesOf(model);
  for (const [name, message] of stored) {
    if (Number(message.dataType) !== 1) continue;
    const old = readTensor(message) as Tensor<"float32">;
    const draw = rule(model, uses.get(name) ?? [], old.dims, random.split(name));
    if (draw === "keep") continue;
    if (draw === "unknown") {
      if (old.data.length <= MAX_UNKNOWN) continue;
      throw new AssayError(
        "UNSUPPORTED_OPERATOR",
        `References cannot be simulated: nothing is known of the weight "${name}" [${old.dims.join(", ")}].`,
        { name },
      );
    }
    values[name] = {
      type: "float32",
      dims: old.dims,
      data: Float32Array.from({ length: old.data.length }, draw),
    };
    parameters.push(name);
  }
  return { model: await normalized(withParameters(model, values), inputs), parameters };
}

interface Use {
  readonly node: Node;
  readonly at: number;
}

function usesOf({ graph }: Model): Map<string, Use[]> {
  const uses = new Map<string, Use[]>();
  for (const node of graph.nodes) {
    node.inputs.forEach((name, at) => {
      if (name !== "") uses.set(name, [...(uses.get(name) ?? []), { node, at }]);
    });
  }
  return uses;
}

const NORMALIZATIONS = new Set([
  "BatchNormalization",
  "LayerNormalization",
  "GroupNormalization",
  "InstanceNormalization",
]);

/** How a stored tensor is drawn again, by what it is used for. */
function rule(
  model: Model,
  uses: readonly Use[],
  dims: readonly number[],
  random: Generator,
): "keep" | "unknown" | (() => number) {
  const [use] = uses;
  if (!use) return "keep";
  const { node, at } = use;
  const type = node.opType ?? "";
  const normal = (inputs: number) => {
    const deviation = Math.sqrt(2 / inputs);
    return () => deviation * random.normal();
  };
  const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);
  if (type === "Conv" && at === 1) return normal(product(dims.slice(1)));
  if (type === "ConvTranspose" && at === 1) return normal(dims[0]! * product(dims.slice(2)));
  if (type === "Gemm" && at === 1) return normal(intAttribute(node, "transB", 0) === 1 ? dims[1]! : dims[0]!);
  if (type === "MatMul" && at === 1 && dims.length >= 2) return normal(dims.at(-2)!);
  if ((type === "Conv" || type === "ConvTranspose" || type === "Gemm") && at === 2) return () => 0;
  if (NORMALIZATIONS.has(type)) return at === 1 ? () => 1 : at === 2 ? () => 0 : "keep";
  if (type === "PRelu" && at === 1) return () => 0.25;
  if (type === "Add") {
    const other = producersOf(model.graph).get(node.inputs[1 - at]!)?.opType;
    return other === "MatMul" || other === "Conv" ? () => 0 : "unknown";
  }
  return "unknown";
}

/** Batch normalization in use is a fixed scale and shift: set so that each fresh layer starts normalized. */
async function normalized(model: Model, inputs: Tensor<"float32">): Promise<Model> {
  let made = model;
  const few = takeExamples(
    inputs,
    Uint32Array.from({ length: Math.min(NORMALIZATION_IMAGES, inputs.dims[0]!) }, (_, row) => row),
  );
  for (const node of sortNodes(model.graph.nodes).filter(({ opType }) => opType === "BatchNormalization")) {
    using current = wrapModel(made);
    const { data, dims } = await current.activations(few, { at: node.inputs[0]! });
    const [mean, variance] = channelMoments(data as Float32Array, dims);
    const names = [node.inputs[3]!, node.inputs[4]!] as const;
    made = withParameters(made, {
      [names[0]]: { type: "float32", dims: [mean.length], data: mean },
      [names[1]]: { type: "float32", dims: [variance.length], data: variance },
    });
  }
  return made;
}

function channelMoments(data: Float32Array, dims: readonly number[]): [Float32Array, Float32Array] {
  const [count, channels] = dims as [number, number];
  const plane = data.length / (count * channels);
  const mean = new Float64Array(channels);
  const square = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / plane) % channels;
    mean[channel] = mean[channel]! + data[i]! / (count * plane);
  }
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / plane) % channels;
    square[channel] = square[channel]! + (data[i]! - mean[channel]!) ** 2 / (count * plane);
  }
  return [Float32Array.from(mean), Float32Array.from(square, (value) => value + 1e-5)];
}
