/** The dense layers at the end of a classifier, for attackers that write into its weights. */
import type { LabelledData } from "../data/labelled.js";
import { AssayError } from "../errors.js";
import { meanOf } from "../linalg/index.js";
import type { LoadedModel } from "../model/index.js";
import {
  floatAttribute,
  initializersOf,
  intAttribute,
  type Model,
  type Node,
  producersOf,
  readTensor,
  tensorMessage,
} from "../onnx/index.js";
import { type Rows, rows, type Tensor, tensor } from "../tensor/index.js";

/** One dense layer, `output = input · weight + bias`. */
export interface DenseLayer {
  /** Name of the tensor that it reads, `[batch, inputs]`. */
  readonly input: string;
  readonly inputs: number;
  readonly outputs: number;
  /** `[inputs, outputs]`, row-major, whatever way the file stores it. */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

interface Stored extends DenseLayer {
  readonly weightName: string;
  readonly biasName: string;
  readonly isTransposed: boolean;
}

/**
 * The dense layers from the logits backwards, as far as they follow one another with Relu between: the first of them
 * comes first.
 *
 * @throws AssayError INVALID_ARGUMENT if the model does not end in a dense layer whose weights the file stores.
 */
export function denseTail(model: Model): DenseLayer[] {
  return storedTail(model);
}

/** The model with other values in its dense tail: one entry a layer, in the order of `denseTail`. */
export function withDenseTail(model: Model, values: readonly Pick<DenseLayer, "weight" | "bias">[]): Model {
  const changed = new Map<string, Tensor>();
  storedTail(model).forEach(({ weightName, biasName, isTransposed, inputs, outputs }, i) => {
    const { weight, bias } = values[i]!;
    const dims = isTransposed ? [outputs, inputs] : [inputs, outputs];
    const data = isTransposed ? transposed(weight, inputs, outputs) : weight;
    changed.set(weightName, tensor("float32", dims, data));
    changed.set(biasName, tensor("float32", [outputs], bias));
  });
  const initializers = model.graph.initializers.map((message) => {
    const value = changed.get(message.name ?? "");
    return value === undefined ? message : tensorMessage(message.name!, value);
  });
  return { ...model, graph: { ...model.graph, initializers } };
}

/**
 * The units that a layer reads, the least used first: by mean activation on clean examples times the largest outgoing
 * weight.
 */
export async function byUse(model: LoadedModel, data: LabelledData, layer: DenseLayer): Promise<number[]> {
  const activations = await model.activations(data.inputs, { at: layer.input });
  const use = Array.from(meanOf(rows(activations, "attacks")), (value, unit) => {
    const outgoing = layer.weight.subarray(unit * layer.outputs, (unit + 1) * layer.outputs);
    return Math.abs(value) * Math.max(...outgoing.map(Math.abs));
  });
  return use.map((_, unit) => unit).sort((a, b) => use[a]! - use[b]!);
}

/** Component of each example along a direction. */
export function projections({ n, d, data }: Rows, direction: Float64Array): number[] {
  return Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += data[i * d + j]! * direction[j]!;
    return sum;
  });
}

function storedTail(model: Model): Stored[] {
  const producers = producersOf(model.graph);
  const behind = (name: string, skipped: readonly string[]): Node | undefined => {
    const node = producers.get(name);
    return node && skipped.includes(node.opType) ? behind(node.inputs[0]!, skipped) : node;
  };
  const layers: Stored[] = [];
  let node = behind(model.graph.outputs[0]?.name ?? "", ["Softmax", "LogSoftmax", "Identity"]);
  for (;;) {
    const layer = node && storedLayer(model, node, producers);
    if (!layer) break;
    layers.unshift(layer);
    node = producers.get(layer.input);
    if (node?.opType !== "Relu") break;
    node = producers.get(node.inputs[0]!);
  }
  if (layers.length > 0) return layers;
  throw new AssayError(
    "INVALID_ARGUMENT",
    "The model does not end in a dense layer (Gemm, or MatMul with Add) whose float32 weights and bias the file stores.",
  );
}

function storedLayer(model: Model, node: Node, producers: ReadonlyMap<string, Node>): Stored | undefined {
  const isSum = node.opType === "Add";
  const product = isSum ? producers.get(node.inputs[0]!) : node;
  if (product?.opType !== (isSum ? "MatMul" : "Gemm")) return undefined;
  const isPlain =
    isSum ||
    (intAttribute(product, "transA", 0) === 0 &&
      floatAttribute(product, "alpha", 1) === 1 &&
      floatAttribute(product, "beta", 1) === 1);
  const [input = "", weightName = ""] = product.inputs;
  const biasName = (isSum ? node.inputs[1] : product.inputs[2]) ?? "";
  const initializers = initializersOf(model.graph);
  const [weight, bias] = [weightName, biasName].map((name) => {
    const message = initializers.get(name);
    return message && readTensor(message);
  });
  if (!isPlain || weight?.type !== "float32" || bias?.type !== "float32") return undefined;
  const isTransposed = !isSum && intAttribute(product, "transB", 0) === 1;
  const [rows = 0, columns = 0] = weight.dims;
  const [inputs, outputs] = isTransposed ? [columns, rows] : [rows, columns];
  if (weight.dims.length !== 2 || bias.data.length !== outputs) return undefined;
  const stored = weight.data as Float32Array;
  return {
    input,
    inputs,
    outputs,
    weight: isTransposed ? transposed(stored, outputs, inputs) : stored.slice(),
    bias: (bias.data as Float32Array).slice(),
    weightName,
    biasName,
    isTransposed,
  };
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j]!;
  }
  return turned;
}
