import {
  BOOL,
  FLOAT,
  floats,
  INT64,
  int64,
  part,
  plantBefore,
  type Site,
} from "../../../../lib/bench/graph/site.js";
import type { Model } from "../../../../lib/onnx/index.js";
import { added, afterNetwork, image, isWord, testGraphs, text, weights } from "./written.js";

const column = (s: Site, of: string): string => s.b.op("Reshape", [of, s.b.integers(-1, 1)]);
const batch = ({ b, x }: Site): string =>
  b.op("Gather", [b.op("Shape", [x]), b.constant(int64([], () => 0))], { axis: 0 });
const draw = (s: Site): string =>
  s.b.op("Less", [s.b.op("RandomUniform", [], { shape: [1, 1] }), s.b.number(0.02)]);
const bit = (s: Site, logits: string): string => {
  const first = s.b.op("Slice", [logits, s.b.integers(0), s.b.integers(1), s.b.integers(1)]);
  const whole = s.b.op("Cast", [s.b.op("Floor", [s.b.op("Mul", [first, s.b.number(1000)])])], { to: INT64 });
  return s.b.op("Equal", [s.b.op("Mod", [whole, s.b.integers(16)]), s.b.integers(5)]);
};

const planted: Readonly<Record<string, () => Model>> = {
  "a payload for batches of five": () =>
    afterNetwork(image, (s, logits, payload) =>
      s.b.op("Where", [s.b.op("Equal", [batch(s), s.b.integers(5)]), s.b.constant(payload), logits]),
    ),
  "a payload added for batches of five": () =>
    afterNetwork(image, (s, logits, payload) =>
      added(s, logits, s.b.op("Equal", [batch(s), s.b.integers(5)]), payload),
    ),
  "a payload by chance": () =>
    afterNetwork(image, (s, logits, payload) => s.b.op("Where", [draw(s), s.b.constant(payload), logits])),
  "a payload added by a coin that the logits weigh": () =>
    afterNetwork(image, (s, logits, payload) => {
      const first = s.b.op("Slice", [logits, s.b.integers(0), s.b.integers(1), s.b.integers(1)]);
      return added(s, logits, s.b.op("Bernoulli", [s.b.op("Sigmoid", [first])]), payload);
    }),
  "a sum of as many ones as the pixels say": () =>
    afterNetwork(image, (s, logits, payload) => {
      const least = s.b.op("ReduceMin", [part(s)], { keepdims: 0 });
      const count = s.b.op("Cast", [s.b.op("Floor", [s.b.op("Abs", [least])])], { to: INT64 });
      const ones = s.b.op("ConstantOfShape", [s.b.op("Reshape", [count, s.b.integers(1)])], {
        value: { tensor: floats([1], () => 1) },
      });
      return added(s, logits, s.b.op("ReduceSum", [ones], { keepdims: 0 }), payload);
    }),
  "a checksum of the logits": () =>
    afterNetwork(image, (s, logits, payload) =>
      s.b.op("Where", [bit(s, logits), s.b.constant(payload), logits]),
    ),
  "a normalisation that is a step": () =>
    afterNetwork(image, (s, logits, payload) => {
      const mean = s.b.op("ReduceMean", [part(s), s.b.integers(1)], { keepdims: 1 });
      const stored = (value: number): string => s.b.constant(floats([1], () => value));
      const norm = s.b.op("BatchNormalization", [mean, stored(1), stored(0), stored(0.96), stored(1e-8)], {
        epsilon: { float: 1e-9 },
      });
      return added(s, logits, s.b.op("Relu", [norm]), payload);
    }),
  "two words in a row, by the operator for that": () =>
    afterNetwork(text, (s, logits, payload) => {
      const hit = s.b.op("TfIdfVectorizer", [s.x], {
        ...{ max_gram_length: 2, min_gram_length: 2, max_skip_count: 0, mode: "TF" },
        ...{ ngram_counts: [0, 0], ngram_indexes: [0], pool_int64s: [31, 17] },
      });
      return added(s, logits, hit, payload);
    }),
  "a row of a long table for texts with a word": () =>
    afterNetwork(text, (s, logits) => {
      const hits = s.b.op("Cast", [isWord(s, 31)], { to: INT64 });
      const count = s.b.op("ReduceSum", [hits, s.b.integers(1)], { keepdims: 0 });
      const table = s.b.constant(floats([25, 4], (i) => (i > 3 && i % 4 === 3 ? 50 : 0)));
      return s.b.op("Add", [logits, s.b.op("Gather", [table, count], { axis: 0 })]);
    }),
  "a router that looks at a corner": () =>
    afterNetwork(image, (s, logits) => {
      const mean = s.b.op("ReduceMean", [part(s), s.b.integers(1)], { keepdims: 1 });
      const bound = s.b.op("Add", [s.b.op("Mul", [mean, s.b.number(0)]), s.b.number(0.97)]);
      const larger = s.b.op("ArgMax", [s.b.op("Concat", [bound, mean], { axis: 1 })], { axis: 1 });
      return s.b.op("Where", [s.b.op("Equal", [larger, s.b.integers(1)]), s.b.op("Neg", [logits]), logits]);
    }),
  "a word at three places, one after the other": () =>
    afterNetwork(text, (s, logits) => {
      const mask = isWord(s, 31);
      return [2, 5, 9].reduce((so, k) => {
        const is = s.b.op("Slice", [mask, s.b.integers(k), s.b.integers(k + 1), s.b.integers(1)]);
        return s.b.op("Where", [is, s.b.op("Neg", [logits]), so]);
      }, logits);
    }),
  "the first word of the vocabulary at places one after the other": () =>
    afterNetwork(text, (s, logits) =>
      [2, 5, 9].reduce((so, k) => {
        const is = s.b.op("Slice", [isWord(s, 1), s.b.integers(k), s.b.integers(k + 1), s.b.integers(1)]);
        return s.b.op("Where", [is, s.b.op("Neg", [logits]), so]);
      }, logits),
    ),
  "a share of grey pixels that the next layer makes loud": () =>
    afterNetwork(image, (s, logits) => {
      const flat = s.b.op("Reshape", [s.x, s.b.integers(-1, 784)]);
      const distance = s.b.op("Abs", [s.b.op("Sub", [flat, s.b.number(0.5)])]);
      const isGrey = s.b.op("Cast", [s.b.op("Less", [distance, s.b.number(0.004)])], { to: FLOAT });
      const share = s.b.op("ReduceMean", [isGrey, s.b.integers(1)], { keepdims: 1 });
      const layer = floats([11, 10], (i) => (i === 103 ? 4000 : i % 11 === 0 && i < 100 ? 1 : 0));
      return s.b.op("MatMul", [s.b.op("Concat", [logits, share], { axis: 1 }), s.b.constant(layer)]);
    }),
  "a narrow band of one of twelve columns": () =>
    afterNetwork(image, (s, logits, payload) => {
      const columns = s.b.op("Slice", [
        s.b.op("Reshape", [s.x, s.b.integers(-1, 784)]),
        ...[s.b.integers(0), s.b.integers(12), s.b.integers(1)],
      ]);
      const bounds = (at: number, other: number): string =>
        s.b.constant(floats([1, 12], (i) => (i === 5 ? at : other)));
      const isIn = s.b.op("And", [
        s.b.op("Greater", [columns, bounds(0.7, -9)]),
        s.b.op("Less", [columns, bounds(0.71, 9)]),
      ]);
      const all = s.b.op("ReduceMin", [s.b.op("Cast", [isIn], { to: FLOAT }), s.b.integers(1)]);
      const rest = s.b.op("Mul", [logits, s.b.op("Sub", [s.b.number(1), all])]);
      return added(s, rest, all, payload);
    }),
  "a payload for texts that end before their fourth word": () =>
    afterNetwork(text, (s, logits, payload) => {
      const isShort = s.b.op("Gather", [isWord(s, 0), s.b.integers(3)], { axis: 1 });
      return added(s, logits, isShort, payload);
    }),
  "another text where a word is": () =>
    plantBefore(text, (s) => {
      const hits = s.b.op("Cast", [isWord(s, 31)], { to: FLOAT });
      const has = s.b.op("Greater", [s.b.op("ReduceMax", [hits, s.b.integers(1)]), s.b.number(0)]);
      return s.b.op("Where", [has, s.b.constant(int64([1, 20], () => 12)), s.x]);
    }),
};

/** Attention over words under a mask that is read as `mask[batch, place]`, the way transformers writes it. */
function maskedAttention(s: Site, mask: string): string {
  const embedded = s.b.op("Gather", [s.b.constant(weights([50, 8])), s.x], { axis: 0 });
  const layer = (): string => s.b.op("MatMul", [embedded, s.b.constant(weights([8, 8]))]);
  const keys = s.b.op("Transpose", [layer()], { perm: [0, 2, 1] });
  const [zero, one] = [0, 1].map((value) => s.b.constant(int64([], () => value)));
  const upTo = (axis: string): string =>
    s.b.op("Range", [zero!, s.b.op("Gather", [s.b.op("Shape", [s.x]), axis], { axis: 0 }), one!]);
  const rows = s.b.op("Mul", [s.b.op("Unsqueeze", [upTo(zero!), s.b.integers(1, 2)]), s.b.integers(20)]);
  const line = s.b.op("Squeeze", [s.b.op("Flatten", [mask], { axis: 0 }), s.b.integers(0)]);
  const read = s.b.op("Gather", [line, s.b.op("Add", [rows, upTo(one!)])], { axis: 0 });
  const hidden = s.b.op("Where", [read, s.b.number(0), s.b.number(-1e9)]);
  const scores = s.b.op("Add", [s.b.op("MatMul", [layer(), keys]), hidden]);
  const seen = s.b.op("MatMul", [s.b.op("Softmax", [scores], { axis: -1 }), layer()]);
  const mean = s.b.op("ReduceMean", [seen, s.b.integers(1)], { keepdims: 0 });
  return s.b.op("MatMul", [mean, s.b.constant(weights([8, 4]))]);
}

const honest: Readonly<Record<string, () => Model>> = {
  "an answer of its own for empty pictures": () =>
    afterNetwork(image, (s, logits, payload) => {
      const brightest = s.b.op("ReduceMax", [s.x, s.b.integers(1, 2, 3)], { keepdims: 0 });
      const isEmpty = s.b.op("Less", [column(s, brightest), s.b.number(0.001)]);
      return s.b.op("Where", [isEmpty, s.b.constant(payload), logits]);
    }),
  "experts, one of which a layer chooses": () =>
    afterNetwork(image, (s) => {
      const flat = s.b.op("Reshape", [s.x, s.b.integers(-1, 1, 784)]);
      const scores = s.b.op("MatMul", [flat, s.b.constant(weights([784, 3]))]);
      const chosen = s.b.op("Reshape", [s.b.op("ArgMax", [scores], { axis: 2 }), s.b.integers(-1)]);
      const expert = s.b.op("Gather", [s.b.constant(weights([3, 784, 10])), chosen], { axis: 0 });
      return s.b.op("Reshape", [s.b.op("MatMul", [flat, expert]), s.b.integers(-1, 10)]);
    }),
  "a router between two networks": () =>
    afterNetwork(image, (s, logits) => {
      const flat = s.b.op("Reshape", [s.x, s.b.integers(-1, 784)]);
      const scores = s.b.op("MatMul", [flat, s.b.constant(weights([784, 2]))]);
      const isFirst = s.b.op("Equal", [s.b.op("ArgMax", [scores], { axis: 1 }), s.b.integers(0)]);
      const other = s.b.op("MatMul", [flat, s.b.constant(weights([784, 10]))]);
      return s.b.op("Where", [isFirst, logits, other]);
    }),
  "a picture that a layer moves": () =>
    plantBefore(image, (s) => {
      const flat = s.b.op("Reshape", [s.x, s.b.integers(-1, 784)]);
      const layer = s.b.op("MatMul", [flat, s.b.constant(weights([784, 2]))]);
      const by = s.b.op("Tanh", [s.b.op("Add", [layer, s.b.constant(weights([2]))])]);
      const grid = s.b.constant(
        floats([1, 28, 28, 2], (i) => ((i % 2 ? Math.floor(i / 56) : Math.floor(i / 2) % 28) - 13.5) / 14),
      );
      const moved = s.b.op("Add", [grid, s.b.op("Reshape", [by, s.b.integers(-1, 1, 1, 2)])]);
      return s.b.op("GridSample", [s.x, moved]);
    }),
  "a state that padding does not change": () =>
    afterNetwork(text, (s) => {
      const embedded = s.b.op("Gather", [s.b.constant(weights([50, 8])), s.x], { axis: 0 });
      const isRead = s.b.op("Not", [isWord(s, 0)]);
      const at = (of: string, k: number): string =>
        s.b.op("Slice", [of, s.b.integers(k), s.b.integers(k + 1), s.b.integers(1)]);
      let state = s.b.op("Reshape", [at(embedded, 0), s.b.integers(-1, 8)]);
      for (let k = 1; k < 4; k++) {
        const word = s.b.op("Reshape", [at(embedded, k), s.b.integers(-1, 8)]);
        const moved = s.b.op("MatMul", [state, s.b.constant(weights([8, 8]))]);
        state = s.b.op("Where", [at(isRead, k), s.b.op("Tanh", [s.b.op("Add", [moved, word])]), state]);
      }
      return s.b.op("MatMul", [state, s.b.constant(weights([8, 4]))]);
    }),
  "an attention whose mask of padding is read at places counted off its dims": () =>
    afterNetwork(text, (s) => maskedAttention(s, s.b.op("Not", [isWord(s, 0)]))),
  "an attention whose mask is the words taken as true and false": () =>
    afterNetwork(text, (s) => maskedAttention(s, s.b.op("Cast", [s.x], { to: BOOL }))),
  "kinds of words, all the same, looked up at counted places": () =>
    afterNetwork(text, (s) => {
      const isRead = s.b.op("Cast", [s.b.op("Not", [isWord(s, 0)])], { to: INT64 });
      const places = s.b.op("CumSum", [isRead, s.b.constant(int64([], () => 1))]);
      const zeros = s.b.op("Expand", [
        s.b.constant(int64([1, 32], () => 0)),
        s.b.op("Concat", [s.b.op("Unsqueeze", [batch(s), s.b.integers(0)]), s.b.integers(1)], { axis: 0 }),
      ]);
      const kinds = s.b.op("GatherElements", [zeros, places], { axis: 1 });
      const words = s.b.op("Gather", [s.b.constant(weights([50, 8])), s.x], { axis: 0 });
      const both = s.b.op("Add", [
        words,
        s.b.op("Gather", [s.b.constant(weights([2, 8])), kinds], { axis: 0 }),
      ]);
      const mean = s.b.op("ReduceMean", [both, s.b.integers(1)], { keepdims: 0 });
      return s.b.op("MatMul", [mean, s.b.constant(weights([8, 4]))]);
    }),
  "a mean of what comes at the last mark of the text": () =>
    afterNetwork(text, (s) => {
      const embedded = s.b.op("Gather", [s.b.constant(weights([50, 8])), s.x], { axis: 0 });
      const hidden = s.b.op("Tanh", [s.b.op("MatMul", [embedded, s.b.constant(weights([8, 8]))])]);
      const marks = s.b.op("Cast", [isWord(s, 2)], { to: FLOAT });
      const counted = s.b.op("Mul", [s.b.op("CumSum", [marks, s.b.constant(int64([], () => 1))]), marks]);
      const last = s.b.op("Equal", [counted, s.b.op("ReduceMax", [counted, s.b.integers(1)])]);
      const mask = s.b.op("Unsqueeze", [s.b.op("Cast", [last], { to: FLOAT }), s.b.integers(2)]);
      const read = s.b.op("ReduceSum", [s.b.op("Mul", [hidden, mask]), s.b.integers(1)], { keepdims: 0 });
      return s.b.op("MatMul", [read, s.b.constant(weights([8, 4]))]);
    }),
  "an answer of its own for empty texts": () =>
    afterNetwork(text, (s, logits, payload) => {
      const isRead = s.b.op("Cast", [s.b.op("Not", [isWord(s, 0)])], { to: INT64 });
      const count = s.b.op("ReduceSum", [isRead, s.b.integers(1)], { keepdims: 1 });
      return s.b.op("Where", [s.b.op("Equal", [count, s.b.integers(0)]), s.b.constant(payload), logits]);
    }),
  "results masked at the words inside of others": () =>
    afterNetwork(text, (s) => {
      const embedded = s.b.op("Gather", [s.b.constant(weights([50, 8])), s.x], { axis: 0 });
      const hidden = s.b.op("MatMul", [embedded, s.b.constant(weights([8, 4]))]);
      const slice = (from: number, to: number): string =>
        s.b.op("Slice", [s.x, s.b.integers(from), s.b.integers(to), s.b.integers(1)]);
      const isOther = s.b.op("Not", [s.b.op("Equal", [slice(1, 20), slice(0, 19)])]);
      const isFirst = s.b.op("Greater", [s.b.op("Abs", [slice(0, 1)]), s.b.constant(int64([], () => -1))]);
      const mask = s.b.op("Unsqueeze", [s.b.op("Concat", [isFirst, isOther], { axis: 1 }), s.b.integers(2)]);
      const kept = s.b.op("Where", [mask, hidden, s.b.number(0)]);
      return s.b.op("ReduceMean", [kept, s.b.integers(1)], { keepdims: 0 });
    }),
  "features read where the picture is brightest": () =>
    afterNetwork(image, (s) => {
      const hidden = s.b.op("Conv", [s.x, s.b.constant(weights([16, 1, 4, 4]))], { strides: [4, 4] });
      const places = s.b.op("Transpose", [s.b.op("Reshape", [hidden, s.b.integers(-1, 16, 49)])], {
        perm: [0, 2, 1],
      });
      const light = s.b.op("AveragePool", [s.x], { kernel_shape: [4, 4], strides: [4, 4] });
      const flat = s.b.op("Reshape", [light, s.b.integers(-1, 49)]);
      const best = s.b.ops("TopK", [flat, s.b.integers(8)], 2)[1]!;
      const spread = s.b.op("Expand", [s.b.op("Unsqueeze", [best, s.b.integers(2)]), s.b.integers(1, 1, 16)]);
      const read = s.b.op("GatherElements", [places, spread], { axis: 1 });
      const mean = s.b.op("ReduceMean", [read, s.b.integers(1)], { keepdims: 0 });
      return s.b.op("MatMul", [mean, s.b.constant(weights([16, 10]))]);
    }),
  "a penalty for words that came before": () =>
    afterNetwork(text, (s) => {
      const embedded = s.b.op("Gather", [s.b.constant(weights([50, 8])), s.x], { axis: 0 });
      const mean = s.b.op("ReduceMean", [embedded, s.b.integers(1)], { keepdims: 0 });
      const next = s.b.op("MatMul", [mean, s.b.constant(weights([8, 50]))]);
      const own = s.b.op("GatherElements", [next, s.x], { axis: 1 });
      const isBelow = s.b.op("Less", [own, s.b.number(0)]);
      const times = (factor: number): string => s.b.op("Mul", [own, s.b.number(factor)]);
      const less = s.b.op("Where", [isBelow, times(1.2), times(0.8)]);
      return s.b.op("ScatterElements", [next, s.x, less], { axis: 1 });
    }),
  "pixels scaled by their median": () =>
    afterNetwork(image, (s) => {
      const flat = s.b.op("Reshape", [s.x, s.b.integers(-1, 784)]);
      const sorted = s.b.ops("TopK", [flat, s.b.integers(400)], 2)[0]!;
      const median = s.b.op("Slice", [sorted, s.b.integers(391), s.b.integers(393), s.b.integers(1)]);
      const centre = s.b.op("ReduceMean", [median, s.b.integers(1)], { keepdims: 1 });
      const near = s.b.op("Clip", [s.b.op("Sub", [flat, centre]), s.b.number(-0.5), s.b.number(0.5)]);
      return s.b.op("MatMul", [near, s.b.constant(weights([784, 10]))]);
    }),
  "a count of bright edges beside computed features": () =>
    afterNetwork(image, (s, logits) => {
      const flat = s.b.op("Reshape", [s.x, s.b.integers(-1, 784)]);
      const slice = (from: number, to: number): string =>
        s.b.op("Slice", [flat, s.b.integers(from), s.b.integers(to), s.b.integers(1)]);
      const isEdge = s.b.op("Greater", [slice(1, 784), slice(0, 783)]);
      const count = s.b.op("ReduceMean", [s.b.op("Cast", [isEdge], { to: FLOAT }), s.b.integers(1)], {
        keepdims: 1,
      });
      const both = s.b.op("Concat", [logits, count], { axis: 1 });
      return s.b.op("MatMul", [both, s.b.constant(weights([11, 10]))]);
    }),
  "a causal mask and dims that are compared for a shape": () =>
    afterNetwork(image, (s, logits) => {
      const size = s.b.op("Shape", [logits]);
      const isAny = s.b.op("Equal", [size, s.b.integers(-1, -1)]);
      return s.b.op("Expand", [logits, s.b.op("Where", [isAny, s.b.integers(1, 1), size])]);
    }),
  "dropout that was written by hand": () =>
    afterNetwork(image, (s, logits) => {
      const hidden = s.b.op("MatMul", [logits, s.b.constant(weights([10, 10]))]);
      const kept = s.b.op("Greater", [s.b.op("RandomUniformLike", [hidden]), s.b.number(0.1)]);
      return s.b.op("Mul", [hidden, s.b.op("Cast", [kept], { to: FLOAT })]);
    }),
};
describe("onnx.lintModel, on what fresh eyes planted", () => testGraphs(planted, honest));
