/** What operators can do in the hands of somebody who writes logic: pick, compare, step, weigh. */
import { attribute, floatAttribute, intAttribute, intsAttribute, textAttribute } from "../attributes.js";
import type { Node } from "../schema.js";
import type { Stored } from "./stored.js";

/** Outputs that tell of the shapes of their inputs only, or are drawn at random. */
export const tellsShapeOnly = (node: Node): boolean => shapeOnly.has(node.opType);

/** Numbers drawn at random. */
export const isDrawn = (node: Node): boolean => /^(Random|Bernoulli$|Multinomial$)/.test(node.opType);

/** Makes places, masks or many copies of a number. */
export const spreads = (node: Node): boolean =>
  /^(Range|ConstantOfShape|Expand|Tile|EyeLike|Trilu|CumSum|OneHot|Pad|Resize|NonZero)$/.test(node.opType);

/** The tensor's shape depends on what these inputs hold. */
export function shapesBy(node: Node): readonly number[] {
  const found = shapeInputs.get(node.opType);
  return found ?? [];
}

/** Multiplies with weights, or looks rows of them up. */
export const takesWeights = (node: Node): boolean => linear.has(node.opType);

/** A layer that carries a state from step to step. */
export const isRecurrent = (node: Node): boolean => /^(LSTM|GRU|RNN)$/.test(node.opType);

/** Its output stands for more numbers than it holds. */
export function narrows(node: Node): boolean {
  if (picking.has(node.opType) || summing.test(node.opType)) return true;
  // Two or three equal parts of the whole are halves of it, not a part.
  if (node.opType === "Split") return node.outputs.length > 4 || intsAttribute(node, "split") !== undefined;
  if (node.opType === "Pad") return (intsAttribute(node, "pads") ?? []).some((pad) => pad < 0);
  return false;
}

/** Makes fewer numbers of many where its output is known to be small: a pool, a picture made tiny. */
export const mayNarrow = (node: Node): boolean =>
  /^(MaxPool|AveragePool|LpPool|Resize|Upsample|Conv)$/.test(node.opType);

/** Chooses a place of the tensor. */
export const picksPlace = (node: Node): boolean =>
  picking.has(node.opType) || node.opType === "Split" || node.opType === "Pad";

/** Gives one of a few answers: a comparison, a sign, a remainder, a code. */
export function decides(
  node: Node,
  { isRaw, isPart, isToken }: { isRaw: boolean; isPart: boolean; isToken: boolean },
): boolean {
  if (comparing.has(node.opType)) return true;
  if (!isRaw) return false;
  if (checksums.has(node.opType)) return true;
  if (node.opType === "Cast")
    return castsToBool(node) || (isPart && !isToken && integers.has(castTypeOf(node)));
  return isPart && rounding.has(node.opType);
}

const castTypeOf = (node: Node): number => Number(attribute(node, "to")?.i ?? 0);

/** Makes true of everything but nought. */
export const castsToBool = (node: Node): boolean => node.opType === "Cast" && castTypeOf(node) === BOOL;

/** Gives the same values in another shape, order or type. */
export const rearranges = (node: Node): boolean =>
  /^(Cast|Identity|Unsqueeze|Squeeze|Reshape|Flatten|Transpose|Expand)$/.test(node.opType);

/** Takes a remainder, or single bits. */
export const hashes = (node: Node): boolean => node.opType === "Mod" || /^Bit(Shift|wise)/.test(node.opType);

/** A factor from which a smooth curve is a step. */
export const STEEP = 4;

/** Compares with a bound. */
export const compares = (node: Node): boolean => /^(Equal|Greater|Less)(OrEqual)?$/.test(node.opType);

/** Nearly flat, then steep: what stands in for a comparison in arithmetic, such as Relu(sum - threshold). */
export const asksInSteps = (node: Node): boolean => stepping.has(node.opType);

/** A curve without an edge. */
export const isSmooth = (node: Node): boolean =>
  /^(Sigmoid|Tanh|Softplus|Softsign|Softmax|Erf|Exp)$/.test(node.opType);

/** x ** 64 is flat up to one and steep beyond; 0.001 ** x is one at nothing and nothing elsewhere. */
export function isSteepPower(node: Node, [base, exponent]: readonly (Stored | undefined)[]): boolean {
  if (node.opType !== "Pow") return false;
  const fixed = base?.values()?.[0];
  if (fixed !== undefined) return fixed <= 0.2 || fixed >= 5;
  const power = exponent?.values()?.[0];
  return power !== undefined && power >= 6;
}

/** A remainder or an equality of numbers asks about a pattern, wherever it looks. */
export const asksForPattern = (node: Node): boolean => checksums.has(node.opType) || node.opType === "Equal";

/** True for Clip, Max and Min that only keep a divisor or a logarithm away from zero. */
export function isGuard(node: Node, bounds: readonly (readonly number[] | undefined)[]): boolean {
  if (!["Clip", "Max", "Min"].includes(node.opType)) return false;
  const own = [floatAttribute(node, "min", 0), floatAttribute(node, "max", 0)];
  const given = bounds.flatMap((values) => values ?? []);
  return [...own, ...given].every((value) => Math.abs(value) <= TINY || Math.abs(value) >= HUGE);
}

/** Counts from which a count of outputs is a layer, by which only one answer comes out. */
export const isDetector = (node: Node, weights: readonly number[] | undefined): boolean => {
  if (weights === undefined) return false;
  if (node.opType === "Conv") return weights[0] === 1 && weights.length > 2;
  if (node.opType === "Gemm") return weights[intAttribute(node, "transB", 0) === 1 ? 0 : 1] === 1;
  if (node.opType === "Einsum") return isForm(textAttribute(node, "equation", ""));
  return node.opType === "MatMul" && (weights.length === 1 || weights.at(-1) === 1);
};

/** Sums over all but the examples: one number of each. */
const isForm = (equation: string): boolean => {
  const [, output] = equation.replace(/\s/g, "").split("->");
  return output !== undefined && output.length <= 1;
};

const TINY = 1e-3;
const HUGE = 1e6;
const BOOL = 9;
const integers = new Set([2, 3, 4, 5, 6, 7, 12, 13]);

const shapeOnly = new Set([
  ...["Shape", "Size", "ConstantOfShape", "EyeLike", "RandomNormalLike", "RandomUniformLike"],
  ...["RandomNormal", "RandomUniform", "OptionalHasElement", "SequenceLength"],
]);
const linear = new Set([
  ...["Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "LSTM", "GRU", "RNN", "Attention"],
  ...["ConvInteger", "QLinearConv", "MatMulInteger", "QLinearMatMul", "MatMulNBits", "DeformConv"],
  ...[
    "FusedConv",
    "FusedMatMul",
    "FusedGemm",
    "DynamicQuantizeMatMul",
    "MultiHeadAttention",
    "TfIdfVectorizer",
  ],
]);
const picking = new Set([
  ...[
    "Slice",
    "Gather",
    "GatherND",
    "GatherElements",
    "Compress",
    "TopK",
    "NonZero",
    "ArrayFeatureExtractor",
  ],
  ...[
    "RoiAlign",
    "MaxRoiPool",
    "GridSample",
    "CenterCropPad",
    "Crop",
    "Unique",
    "NonMaxSuppression",
    "SequenceAt",
  ],
]);
const summing = /^(Reduce|ArgMax|ArgMin|Global|LpNormalization|Det$|TreeEnsemble|LinearRegressor)/;
const comparing = new Set([
  ...[
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Sign",
    "IsNaN",
    "IsInf",
    "ArgMax",
    "ArgMin",
  ],
  ...[
    "NonZero",
    "RegexFullMatch",
    "Binarizer",
    "TreeEnsemble",
    "TreeEnsembleRegressor",
    "TreeEnsembleClassifier",
  ],
]);
const checksums = new Set([
  ...["Mod", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "LabelEncoder", "Unique"],
]);
const rounding = new Set([
  ...["Floor", "Ceil", "Round", "QuantizeLinear", "DynamicQuantizeLinear", "OneHot", "TopK", "Hardmax"],
]);
const stepping = new Set([
  ...["Relu", "Clip", "Max", "Min", "Sigmoid", "HardSigmoid", "Tanh", "Erf", "HardSwish", "ThresholdedRelu"],
  ...["Shrink", "Softmax", "Softplus", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Gelu", "Mish", "Exp"],
  ...["Softsign", "Atan", "Swish", "QuickGelu", "FastGelu", "BiasGelu", "ScaledTanh", "ParametricSoftplus"],
  // Not a number beyond an edge.
  ...["Log", "Acos", "Asin", "Atanh", "Acosh", "Reciprocal"],
]);
const shapeInputs = new Map<string, readonly number[]>([
  ["NonZero", [0]],
  ["Compress", [1]],
  ["Unique", [0]],
  ["NonMaxSuppression", [0, 1]],
  ["ConstantOfShape", [0]],
  ["Range", [0, 1, 2]],
  ["Reshape", [1]],
  ["Expand", [1]],
  ["Tile", [1]],
  ["Pad", [1]],
  ["Slice", [1, 2, 3, 4]],
  ["Resize", [2, 3]],
  ["Upsample", [1]],
  ["TopK", [1]],
  ["OneHot", [1]],
  ["CenterCropPad", [1]],
  ["MaxUnpool", [2]],
  ["Loop", [0, 1]],
]);
