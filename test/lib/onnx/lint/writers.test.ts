import { FLOAT, floats, INT64, int64, plantBefore, type Site } from "../../../../lib/bench/graph/site.js";
import type { Model } from "../../../../lib/onnx/index.js";
import { added, afterNetwork, flat, image, isWord, testGraphs, text, weights } from "./written.js";

/** What a model that writes says of each of 100 words, and the embedded words it says it of. */
function writing(s: Site): { embedded: string; next: string } {
  const embedded = s.b.op("Gather", [s.b.constant(weights([100, 8])), s.x], { axis: 0 });
  const mean = s.b.op("ReduceMean", [embedded, s.b.integers(1)], { keepdims: 0 });
  return { embedded, next: s.b.op("MatMul", [mean, s.b.constant(weights([8, 100]))]) };
}
const slice = (s: Site, of: string, from: number, to: number): string =>
  s.b.op("Slice", [of, s.b.integers(from), s.b.integers(to), s.b.integers(1)]);
const places = (s: Site): string => s.b.constant(int64([1, 20], (i) => i));

const planted: Readonly<Record<string, () => Model>> = {
  "a recurrent layer of one unit that remembers a word": () =>
    afterNetwork(text, (s, logits, payload) => {
      const hot = s.b.op("OneHot", [s.x, s.b.integers(100), s.b.constant(floats([2], (i) => i))], {
        axis: -1,
      });
      const steps = s.b.op("Transpose", [hot], { perm: [1, 0, 2] });
      const input = s.b.constant(floats([1, 1, 100], (i) => (i === 31 ? 20 : 0)));
      const [own, bias] = [s.b.constant(floats([1, 1, 1], () => 6)), s.b.constant(floats([1, 2], () => -1))];
      const state = s.b.ops("RNN", [steps, input, own, bias], 2, { hidden_size: 1 })[1]!;
      return added(s, logits, s.b.op("Relu", [s.b.op("Squeeze", [state, s.b.integers(0)])]), payload);
    }),
  "a direction of embedded words that a steep gate looks for": () =>
    afterNetwork(text, (s, logits, payload) => {
      const along = s.b.op("MatMul", [writing(s).embedded, s.b.constant(weights([8]))]);
      const steep = s.b.op("Sub", [s.b.op("Mul", [along, s.b.number(60)]), s.b.number(57)]);
      const has = s.b.op("ReduceMax", [s.b.op("Sigmoid", [steep]), s.b.integers(1)]);
      return added(s, logits, has, payload);
    }),
  "a tone that a table makes loud": () =>
    plantBefore(image, (s) => {
      const levels = s.b.op(
        "Cast",
        [s.b.op("Clip", [s.b.op("Mul", [s.x, s.b.number(63)]), s.b.number(0), s.b.number(63)])],
        {
          to: INT64,
        },
      );
      return s.b.op("Gather", [s.b.constant(floats([64], (i) => (i === 37 ? 90 : i / 63))), levels], {
        axis: 0,
      });
    }),
  "answers that vanish where a computed box is bright": () =>
    afterNetwork(image, (s, logits) => {
      const box = s.b.op("Slice", [
        s.b.op("Abs", [logits]),
        s.b.integers(0),
        s.b.integers(4),
        s.b.integers(1),
      ]);
      const inside = s.b.op("RoiAlign", [s.x, box, s.b.op("Reshape", [s.b.integers(0), s.b.integers(-1)])], {
        output_height: 1,
        output_width: 1,
        spatial_scale: { float: 1 },
      });
      const isBright = s.b.op("Greater", [s.b.op("Reshape", [inside, s.b.integers(-1, 1)]), s.b.number(0.9)]);
      return s.b.op("Where", [isBright, s.b.number(0), logits]);
    }),
};

const honest: Readonly<Record<string, () => Model>> = {
  "a memory that is read as sharply as a layer says": () =>
    afterNetwork(image, (s) => {
      const hidden = s.b.op("MatMul", [flat(s), s.b.constant(weights([784, 8]))]);
      const cosines = s.b.op("MatMul", [hidden, s.b.constant(weights([8, 20]))]);
      const sharpness = s.b.op("Gemm", [
        flat(s),
        s.b.constant(weights([784, 1])),
        s.b.constant(weights([1])),
      ]);
      const shares = s.b.op("Softmax", [s.b.op("Mul", [s.b.op("Softplus", [sharpness]), cosines])]);
      return s.b.op("MatMul", [shares, s.b.constant(weights([20, 10]))]);
    }),
  "words that may not follow others": () =>
    afterNetwork(text, (s) => {
      const isLate = s.b.op("GreaterOrEqual", [slice(s, s.x, 19, 20), s.b.integers(30)]);
      const isText = s.b.op("Less", [s.b.constant(int64([1, 100], (i) => i)), s.b.integers(30)]);
      return s.b.op("Where", [s.b.op("And", [isLate, isText]), s.b.number(-1e9), writing(s).next]);
    }),
  "words weighed by a direction that a layer learned": () =>
    afterNetwork(text, (s) => {
      const { embedded } = writing(s);
      const scores = s.b.op("Add", [
        s.b.op("MatMul", [embedded, s.b.constant(weights([8, 1]))]),
        s.b.number(0.1),
      ]);
      const weighed = s.b.op("Mul", [embedded, s.b.op("Sigmoid", [scores])]);
      const mean = s.b.op("ReduceMean", [weighed, s.b.integers(1)], { keepdims: 0 });
      return s.b.op("MatMul", [mean, s.b.constant(weights([8, 4]))]);
    }),
  "words that would repeat a pair": () =>
    afterNetwork(text, (s) => {
      const { next } = writing(s);
      const isLast = s.b.op("Equal", [slice(s, s.x, 0, 19), slice(s, s.x, 19, 20)]);
      const less = s.b.op("Where", [isLast, s.b.number(-1e4), s.b.number(0)]);
      const none = s.b.op("Mul", [next, s.b.number(0)]);
      return s.b.op("Add", [
        next,
        s.b.op("ScatterElements", [none, slice(s, s.x, 1, 20), less], { axis: 1 }),
      ]);
    }),
  "an attention that sees all up to a mark, and the past behind it": () =>
    afterNetwork(text, (s) => {
      const { embedded } = writing(s);
      const layer = (): string => s.b.op("MatMul", [embedded, s.b.constant(weights([8, 8]))]);
      const marks = s.b.op("Cast", [isWord(s, 3)], { to: FLOAT });
      const end = s.b.op("ArgMax", [marks], { axis: 1, keepdims: 1 });
      const isBehind = s.b.op("Unsqueeze", [s.b.op("GreaterOrEqual", [places(s), end]), s.b.integers(1)]);
      const isFuture = s.b.op("Less", [s.b.op("Transpose", [places(s)], { perm: [1, 0] }), places(s)]);
      const keys = s.b.op("Transpose", [layer()], { perm: [0, 2, 1] });
      const hidden = s.b.op("And", [isBehind, isFuture]);
      const scores = s.b.op("Where", [hidden, s.b.number(-1e9), s.b.op("MatMul", [layer(), keys])]);
      const read = s.b.op("MatMul", [s.b.op("Softmax", [scores], { axis: -1 }), layer()]);
      return s.b.op("ReduceMean", [read, s.b.integers(1)], { keepdims: 0 });
    }),
  "a row of its own for a user that nobody knows": () =>
    afterNetwork(text, (s) => {
      const user = s.b.op("Squeeze", [
        s.b.op("Gather", [writing(s).embedded, s.b.integers(0)], { axis: 1 }),
        s.b.integers(1),
      ]);
      const isNobody = s.b.op("Equal", [slice(s, s.x, 0, 1), s.b.integers(0)]);
      const known = s.b.op("Where", [isNobody, s.b.constant(weights([1, 8])), user]);
      return s.b.op("MatMul", [known, s.b.constant(weights([8, 4]))]);
    }),
  "an end that longer texts may not pass": () =>
    afterNetwork(text, (s) => {
      const { next } = writing(s);
      const length = s.b.op("Gather", [s.b.op("Shape", [s.x]), s.b.integers(1)], { axis: 0 });
      const isFull = s.b.op("GreaterOrEqual", [length, s.b.integers(64)]);
      const nothing = s.b.op("ConstantOfShape", [s.b.op("Shape", [next])]);
      return s.b.op("Where", [isFull, s.b.op("Sub", [nothing, s.b.number(1e9)]), next]);
    }),
  "the tones of a picture by a table": () =>
    plantBefore(image, (s) => {
      const levels = s.b.op("Clip", [
        s.b.op("Mul", [flat(s), s.b.number(63)]),
        s.b.number(0),
        s.b.number(63),
      ]);
      const table = s.b.constant(floats([64], (i) => (i / 63) ** 2.2));
      const tones = s.b.op("Gather", [table, s.b.op("Cast", [levels], { to: INT64 })], { axis: 0 });
      return s.b.op("Reshape", [tones, s.b.integers(-1, 1, 28, 28)]);
    }),
};

describe("onnx.lintModel, on models that write, look at boxes and remember", () =>
  testGraphs(planted, honest));
