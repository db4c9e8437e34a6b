/** onnxruntime's fused operators in the standard ones that they were made of. */
import { attribute, floatAttribute, intAttribute, textAttribute } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { type Decomposition, type DecompositionContext, numberLike, opWith } from "./decomposition.js";

/** Root mean square normalization over the last axis, scaled. */
function rootMeanSquare(context: DecompositionContext, x: string, scale: string, epsilon: number): string {
  const { node, builder: b } = context;
  const mean = b.op("ReduceMean", [b.op("Mul", [x, x]), b.integers(-1)], { keepdims: 1 });
  const shifted = b.op("Add", [mean, numberLike(context, x, floatAttribute(node, "epsilon", epsilon))]);
  return b.op("Mul", [b.op("Mul", [x, b.op("Reciprocal", [b.op("Sqrt", [shifted])])]), scale]);
}

const addAll = (b: GraphBuilder, names: readonly string[]): string =>
  names.filter((name) => name !== "").reduce((sum, name) => b.op("Add", [sum, name]));

const turnLast = ({ builder: b, value }: DecompositionContext, name: string): string | undefined => {
  const { ranked, dims } = value(name);
  if (!ranked || dims.length < 2) return undefined;
  const perm = dims.map((_, axis) => axis);
  perm.splice(-2, 2, dims.length - 1, dims.length - 2);
  return b.op("Transpose", [name], { perm });
};

const activated = (context: DecompositionContext, name: string): string | undefined => {
  const { node, builder: b } = context;
  const activation = textAttribute(node, "activation", "");
  if (activation === "") return name;
  if (attribute(node, "activation_params")) return undefined;
  return ["Relu", "Tanh", "Sigmoid"].includes(activation) ? b.op(activation, [name]) : undefined;
};

const withoutActivation = (context: DecompositionContext): DecompositionContext["node"] => ({
  ...context.node,
  attributes: context.node.attributes.filter(({ name }) => !name.startsWith("activation")),
});

const simplified: Decomposition = (context) =>
  intAttribute(context.node, "axis", -1) === -1
    ? [rootMeanSquare(context, context.input(0), context.input(1), 1e-5)]
    : undefined;

/** Operators of com.microsoft, by domain and name. */
export const fused: Readonly<Record<string, Decomposition>> = {
  SimplifiedLayerNormalization: simplified,
  "com.microsoft::SimplifiedLayerNormalization": simplified,
  "com.microsoft::SkipSimplifiedLayerNormalization": (context) => {
    const { builder: b, input } = context;
    const sum = addAll(b, [input(0), input(1), input(3)]);
    return [rootMeanSquare(context, sum, input(2), 1e-12), undefined, undefined, sum];
  },
  "com.microsoft::SkipLayerNormalization": ({ node, builder: b, input }) => {
    const sum = addAll(b, [input(0), input(1), input(4)]);
    const epsilon = { float: floatAttribute(node, "epsilon", 1e-12) };
    const parts = [sum, input(2), input(3)].filter((name) => name !== "");
    return [b.op("LayerNormalization", parts, { axis: -1, epsilon }), undefined, undefined, sum];
  },
  "com.microsoft::Gelu": ({ builder: b, input }) => [b.op("Gelu", [input(0)])],
  "com.microsoft::BiasGelu": ({ builder: b, input }) => [b.op("Gelu", [addAll(b, [input(0), input(1)])])],
  "com.microsoft::FastGelu": ({ builder: b, input }) => [
    b.op("Gelu", [addAll(b, [input(0), input(1)])], { approximate: "tanh" }),
  ],
  "com.microsoft::QuickGelu": (context) => {
    const { node, builder: b, input } = context;
    const alpha = numberLike(context, input(0), floatAttribute(node, "alpha", 1.702));
    return [b.op("Mul", [input(0), b.op("Sigmoid", [b.op("Mul", [input(0), alpha])])])];
  },
  "com.microsoft::FusedMatMul": (context) => {
    const { node, builder: b, input } = context;
    if (intAttribute(node, "transBatchA", 0) || intAttribute(node, "transBatchB", 0)) return undefined;
    const side = (index: 0 | 1, flag: string): string | undefined =>
      intAttribute(node, flag, 0) === 1 ? turnLast(context, input(index)) : input(index);
    const [left, right] = [side(0, "transA"), side(1, "transB")];
    if (left === undefined || right === undefined) return undefined;
    const product = b.op("MatMul", [left, right]);
    const alpha = floatAttribute(node, "alpha", 1);
    return [alpha === 1 ? product : b.op("Mul", [product, numberLike(context, input(0), alpha)])];
  },
  "com.microsoft::FusedGemm": (context) => {
    const inputs = context.node.inputs;
    const result = activated(context, opWith(context.builder, "Gemm", inputs, withoutActivation(context)));
    return result === undefined ? undefined : [result];
  },
  "com.microsoft::FusedConv": (context) => {
    const { builder: b, node, input } = context;
    const sum = opWith(b, "Conv", node.inputs.slice(0, 3), withoutActivation(context));
    const result = activated(context, addAll(b, [sum, input(3)]));
    return result === undefined ? undefined : [result];
  },
};
