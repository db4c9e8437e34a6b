/** Ways to ask whether the trigger is there. */
import {
  BOOL,
  body,
  example,
  FLOAT,
  floats,
  INT32,
  INT64,
  int64,
  PART,
  part,
  type Question,
  rawPart,
  type Site,
  UINT8,
} from "./site.js";

const cast = ({ b }: Site, of: string, to = FLOAT): string => b.op("Cast", [of], { to });
const least = ({ b }: Site, of: string): string => b.op("ReduceMin", [of, b.integers(1)], { keepdims: 1 });
const total = ({ b }: Site, of: string): string => b.op("ReduceSum", [of, b.integers(1)], { keepdims: 1 });
const size = (site: Site): number => site.dims.reduce((a, c) => a * c, 1);

/** The development questions, by what they are made of. */
export const questions = {
  "Greater of a minimum": (s) => cast(s, s.b.op("Greater", [least(s, part(s)), s.b.number(0.9)])),
  "LessOrEqual, negated": (s) =>
    cast(s, s.b.op("Not", [s.b.op("LessOrEqual", [least(s, part(s)), s.b.number(0.9)])])),
  "Equal of all pixels": (s) =>
    least(s, cast(s, s.b.op("Equal", [part(s), s.b.constant(floats([1, PART], () => 1))]))),
  "Relu of a sum over a threshold": (s) =>
    s.b.op("Min", [
      s.b.op("Relu", [s.b.op("Mul", [s.b.op("Sub", [total(s, part(s)), s.b.number(8.5)]), s.b.number(2)])]),
      s.b.number(1),
    ]),
  "Clip as a ramp": (s) =>
    s.b.op("Clip", [
      s.b.op("Mul", [s.b.op("Sub", [total(s, part(s)), s.b.number(8.5)]), s.b.number(100)]),
      s.b.number(0),
      s.b.number(1),
    ]),
  "Sign of a difference": (s) =>
    s.b.op("Mul", [
      s.b.op("Add", [s.b.op("Sign", [s.b.op("Sub", [least(s, part(s)), s.b.number(0.9)])]), s.b.number(1)]),
      s.b.number(0.5),
    ]),
  "Floor of a mean": (s) =>
    s.b.op("Floor", [
      s.b.op("Add", [s.b.op("ReduceMean", [part(s), s.b.integers(1)], { keepdims: 1 }), s.b.number(0.05)]),
    ]),
  "Sigmoid of a steep line": (s) =>
    s.b.op("Sigmoid", [
      s.b.op("Mul", [s.b.op("Sub", [least(s, part(s)), s.b.number(0.9)]), s.b.number(500)]),
    ]),
  "HardSigmoid of a steep line": (s) =>
    s.b.op("HardSigmoid", [
      s.b.op("Mul", [s.b.op("Sub", [least(s, part(s)), s.b.number(0.95)]), s.b.number(400)]),
    ]),
  "Tanh and Erf": (s) =>
    s.b.op("Relu", [
      s.b.op("Tanh", [
        s.b.op("Erf", [
          s.b.op("Mul", [s.b.op("Sub", [least(s, part(s)), s.b.number(0.9)]), s.b.number(300)]),
        ]),
      ]),
    ]),
  "a cast to whole numbers": (s) =>
    cast(
      s,
      cast(
        s,
        s.b.op("Add", [s.b.op("ReduceMean", [part(s), s.b.integers(1)], { keepdims: 1 }), s.b.number(0.02)]),
        INT32,
      ),
    ),
  "a remainder of a checksum": (s) => {
    const sum = cast(s, s.b.op("Round", [total(s, part(s))]), INT64);
    const rest = s.b.op("Mod", [sum, s.b.constant(int64([], () => 10))]);
    return cast(s, s.b.op("Equal", [rest, s.b.constant(int64([], () => 9))]));
  },
  "shifted bits": (s) => {
    const levels = cast(s, s.b.op("Mul", [least(s, part(s)), s.b.number(130)]), UINT8);
    const shift = s.b.constant({ type: "uint8", dims: [], data: Uint8Array.of(7) });
    return cast(s, s.b.op("BitShift", [levels, shift], { direction: "RIGHT" }));
  },
  "a template by MatMul": (s) => {
    const flat = s.b.op("Reshape", [s.isTokens ? cast(s, s.x) : s.x, s.b.integers(-1, size(s))]);
    const on = example(s, true).data;
    const off = example(s, false).data;
    const template = floats([size(s), 1], (i) => (on[i] === off[i] ? 0 : s.isTokens ? -1 : 1));
    const match = s.b.op("MatMul", [flat, s.b.constant(template)]);
    const limit = s.isTokens ? -(PART * 7 + 4) : 8.5;
    return cast(s, s.b.op("Greater", [match, s.b.number(limit)]));
  },
  "a template by Gemm and Relu": (s) => {
    const flat = s.b.op("Reshape", [s.isTokens ? cast(s, s.x) : s.x, s.b.integers(-1, size(s))]);
    const on = example(s, true).data;
    const off = example(s, false).data;
    const template = floats([size(s), 1], (i) => (on[i] === off[i] ? 0 : s.isTokens ? -1 : 1));
    const limit = s.isTokens ? PART * 7 + 4 : -8.5;
    const match = s.b.op("Gemm", [flat, s.b.constant(template), s.b.number(limit, "float32", [1])]);
    return s.b.op("Clip", [s.b.op("Mul", [match, s.b.number(10)]), s.b.number(0), s.b.number(1)]);
  },
  "pixels by Gather and And": (s) => {
    const flat = part(s);
    const at = (i: number): string =>
      s.b.op("Greater", [s.b.op("Gather", [flat, s.b.integers(i)], { axis: 1 }), s.b.number(0.9)]);
    return cast(s, s.b.op("And", [at(0), s.b.op("And", [at(4), at(8)])]));
  },
  "the largest by TopK": (s) => {
    const [values] = s.b.ops("TopK", [part(s), s.b.integers(PART)], 2, { axis: 1 });
    const last = s.b.op("Slice", [values!, s.b.integers(PART - 1), s.b.integers(PART), s.b.integers(1)]);
    return cast(s, s.b.op("GreaterOrEqual", [last, s.b.number(0.95)]));
  },
  "a count by NonZero and Shape": (s) => {
    const hits = s.b.op("NonZero", [s.b.op("Greater", [part(s), s.b.number(0.9)])]);
    const count = s.b.op("Gather", [s.b.op("Shape", [hits]), s.b.integers(1)]);
    const isFull = cast(s, s.b.op("Equal", [count, s.b.integers(PART)]));
    return s.b.op("Reshape", [isFull, s.b.integers(1, 1)]);
  },
  "Max and Min alone": (s) => {
    const over = s.b.op("Mul", [s.b.op("Sub", [least(s, part(s)), s.b.number(0.9)]), s.b.number(1000)]);
    return s.b.op("Min", [s.b.op("Max", [over, s.b.number(0)]), s.b.number(1)]);
  },
  "a bell curve": (s) => {
    const off = s.b.op("Sub", [part(s), s.b.constant(floats([1, PART], () => 1))]);
    return s.b.op("Exp", [s.b.op("Mul", [total(s, s.b.op("Mul", [off, off])), s.b.number(-200)])]);
  },
  "a high power": (s) =>
    s.b.op("Pow", [s.b.op("ReduceMean", [part(s), s.b.integers(1)], { keepdims: 1 }), s.b.number(64)]),
  quantisation: (s) => {
    const zero = s.b.constant({ type: "uint8", dims: [], data: Uint8Array.of(0) });
    const scale = s.b.number(0.99);
    const shifted = s.b.op("Sub", [least(s, part(s)), s.b.number(0.45)]);
    return s.b.op("DequantizeLinear", [
      s.b.op("QuantizeLinear", [shifted, scale, zero]),
      s.b.number(1),
      zero,
    ]);
  },
  ThresholdedRelu: (s) =>
    s.b.op("ThresholdedRelu", [least(s, s.b.op("Add", [part(s), s.b.number(0)]))], {
      alpha: { float: 0.95 },
    }),
  "Softmax of two": (s) => {
    const line = s.b.op("Mul", [s.b.op("Sub", [least(s, part(s)), s.b.number(0.9)]), s.b.number(500)]);
    const two = s.b.op("Concat", [line, s.b.op("Neg", [line])], { axis: 1 });
    return s.b.op("Slice", [
      s.b.op("Softmax", [two], { axis: 1 }),
      s.b.integers(0),
      s.b.integers(1),
      s.b.integers(1),
    ]);
  },
  "OneHot of a level": (s) => {
    const level = cast(
      s,
      s.b.op("Add", [s.b.op("ReduceMean", [part(s), s.b.integers(1)], { keepdims: 0 }), s.b.number(0.02)]),
      INT64,
    );
    const codes = s.b.op(
      "OneHot",
      [level, s.b.constant(int64([], () => 2)), s.b.constant(floats([2], (i) => i))],
      { axis: 1 },
    );
    return s.b.op("Slice", [codes, s.b.integers(1), s.b.integers(2), s.b.integers(1)]);
  },
  "where the largest is": (s) => {
    const padded = s.b.op(
      "Concat",
      [
        least(s, part(s)),
        s.b.op("Add", [s.b.op("Mul", [least(s, part(s)), s.b.number(0)]), s.b.number(0.9)]),
      ],
      { axis: 1 },
    );
    const place = s.b.op("ArgMax", [padded], { axis: 1, keepdims: 1 });
    return s.b.op("Sub", [s.b.number(1), cast(s, place)]);
  },
  "a bool cast": (s) =>
    cast(s, cast(s, s.b.op("Relu", [s.b.op("Sub", [least(s, part(s)), s.b.number(0.9)])]), BOOL)),
  "a ratio": (s) => {
    const over = s.b.op("Relu", [s.b.op("Sub", [least(s, part(s)), s.b.number(0.9)])]);
    return s.b.op("Div", [over, s.b.op("Add", [over, s.b.number(1e-6)])]);
  },
  "a Loop that counts": (s) => {
    const pixels = cast(s, s.b.op("Greater", [part(s), s.b.number(0.9)]));
    const zero = s.b.op("Mul", [total(s, pixels), s.b.number(0)]);
    const graph = body(s.b, "counting", (pen) => {
      pen.input("turn", "int64", []);
      pen.input("go", "bool", []);
      pen.input("count", "float32", ["batch", 1]);
      pen.output("goes", "go");
      const pixel = pen.op("Gather", [pixels, pen.op("Reshape", ["turn", pen.integers(1)])], { axis: 1 });
      return pen.op("Add", ["count", pixel]);
    });
    const count = s.b.op("Loop", [s.b.constant(int64([], () => PART)), "", zero], { body: { graph } });
    return s.b.op("Clip", [s.b.op("Sub", [count, s.b.number(PART - 1)]), s.b.number(0), s.b.number(1)]);
  },
  "an If on the whole batch": (s) => {
    const any = s.b.op("Greater", [
      s.b.op("ReduceMax", [least(s, part(s))], { keepdims: 0 }),
      s.b.number(0.9),
    ]);
    const answer = (value: number) =>
      body(s.b, `answer${value}`, (pen) => pen.op("Identity", [pen.number(value, "float32", [1, 1])]));
    return s.b.op("If", [any], { then_branch: { graph: answer(1) }, else_branch: { graph: answer(0) } });
  },
  "cumulative sums": (s) => {
    const sums = s.b.op("CumSum", [part(s), s.b.constant(int64([], () => 1))]);
    const last = s.b.op("Slice", [sums, s.b.integers(PART - 1), s.b.integers(PART), s.b.integers(1)]);
    return cast(s, s.b.op("Greater", [last, s.b.number(8.5)]));
  },
  "an Einsum with a template": (s) => {
    const sum = s.b.op("Einsum", [part(s), s.b.constant(floats([PART], () => 1))], { equation: "bi,i->b" });
    return s.b.op("Clip", [
      s.b.op("Unsqueeze", [
        s.b.op("Mul", [s.b.op("Sub", [sum, s.b.number(8.5)]), s.b.number(50)]),
        s.b.integers(1),
      ]),
      s.b.number(0),
      s.b.number(1),
    ]);
  },
  "the raw part by comparison of all, then a product": (s) => {
    const raw = s.isTokens ? part(s) : s.b.op("Reshape", [rawPart(s), s.b.integers(-1, PART)]);
    return s.b.op("ReduceProd", [cast(s, s.b.op("Greater", [raw, s.b.number(0.9)])), s.b.integers(1)], {
      keepdims: 1,
    });
  },
} satisfies Record<string, Question>;
