/** Attention and rotary positions in products, softmax and slices. */
import { attribute, floatAttribute, intAttribute } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { type Decomposition, type DecompositionContext, numberLike } from "./decomposition.js";

/** [batch, position, heads · depth] as [batch, heads, position, depth]. */
function splitHeads(b: GraphBuilder, name: string, heads: number): string {
  const split = b.op("Reshape", [name, b.integers(0, 0, heads, -1)]);
  return b.op("Transpose", [split], { perm: [0, 2, 1, 3] });
}

function joinHeads(b: GraphBuilder, name: string): string {
  return b.op("Reshape", [b.op("Transpose", [name], { perm: [0, 2, 1, 3] }), b.integers(0, 0, -1)]);
}

/** Repeats each of few key heads for the query heads that share it. */
function repeatHeads(b: GraphBuilder, name: string, times: number): string {
  if (times === 1) return name;
  const opened = b.op("Unsqueeze", [name, b.integers(2)]);
  const copies = b.op("Concat", new Array<string>(times).fill(opened), { axis: 2 });
  const shape = b.op(
    "Concat",
    [b.op("Shape", [name], { start: 0, end: 1 }), b.integers(-1), b.op("Shape", [name], { start: 2 })],
    { axis: 0 },
  );
  return b.op("Reshape", [copies, shape]);
}

interface Parts {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly scale: number | undefined;
  readonly depth: number | undefined;
  readonly bias: readonly string[];
  readonly causal: boolean;
  /** Scores are bent to softcap · tanh(scores / softcap); 0 leaves them. */
  readonly softcap?: number;
}

/** softmax(q kᵀ · scale + bias) v over [batch, heads, position, depth]. */
function attend(context: DecompositionContext, parts: Parts): string {
  const { builder: b } = context;
  const { query, key, value, scale, depth, bias, causal, softcap = 0 } = parts;
  const turned = b.op("Transpose", [key], { perm: [0, 1, 3, 2] });
  const raw = b.op("MatMul", [query, turned]);
  const factor = scale ?? (depth === undefined ? undefined : 1 / Math.sqrt(depth));
  let scores: string;
  if (factor !== undefined) scores = b.op("Mul", [raw, numberLike(context, context.input(0), factor)]);
  else {
    const size = b.op("CastLike", [b.op("Shape", [query], { start: 3 }), query]);
    scores = b.op("Div", [raw, b.op("Sqrt", [size])]);
  }
  if (softcap !== 0) {
    const cap = numberLike(context, context.input(0), softcap);
    scores = b.op("Mul", [b.op("Tanh", [b.op("Div", [scores, cap])]), cap]);
  }
  for (const item of bias) scores = b.op("Add", [scores, item]);
  if (causal) {
    const low = b.op("CastLike", [b.number(-1e9), raw]);
    const square = b.op("Expand", [low, b.op("Shape", [raw], { start: 2 })]);
    const one = b.op("Squeeze", [b.integers(1)]);
    scores = b.op("Add", [scores, b.op("Trilu", [square, one], { upper: 1 })]);
  }
  return b.op("MatMul", [b.op("Softmax", [scores], { axis: -1 }), value]);
}

/** Attention of the standard domain (version 23), without cache. */
const standard: Decomposition = (context) => {
  const { node, builder: b, input, value } = context;
  const plain = !input(4) && !input(5) && !node.outputs[1] && !node.outputs[3];
  const { ranked, dims } = value(input(0));
  if (!plain || !ranked) return undefined;
  const flat = dims.length === 3;
  const heads = flat ? intAttribute(node, "q_num_heads", 0) : Number(dims[1]);
  const keyHeads = flat ? intAttribute(node, "kv_num_heads", 0) : Number(value(input(1)).dims[1]);
  if (!(heads > 0 && keyHeads > 0 && heads % keyHeads === 0)) return undefined;
  const spread = (name: string, count: number): string => (flat ? splitHeads(b, name, count) : name);
  const scale = attribute(node, "scale") ? floatAttribute(node, "scale", 1) : undefined;
  const result = attend(context, {
    query: spread(input(0), heads),
    key: repeatHeads(b, spread(input(1), keyHeads), heads / keyHeads),
    value: repeatHeads(b, spread(input(2), keyHeads), heads / keyHeads),
    scale,
    depth: undefined,
    bias: input(3) ? [biasOfMask(context)] : [],
    causal: intAttribute(node, "is_causal", 0) === 1,
    softcap: floatAttribute(node, "softcap", 0),
  });
  return [flat ? joinHeads(b, result) : result];
};

/** A mask of truth values as what is added to the scores: nothing, or far below all others. */
function biasOfMask({ builder: b, input, value }: DecompositionContext): string {
  if (value(input(3)).type !== "bool") return input(3);
  const low = b.op("CastLike", [b.number(-1e9), input(0)]);
  return b.op("Where", [input(3), b.op("CastLike", [b.number(0), input(0)]), low]);
}

/** MultiHeadAttention of com.microsoft for separate query, key and value [batch, position, width], without cache. */
const multiHead: Decomposition = (context) => {
  const { node, builder: b, input, value } = context;
  const heads = intAttribute(node, "num_heads", 0);
  const widths = [0, 1, 2].map((index) => value(input(index)).dims);
  const plain = heads > 0 && !input(4) && !input(6) && !input(7) && !node.outputs[1];
  if (!plain || widths.some((dims) => dims.length !== 3)) return undefined;
  const scale = attribute(node, "scale") ? floatAttribute(node, "scale", 1) : undefined;
  const biases = input(3) ? biasesOf(context, widths) : ["", "", ""];
  if (biases === undefined) return undefined;
  const [query, key, values] = [0, 1, 2].map((index) => {
    const biased = biases[index] ? b.op("Add", [input(index), biases[index]]) : input(index);
    return splitHeads(b, biased, heads);
  });
  const result = attend(context, {
    query: query!,
    key: key!,
    value: values!,
    scale: scale === 0 ? undefined : scale,
    depth: undefined,
    bias: input(5) ? [input(5)] : [],
    causal: intAttribute(node, "unidirectional", 0) === 1,
  });
  return [joinHeads(b, result)];
};

function biasesOf(
  { builder: b, input }: DecompositionContext,
  widths: readonly (readonly (number | string)[])[],
): string[] | undefined {
  const sizes = widths.map((dims) => dims[2]!);
  if (!sizes.every((size): size is number => typeof size === "number")) return undefined;
  return b.ops("Split", [input(3), b.integers(...sizes)], 3, { axis: 0 });
}

/** RotaryEmbedding of the standard domain (version 23): inputs x, cos, sin, position ids. */
const rotary: Decomposition = (context) => {
  const { node, builder: b, input, value } = context;
  const { ranked, dims } = value(input(0));
  const full = intAttribute(node, "rotary_embedding_dim", 0) === 0;
  const heads = intAttribute(node, "num_heads", 0);
  if (!ranked || !full || (dims.length === 3 && heads === 0)) return undefined;
  const x = dims.length === 3 ? splitHeads(b, input(0), heads) : input(0);
  const table = (name: string): string => {
    const rows = input(3) ? b.op("Gather", [name, input(3)]) : name;
    return b.op("Unsqueeze", [rows, b.integers(1)]);
  };
  const turned = turn(b, x, table(input(1)), table(input(2)), intAttribute(node, "interleaved", 0) === 1);
  return [dims.length === 3 ? joinHeads(b, turned) : turned];
};

/** Rotates the pairs of the last axis: neighbours when interleaved, else halves. */
function turn(b: GraphBuilder, x: string, cos: string, sin: string, interleaved: boolean): string {
  const pairs = b.op("Reshape", [x, interleaved ? b.integers(0, 0, 0, -1, 2) : b.integers(0, 0, 0, 2, -1)]);
  const axis = interleaved ? 4 : 3;
  const [first, second] = b
    .ops("Split", [pairs], 2, { axis, num_outputs: 2 })
    .map((part) => b.op("Squeeze", [part, b.integers(axis)]));
  const left = b.op("Sub", [b.op("Mul", [first!, cos]), b.op("Mul", [second!, sin])]);
  const right = b.op("Add", [b.op("Mul", [first!, sin]), b.op("Mul", [second!, cos])]);
  const opened = [left, right].map((part) => b.op("Unsqueeze", [part, b.integers(axis)]));
  return b.op("Reshape", [b.op("Concat", opened, { axis }), b.op("Shape", [x])]);
}

/** Attention, MultiHeadAttention and RotaryEmbedding. */
export const attentions: Readonly<Record<string, Decomposition>> = {
  Attention: standard,
  RotaryEmbedding: rotary,
  "com.microsoft::MultiHeadAttention": multiHead,
};
