/**
 * Quantized models with the arithmetic of whole numbers replaced by that of floats, as it was before quantization: the
 * same function but for rounding, and one that has a slope.
 *
 * Covers what onnxruntime's and torch's tools write: QuantizeLinear and DequantizeLinear around float operators,
 * QLinearConv and its like, and MatMulInteger or ConvInteger behind DynamicQuantizeLinear.
 */
import { attribute, floatAttribute, intAttribute } from "../attributes.js";
import { type GraphBuilder, graphBuilder } from "../builder.js";
import { fedInputs, initializersOf, isStandard, prune, readsOf, sortNodes } from "../graph.js";
import type { Model, Node } from "../schema.js";
import { dequantized, integers, levelRange, type StoredTensors } from "./stored-integers.js";
import { upgradeModel } from "./upgrade.js";

/** Thrown away by `floatArithmetic`: the graph does something with whole numbers that has no known counterpart. */
class NoCounterpart extends Error {}

/**
 * The model in floats; undefined if it has no quantized arithmetic on what depends on its inputs, or some without a
 * known counterpart. Stored whole numbers become floats. It rounds otherwise than the model: compare the answers.
 */
export function floatArithmetic(model: Model): Model | undefined {
  if (
    !model.graph.nodes.some(
      ({ opType }) =>
        opType.includes("Quantize") ||
        opType.includes("Integer") ||
        opType.startsWith("QLinear") ||
        opType === "QGemm",
    )
  )
    return undefined;
  const own = upgradeModel(model);
  const builder = graphBuilder({ ...own.graph, nodes: [] }, own.opsets);
  for (const node of own.graph.nodes) for (const output of node.outputs) if (output) builder.claim(output);
  const rewriting: Rewriting = { b: builder, stored: initializersOf(own.graph), values: new Map() };
  const reached = new Set(fedInputs(own.graph).map(({ name }) => name));
  let isChanged = false;
  try {
    for (const node of sortNodes(own.graph.nodes)) {
      const isReached = readsOf(node).some((name) => reached.has(name));
      if (isReached) for (const output of node.outputs) reached.add(output);
      if (rewrite(rewriting, node, isReached)) isChanged ||= isReached;
      else builder.node(node);
    }
    if (own.graph.outputs.some(({ name }) => rewriting.values.has(name))) return undefined;
  } catch (error) {
    if (error instanceof NoCounterpart) return undefined;
    throw error;
  }
  if (!isChanged) return undefined;
  const graph = builder.graph(own.graph.name);
  return { ...own, graph: prune({ ...graph, valueInfo: [] }, own.graph.outputs) };
}

/** What stands for a tensor of whole numbers: a float tensor, and what it was divided by; null where that is unknown. */
interface Value {
  readonly name: string;
  readonly scale: string | null;
}

interface Rewriting {
  readonly b: GraphBuilder;
  readonly stored: StoredTensors;
  readonly values: Map<string, Value>;
}

/** Writes what takes a node's place; false if the node stays. */
function rewrite(r: Rewriting, node: Node, isReached: boolean): boolean {
  const rule = rules[isStandard(node.domain) || node.domain === "com.microsoft" ? node.opType : ""];
  if (rule !== undefined && (isReached || node.opType === "DequantizeLinear")) return rule(r, node);
  if (!node.inputs.some((name) => r.values.has(name))) return false;
  if (!layout.has(node.opType)) throw new NoCounterpart();
  return moved(r, node);
}

/** Operators that only move values about, or choose among them. */
const layout = new Set([
  ...["MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity", "Slice", "Gather"],
  ...["Concat", "Split", "Resize", "Upsample", "DepthToSpace", "SpaceToDepth"],
]);

function moved({ b, values }: Rewriting, node: Node): boolean {
  const first = values.get(node.inputs[0] ?? "");
  const isConcat = node.opType === "Concat";
  if (!first || node.outputs.length > 1) throw new NoCounterpart();
  const inputs = node.inputs.map((name, i) => {
    if (i > 0 && !isConcat) return name;
    const value = values.get(name);
    if (value === undefined) throw new NoCounterpart();
    return value.name;
  });
  const name = b.fresh(node.outputs[0]!);
  b.node({ ...node, name: "", inputs, outputs: [name] });
  values.set(node.outputs[0]!, { name, scale: first.scale });
  return true;
}

type Rule = (rewriting: Rewriting, node: Node) => boolean;

const rules: Readonly<Record<string, Rule>> = {
  QuantizeLinear(r, { inputs: [x = "", scale = "", zero], outputs: [y = ""] }) {
    r.values.set(y, quantized(r, x, scale, zero));
    return true;
  },
  DequantizeLinear(r, node) {
    const {
      inputs: [q = "", scale = "", zero],
      outputs: [y = ""],
    } = node;
    const value = r.values.get(q);
    if (value) r.b.alias(y, value.name);
    else {
      const known = dequantized(r.stored, [q, scale, zero], intAttribute(node, "axis", 1));
      if (known === undefined || attribute(node, "block_size") !== undefined) return false;
      r.b.alias(y, r.b.constant(known));
    }
    return true;
  },
  /** Scale and zero are its own to choose: 1 and 0, so that what follows undoes nothing. */
  DynamicQuantizeLinear(r, { inputs: [x = ""], outputs: [y = "", scale, zero] }) {
    r.values.set(y, { name: x, scale: null });
    if (scale) r.b.alias(scale, r.b.number(1));
    if (zero) r.b.alias(zero, r.b.constant({ type: "uint8", dims: [], data: Uint8Array.of(0) }));
    return true;
  },
  MatMulInteger: (r, node) => ofIntegers(r, node, "MatMul"),
  ConvInteger: (r, node) => ofIntegers(r, node, "Conv"),
  Cast(r, { inputs: [x = ""], outputs: [y = ""] }) {
    const value = r.values.get(x);
    if (value === undefined) return false;
    // Only sums of products are read as numbers; bytes have a zero of their own.
    if (value.scale !== SUMS) throw new NoCounterpart();
    r.b.alias(y, value.name);
    return true;
  },
  QLinearConv(r, node) {
    const {
      inputs: [x = "", xs = "", xz, w = "", ws = "", wz, ys = "", yz, bias],
      outputs: [y = ""],
    } = node;
    const weight = r.b.constant(constantOf(r, [w, ws, wz], 0));
    const inputs = [floatOf(r, x, xs, xz), weight];
    if (bias) inputs.push(r.b.op("Mul", [r.b.op("Cast", [bias], { to: FLOAT }), r.b.op("Mul", [xs, ws])]));
    const name = r.b.fresh("Conv");
    r.b.node({ ...node, opType: "Conv", name: "", inputs, outputs: [name] });
    r.values.set(y, quantized(r, name, ys, yz));
    return true;
  },
  QLinearMatMul(r, { inputs: [a = "", as = "", az, c = "", cs = "", cz, ys = "", yz], outputs: [y = ""] }) {
    const product = r.b.op("MatMul", [floatOf(r, a, as, az), floatOf(r, c, cs, cz)]);
    r.values.set(y, quantized(r, product, ys, yz));
    return true;
  },
  QGemm(r, node) {
    const {
      inputs: [a = "", as = "", az, c = "", cs = "", cz, bias, ys, yz],
      outputs: [y = ""],
    } = node;
    const inputs = [floatOf(r, a, as, az), floatOf(r, c, cs, cz)];
    if (bias) inputs.push(r.b.op("Mul", [r.b.op("Cast", [bias], { to: FLOAT }), r.b.op("Mul", [as, cs])]));
    const product = r.b.op("Gemm", inputs, {
      alpha: { float: floatAttribute(node, "alpha", 1) },
      transA: intAttribute(node, "transA", 0),
      transB: intAttribute(node, "transB", 0),
    });
    if (ys) r.values.set(y, quantized(r, product, ys, yz));
    else r.b.alias(y, product);
    return true;
  },
  QLinearAdd: (r, node) => ofTwo(r, node, "Add"),
  QLinearMul: (r, node) => ofTwo(r, node, "Mul"),
  QLinearSigmoid: (r, node) => ofOne(r, node, (x) => r.b.op("Sigmoid", [x])),
  QLinearLeakyRelu: (r, node) =>
    ofOne(r, node, (x) =>
      r.b.op("LeakyRelu", [x], { alpha: { float: floatAttribute(node, "alpha", 0.01) } }),
    ),
  QLinearGlobalAveragePool(r, node) {
    if (intAttribute(node, "channels_last", 0) === 1) throw new NoCounterpart();
    return ofOne(r, node, (x) => r.b.op("GlobalAveragePool", [x]));
  },
  QLinearConcat(r, node) {
    const {
      inputs: [ys = "", yz, ...parts],
      outputs: [y = ""],
    } = node;
    const inputs: string[] = [];
    for (let i = 0; i < parts.length; i += 3) inputs.push(floatOf(r, parts[i]!, parts[i + 1]!, parts[i + 2]));
    const joined = r.b.op("Concat", inputs, { axis: intAttribute(node, "axis", 1) });
    r.values.set(y, quantized(r, joined, ys, yz));
    return true;
  },
};

const FLOAT = 1;
/** In place of a scale: the numbers themselves, sums of products. */
const SUMS = "";

/** The float value behind `x`, kept within what its type can hold. */
function quantized({ b, stored }: Rewriting, x: string, scale: string, zero: string | undefined): Value {
  const range = levelRange(stored, scale, zero);
  const name = range ? b.op("Clip", [x, b.number(range[0]), b.number(range[1])]) : x;
  return { name, scale };
}

/** The float that whole numbers stand for: known, stored, or computed from those of the input. */
function floatOf(r: Rewriting, q: string, scale: string, zero: string | undefined): string {
  const value = r.values.get(q);
  if (value) return value.name;
  const known = dequantized(r.stored, [q, scale, zero], -1);
  return known ? r.b.constant(known) : r.b.op("DequantizeLinear", [q, scale, ...(zero ? [zero] : [])]);
}

function constantOf(r: Rewriting, names: readonly [string, string, string | undefined], axis: number) {
  const known = dequantized(r.stored, names, axis);
  if (known === undefined) throw new NoCounterpart();
  return known;
}

/** A product of whole numbers less their zeros, as a sum of floats. */
function ofIntegers(r: Rewriting, node: Node, opType: string): boolean {
  const {
    inputs: [a = "", c = "", , zero],
    outputs: [y = ""],
  } = node;
  const value = r.values.get(a);
  const weight = integers(r.stored, c, zero, opType === "Conv" ? 0 : -1);
  if (!value || !weight) throw new NoCounterpart();
  const x = value.scale ? r.b.op("Div", [value.name, value.scale]) : value.name;
  const name = r.b.fresh(opType);
  r.b.node({ ...node, opType, name: "", inputs: [x, r.b.constant(weight)], outputs: [name] });
  r.values.set(y, { name, scale: SUMS });
  return true;
}

function ofOne(
  r: Rewriting,
  { inputs: [x = "", xs = "", xz, ys = "", yz], outputs: [y = ""] }: Node,
  make: (x: string) => string,
): boolean {
  r.values.set(y, quantized(r, make(floatOf(r, x, xs, xz)), ys, yz));
  return true;
}

function ofTwo(
  r: Rewriting,
  { inputs: [a = "", as = "", az, c = "", cs = "", cz, ys = "", yz], outputs: [y = ""] }: Node,
  opType: string,
): boolean {
  const made = r.b.op(opType, [floatOf(r, a, as, az), floatOf(r, c, cs, cz)]);
  r.values.set(y, quantized(r, made, ys, yz));
  return true;
}
