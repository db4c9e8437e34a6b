/** A model's architecture with new weights: what its graph says can be trained, drawn again. */
import { AssayError } from "../errors.js";
import { wrapModel } from "../model/index.js";
import { initializersOf, intAttribute, type Model, type Node, readTensor, sortNodes } from "../onnx/index.js";
import type { Generator } from "../random/index.js";
import { type Tensor, takeExamples } from "../tensor/index.js";
import { withParameters } from "../train/index.js";

/** A model with new weights, and the names of those that training moves. */
export interface FreshModel {
  readonly model: Model;
  readonly parameters: readonly string[];
}

/** Examples that a normalization's mean and variance are taken from. */
const NORMALIZATION_EXAMPLES = 128;
/** A stored tensor of more values than this that no rule knows is a weight we cannot draw again. */
const MAX_UNKNOWN = 256;

/**
 * Draws all weights again.
 *
 * Weights of convolutions and linear layers are normal with variance 2 / inputs (He et al. 2015), those of recurrent
 * layers uniform in +-1 / sqrt(hidden), biases 0 (of an LSTM's forget gate 1), scales 1. Tables that are looked up in,
 * and what is added to every example, are normal with the spread that they have. The running means and variances of
 * batch normalization are those of the fresh model on `inputs`, and stay.
 *
 * @param options.kept Part of each old weight that the new one keeps, 0 to 1; the drawn part is scaled so that a weight of
 *   the drawn variance keeps it. Default 0: nothing.
 * @throws AssayError UNSUPPORTED_OPERATOR naming a weight whose use is not known, or where there are none to train.
 */
export async function freshWeights(
  model: Model,
  inputs: Tensor,
  random: Generator,
  { kept = 0 }: { readonly kept?: number } = {},
): Promise<FreshModel> {
  const fresh = Math.sqrt(1 - kept ** 2);
  const values: Record<string, Tensor> = {};
  const parameters: string[] = [];
  const stored = initializersOf(model.graph);
  const uses = usesOf(model);
  for (const [name, message] of stored) {
    if (Number(message.dataType) !== 1) continue;
    const old = readTensor(message) as Tensor<"float32">;
    const draw = rule(model, usesBehind(name, uses), old, random.split(name));
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
      data: Float32Array.from(old.data, (value, index) => kept * value + fresh * draw(index)),
    };
    parameters.push(name);
  }
  if (parameters.length === 0) {
    throw new AssayError(
      "UNSUPPORTED_OPERATOR",
      "References cannot be simulated: the model stores no weights that gradients can train.",
    );
  }
  return { model: await normalized(withParameters(model, values), inputs), parameters };
}

interface Use {
  readonly node: Node;
  readonly at: number;
  /** Whether the stored tensor is transposed on its way there. */
  readonly isTurned: boolean;
}

type Uses = ReadonlyMap<string, readonly Omit<Use, "isTurned">[]>;

/** Operators that hand a stored tensor on, value by value. */
const handsOn = new Set(["Identity", "Transpose", "Reshape", "Unsqueeze", "Squeeze", "Slice", "Expand"]);

/** Uses of a tensor, and of what operators that only hand it on make of it. */
function usesBehind(name: string, uses: Uses, isTurned = false): Use[] {
  return (uses.get(name) ?? []).flatMap(({ node, at }) =>
    at === 0 && handsOn.has(node.opType)
      ? usesBehind(node.outputs[0]!, uses, isTurned !== (node.opType === "Transpose"))
      : [{ node, at, isTurned }],
  );
}

function usesOf({ graph }: Model): Uses {
  const uses = new Map<string, Omit<Use, "isTurned">[]>();
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
  "SimplifiedLayerNormalization",
  "GroupNormalization",
  "InstanceNormalization",
]);

/** Value of the weight at an index. */
type Draw = (index: number) => number;

/** How a stored tensor is drawn again, by what it is used for. */
function rule(
  { graph }: Model,
  [use]: readonly Use[],
  old: Tensor<"float32">,
  random: Generator,
): "keep" | "unknown" | Draw {
  if (!use) return "keep";
  const { node, at, isTurned } = use;
  const { dims } = old;
  const type = node.opType ?? "";
  const normal = (inputs: number): Draw => spread(Math.sqrt(2 / inputs));
  const spread =
    (deviation: number): Draw =>
    () =>
      deviation * random.normal();
  const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);
  if (type === "Conv" && at === 1) return normal(product(dims.slice(1)));
  if (type === "ConvTranspose" && at === 1) return normal(dims[0]! * product(dims.slice(2)));
  if (type === "Gemm" && at === 1)
    return normal((intAttribute(node, "transB", 0) === 1) === isTurned ? dims[0]! : dims[1]!);
  if (type === "MatMul" && dims.length >= 2)
    return normal((at === 1) === isTurned ? dims.at(-1)! : dims.at(-2)!);
  if ((type === "Conv" || type === "ConvTranspose" || type === "Gemm") && at === 2) return () => 0;
  if (type === "LSTM" || type === "GRU" || type === "RNN") return recurrent(node, at, dims, random);
  if (NORMALIZATIONS.has(type)) return at === 1 ? () => 1 : at === 2 ? () => 0 : "keep";
  if (type === "PRelu" && at === 1) return () => 0.25;
  if (type === "Gather" && at === 0 && dims.length === 2) return spread(rootMeanSquare(old));
  if (type === "Concat" && dims.length >= 2 && old.data.length > 1) return spread(rootMeanSquare(old));
  if (type !== "Add" && type !== "Mul") return "unknown";
  const other = node.inputs[1 - at]!;
  const isInput = graph.inputs.some(({ name }) => name === other);
  if (old.data.length === 1 || isMask(old)) return "keep";
  if (isInput) return "unknown";
  // One value per channel: a bias or the scale of a normalization that is written out.
  if (dims.filter((size) => size > 1).length === 1) return type === "Add" ? () => 0 : () => 1;
  return type === "Add" ? spread(rootMeanSquare(old)) : "unknown";
}

/** Weights of a recurrent layer: `W`, `R` and `B` of the operator's inputs. */
function recurrent(node: Node, at: number, dims: readonly number[], random: Generator): "keep" | Draw {
  if (at < 1 || at > 3) return "keep";
  const gates = { LSTM: 4, GRU: 3, RNN: 1 }[node.opType as "LSTM" | "GRU" | "RNN"];
  const hidden = dims[1]! / (at === 3 ? 2 * gates : gates);
  if (at < 3) return () => (2 * random.uniform() - 1) / Math.sqrt(hidden);
  // Gates of an LSTM are stored as input, output, forget, cell.
  const isForget = (index: number): boolean => {
    const within = index % (8 * hidden);
    return node.opType === "LSTM" && within >= 2 * hidden && within < 3 * hidden;
  };
  return (index) => (isForget(index) ? 1 : 0);
}

const rootMeanSquare = ({ data }: Tensor<"float32">): number =>
  Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);

/** Tables that forbid, such as a causal mask: two values, or very negative ones. */
const isMask = ({ data, dims }: Tensor<"float32">): boolean =>
  dims.filter((size) => size > 1).length > 1 &&
  (data.some((value) => value < -1e3) || new Set(data).size <= 2);

/** Batch normalization in use is a fixed scale and shift: set so that each fresh layer starts normalized. */
async function normalized(model: Model, inputs: Tensor): Promise<Model> {
  let made = model;
  const few = takeExamples(
    inputs,
    Uint32Array.from({ length: Math.min(NORMALIZATION_EXAMPLES, inputs.dims[0]!) }, (_, row) => row),
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
