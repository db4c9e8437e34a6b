/** Transformers: encoder classifiers, causal language models, and attention-only networks. */
import { AssayError } from "../errors.js";
import { type Architecture, architecture } from "./architectures.js";
import type { Layers } from "./layers.js";

/** Sizes of a transformer over token ids. */
export interface TransformerOptions {
  readonly vocabulary: number;
  /** Longest sequence: the number of learned positions. */
  readonly length: number;
  readonly width?: number;
  readonly heads?: number;
  readonly layers?: number;
  /** Width of the hidden layer after each attention; 0 leaves it out ("attention-only"). Default 4 · width. */
  readonly hidden?: number;
  /** Normalize before each part and at the end. Default true. */
  readonly normalize?: boolean;
}

/**
 * A transformer encoder that classifies a sequence: int64 x `[batch, position]`, mean over positions whose token
 * is not `padding`, `logits` `[batch, classes]`.
 *
 * Taps: `embedded`, `attention1`, `residual1`, …, `pooled`.
 */
export function transformerClassifier(
  options: TransformerOptions & { readonly classes: number; readonly padding?: number },
): Architecture {
  const { classes, padding, width = 64 } = options;
  return architecture(`encoder-${options.layers ?? 2}x${width}`, (net) => {
    const mask = padding === undefined ? undefined : keepMask(net, padding);
    const x = trunk(net, options, false, mask?.scores);
    if (mask === undefined) {
      net.node("pooled", "ReduceMean", [x, net.builder.integers(1)], { keepdims: 0 });
    } else {
      const total = net.node(
        "pooled.sum",
        "ReduceSum",
        [net.node("pooled.kept", "Mul", [x, mask.column]), net.builder.integers(1)],
        { keepdims: 0 },
      );
      const count = net.node("pooled.count", "ReduceSum", [mask.column, net.builder.integers(1)], {
        keepdims: 0,
      });
      net.node("pooled", "Div", [
        total,
        net.node("pooled.atLeastOne", "Max", [count, net.builder.number(1)]),
      ]);
    }
    net.linear("logits", "pooled", width, classes, "head");
  });
}

/**
 * A causal language model: int64 x `[batch, position]`, `logits` `[batch, position, vocabulary]` of the next token.
 *
 * Taps: `embedded`, `attention1`, `residual1`, ….
 *
 * @param options.past Takes the keys and values of earlier tokens, and gives those of all, under the names of Optimum:
 *   `past_key_values.0.key` and `present.0.key`, `[batch, heads, tokens, width / heads]`, …. Default false.
 */
export function transformerDecoder(options: TransformerOptions & { readonly past?: boolean }): Architecture {
  const { vocabulary, width = 64, past = false } = options;
  return architecture(`decoder-${options.layers ?? 2}x${width}`, (net) => {
    const x = trunk(net, options, true, undefined, past);
    net.project("logits", x, width, vocabulary, { bias: false });
  });
}

/**
 * An attention-only network that reads its answer off the last position, as in the max-of-K task: int64 x
 * `[batch, position]`, `logits` `[batch, vocabulary]`. No layer norm, no hidden layers, no biases.
 */
export function attentionOnly(options: TransformerOptions): Architecture {
  const { vocabulary, width = 32 } = options;
  const sizes = {
    ...options,
    width,
    layers: options.layers ?? 1,
    heads: options.heads ?? 1,
    hidden: 0,
    normalize: false,
  };
  return architecture(`attention-${sizes.layers}x${width}`, (net) => {
    const x = trunk(net, sizes, true, undefined);
    const last = net.node(
      "last",
      "Gather",
      [x, net.node("last.index", "Squeeze", [net.builder.integers(-1)])],
      { axis: 1 },
    );
    net.project("logits", last, width, vocabulary, { bias: false });
  });
}

/** What is added to attention scores `[batch, 1, 1, key]`: 0 where a key is kept, -10000 where it is padding. */
function keepMask(net: Layers, padding: number): { scores: string; column: string } {
  const token = net.builder.constant({ type: "int64", dims: [], data: BigInt64Array.of(BigInt(padding)) });
  const isPadding = net.node("padding", "Equal", ["x", token]);
  const dropped = net.node("padding.float", "Cast", [isPadding], { to: 1 });
  const keys = net.node("padding.keys", "Unsqueeze", [dropped, net.builder.integers(1, 2)]);
  const kept = net.node("padding.kept", "Sub", [net.builder.number(1), dropped]);
  return {
    scores: net.node("padding.scores", "Mul", [keys, net.builder.number(-1e4)]),
    column: net.node("padding.column", "Unsqueeze", [kept, net.builder.integers(-1)]),
  };
}

function trunk(
  net: Layers,
  options: TransformerOptions,
  causal: boolean,
  scores: string | undefined,
  past = false,
): string {
  const {
    vocabulary,
    length,
    width = 64,
    heads = 4,
    layers = 2,
    hidden = 4 * width,
    normalize = true,
  } = options;
  if (width % heads !== 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `transformer: width ${width} is no multiple of ${heads} heads.`,
      { width, heads },
    );
  }
  net.builder.input("x", "int64", ["batch", "position"]);
  const tokens = net.normal("tokens.weight", [vocabulary, width], normalize ? 0.02 : 1 / Math.sqrt(width));
  const places = net.normal("positions.weight", [length, width], normalize ? 0.02 : 1 / Math.sqrt(width));
  const size = net.node("size", "Shape", ["x"], { start: 1, end: 2 });
  const before = past ? pastInputs(net, layers, heads, width / heads) : net.builder.integers(0);
  const total = past ? net.node("total", "Add", [before, size]) : size;
  const positions = net.node("positions", "Slice", [places, before, total, net.builder.integers(0)]);
  let x = net.node("embedded", "Add", [net.node("looked-up", "Gather", [tokens, "x"]), positions]);
  const future = causal ? futureMask(net, size, past ? { before, total } : undefined) : undefined;
  for (let i = 1; i <= layers; i++) {
    const norm = (name: string, from: string): string =>
      normalize ? net.layerNorm(name, from, width) : from;
    const mask = future ?? scores;
    const attended = attention(net, `attention${i}`, norm(`norm${i}a`, x), width, heads, mask, {
      bias: normalize,
      ...(past ? { past: i - 1 } : {}),
    });
    x = net.node(hidden > 0 ? `middle${i}` : `residual${i}`, "Add", [x, attended]);
    if (hidden > 0) {
      const inner = net.project(`mlp${i}.in`, norm(`norm${i}b`, x), width, hidden);
      const active = net.node(`mlp${i}.active`, "Gelu", [inner]);
      x = net.node(`residual${i}`, "Add", [x, net.project(`mlp${i}.out`, active, hidden, width)]);
    }
  }
  return normalize ? net.layerNorm("normalized", x, width) : x;
}

/** Declares keys and values of earlier tokens for every layer; returns the number of these tokens. */
function pastInputs(net: Layers, layers: number, heads: number, depth: number): string {
  const dims = ["batch", heads, "past", depth];
  for (let i = 0; i < layers; i++) {
    for (const part of ["key", "value"]) net.builder.input(pastName(i, part), "float32", dims);
  }
  return net.node("before", "Shape", [pastName(0, "key")], { start: 2, end: 3 });
}

const pastName = (layer: number, part: string): string => `past_key_values.${layer}.${part}`;

/** `[position, total]` with -10000 for what comes later, where as many tokens were before as `past` says. */
function futureMask(
  net: Layers,
  size: string,
  past: { readonly before: string; readonly total: string } | undefined,
): string {
  const square = net.node("future.size", "Concat", [size, past?.total ?? size], { axis: 0 });
  const low = net.node("future.low", "Expand", [net.builder.number(-1e4), square]);
  const next =
    past === undefined
      ? net.builder.integers(1)
      : net.node("future.next", "Add", [past.before, net.builder.integers(1)]);
  const offset = net.node("future.offset", "Squeeze", [next]);
  return net.node("future", "Trilu", [low, offset], { upper: 1 });
}

function attention(
  net: Layers,
  name: string,
  x: string,
  width: number,
  heads: number,
  mask: string | undefined,
  { bias, past }: { readonly bias: boolean; readonly past?: number },
): string {
  const { integers, number } = net.builder;
  const depth = width / heads;
  const split = (part: string, perm: readonly number[]): string => {
    const projected = net.project(`${name}.${part}`, x, width, width, { bias });
    const shaped = net.node(`${name}.${part}.heads`, "Reshape", [projected, integers(0, 0, heads, depth)]);
    return net.node(`${name}.${part}.turned`, "Transpose", [shaped], { perm });
  };
  const query = split("query", [0, 2, 1, 3]);
  let key = split("key", past === undefined ? [0, 2, 3, 1] : [0, 2, 1, 3]);
  let value = split("value", [0, 2, 1, 3]);
  if (past !== undefined) {
    const after = (part: string, latest: string): string => {
      const all = net.node(`present.${past}.${part}`, "Concat", [pastName(past, part), latest], { axis: 2 });
      net.builder.output(all);
      return all;
    };
    key = net.node(`${name}.key.across`, "Transpose", [after("key", key)], { perm: [0, 1, 3, 2] });
    value = after("value", value);
  }
  const raw = net.node(`${name}.raw`, "MatMul", [query, key]);
  const scaled = net.node(`${name}.scaled`, "Mul", [raw, number(1 / Math.sqrt(depth))]);
  const masked = mask === undefined ? scaled : net.node(`${name}.masked`, "Add", [scaled, mask]);
  const pattern = net.node(`${name}.pattern`, "Softmax", [masked], { axis: -1 });
  const mixed = net.node(`${name}.mixed`, "MatMul", [pattern, value]);
  const joined = net.node(`${name}.joined`, "Transpose", [mixed], { perm: [0, 2, 1, 3] });
  const flat = net.node(`${name}.flat`, "Reshape", [joined, integers(0, 0, width)]);
  return net.project(name, flat, width, width, { bias });
}
