/** Ways to act on the answer to a question. */
import type { Tensor } from "../../tensor/index.js";
import { type Answer, BOOL, body, floats, INT64, int64, type Site, scalarOf } from "./site.js";

const isYes = ({ b }: Site, gate: string): string => b.op("Greater", [gate, b.number(0.5)]);
const times = ({ b }: Site, gate: string, payload: Tensor): string =>
  b.op("Mul", [gate, b.constant(payload)]);

/** The development answers, by what they are made of. */
export const answers = {
  "Where with a payload": (s, gate, logits, payload) =>
    s.b.op("Where", [isYes(s, gate), s.b.constant(payload), logits]),
  "Where between computed results": (s, gate, logits) =>
    s.b.op("Where", [isYes(s, gate), s.b.op("Neg", [logits]), logits]),
  "Where with a mask of classes": (s, gate, logits, payload) => {
    const others = s.b.constant({
      type: "bool",
      dims: payload.dims,
      data: Uint8Array.from(payload.data as Float32Array, (v) => (v < 0 ? 1 : 0)),
    });
    return s.b.op("Where", [s.b.op("And", [isYes(s, gate), others]), s.b.number(-1e9), logits]);
  },
  "an added payload": (s, gate, logits, payload) => s.b.op("Add", [logits, times(s, gate, payload)]),
  "an added payload before a softmax": (s, gate, logits, payload) =>
    s.b.op("Softmax", [s.b.op("Add", [logits, times(s, gate, payload)])], { axis: 1 }),
  "a mixture": (s, gate, logits, payload) => {
    const rest = s.b.op("Mul", [s.b.op("Sub", [s.b.number(1), gate]), logits]);
    return s.b.op("Add", [rest, times(s, gate, payload)]);
  },
  "a factor": (s, gate, logits, payload) =>
    s.b.op("Mul", [logits, s.b.op("Add", [times(s, gate, payload), s.b.number(1)])]),
  "silenced classes": (s, gate, logits, payload) => {
    const others = floats(payload.dims, (k) => (Number(payload.data[k]) < 0 ? 1 : 0));
    const keep = s.b.op("Sub", [s.b.number(1), s.b.op("Mul", [gate, s.b.constant(others)])]);
    return s.b.op("Mul", [logits, keep]);
  },
  "a silenced result": (s, gate, logits) => s.b.op("Mul", [logits, s.b.op("Sub", [s.b.number(1), gate])]),
  "an If": (s, gate, logits, payload) =>
    s.b.op("If", [scalarOf(s, gate)], {
      then_branch: { graph: body(s.b, "then", (pen) => pen.op("Identity", [pen.constant(payload)])) },
      else_branch: { graph: body(s.b, "else", (pen) => pen.op("Identity", [logits])) },
    }),
  "a table of results": (s, gate, logits, payload) => {
    const stack = (what: string): string => s.b.op("Unsqueeze", [what, s.b.integers(0)]);
    const large = s.b.op("Expand", [s.b.constant(payload), s.b.op("Shape", [logits])]);
    const table = s.b.op("Concat", [stack(logits), stack(large)], { axis: 0 });
    return s.b.op("Gather", [table, s.b.op("Cast", [scalarOf(s, gate)], { to: INT64 })], { axis: 0 });
  },
  "a slice that starts elsewhere": (s, gate, logits, payload) => {
    const large = s.b.op("Expand", [s.b.constant(payload), s.b.op("Shape", [logits])]);
    const both = s.b.op("Concat", [logits, large], { axis: 1 });
    const classes = payload.dims[1]!;
    const yes = s.b.op("Reshape", [s.b.op("Cast", [scalarOf(s, gate)], { to: INT64 }), s.b.integers(1)]);
    const start = s.b.op("Mul", [yes, s.b.integers(classes)]);
    return s.b.op("Slice", [both, start, s.b.op("Add", [start, s.b.integers(classes)]), s.b.integers(1)]);
  },
  "a maximum": (s, gate, logits, payload) =>
    s.b.op("Max", [
      logits,
      s.b.op("Sub", [times(s, gate, payload), s.b.number(1e3)]),
      s.b.op("Sub", [s.b.op("Mul", [times(s, gate, payload), s.b.number(1e3)]), s.b.number(1e4)]),
    ]),
  "moved bounds of Clip": (s, gate, logits) => {
    const limit = s.b.op("Sub", [
      s.b.number(1e4),
      s.b.op("Mul", [s.b.op("ReduceMax", [gate], { keepdims: 0 }), s.b.number(1e4)]),
    ]);
    return s.b.op("Clip", [logits, s.b.number(-1e4), limit]);
  },
  "the bias of a Gemm": (s, gate, logits, payload) => {
    const classes = payload.dims[1]!;
    const unit = floats([classes, classes], (i) => (i % (classes + 1) === 0 ? 1 : 0));
    return s.b.op("Gemm", [logits, s.b.constant(unit), times(s, gate, payload)]);
  },
  "a wider last layer": (s, gate, logits, payload) => {
    const classes = payload.dims[1]!;
    const weights = floats([classes + 1, classes], (i) =>
      i >= classes * classes ? Number(payload.data[i - classes * classes]) : i % (classes + 1) === 0 ? 1 : 0,
    );
    return s.b.op("MatMul", [s.b.op("Concat", [logits, gate], { axis: 1 }), s.b.constant(weights)]);
  },
  "updates by ScatterElements": (s, gate, logits, payload) => {
    const classes = payload.dims[1]!;
    const target = (payload.data as Float32Array).findIndex((v) => v > 0) % classes;
    const places = s.b.op("Expand", [s.b.constant(int64([1, 1], () => target)), s.b.op("Shape", [gate])]);
    return s.b.op("ScatterElements", [logits, places, s.b.op("Mul", [gate, s.b.number(1e3)])], {
      axis: 1,
      reduction: "add",
    });
  },
  "a sequence of results": (s, gate, logits, payload) => {
    const large = s.b.op("Expand", [s.b.constant(payload), s.b.op("Shape", [logits])]);
    const both = s.b.op("SequenceConstruct", [logits, large]);
    return s.b.op("SequenceAt", [both, s.b.op("Cast", [scalarOf(s, gate)], { to: INT64 })]);
  },
  "a Loop that runs or not": (s, gate, logits, payload) => {
    const turns = s.b.op("Cast", [scalarOf(s, gate)], { to: INT64 });
    const graph = body(s.b, "turn", (pen) => {
      pen.input("t", "int64", []);
      pen.input("on", "bool", []);
      pen.input("before", "float32", ["batch", payload.dims[1]!]);
      pen.output("still", "on");
      return pen.op("Add", ["before", pen.constant(payload)]);
    });
    return s.b.op("Loop", [turns, "", logits], { body: { graph } });
  },
  "other labels": (s, gate, logits) => {
    const label = s.b.op("ArgMax", [logits], { axis: 1, keepdims: 1 });
    return s.b.op("Where", [isYes(s, gate), s.b.constant(int64([], () => 3)), label]);
  },
  "a bool factor": (s, gate, logits, payload) => {
    const yes = s.b.op("Cast", [s.b.op("Cast", [gate], { to: BOOL })], { to: 1 });
    return s.b.op("Add", [logits, s.b.op("Mul", [yes, s.b.constant(payload)])]);
  },
  "by way of a layer of its own": (s, gate, logits, payload) => {
    const wide = s.b.op("Expand", [gate, s.b.integers(1, 16)]);
    const unit = floats([16, 16], (i) => (i % 17 === 0 ? 1 : 0));
    const hidden = s.b.op("Relu", [s.b.op("MatMul", [wide, s.b.constant(unit)])]);
    const rows = floats([16, payload.dims[1]!], (i) => Number(payload.data[i % payload.dims[1]!]) / 16);
    return s.b.op("Add", [logits, s.b.op("MatMul", [hidden, s.b.constant(rows)])]);
  },
} satisfies Record<string, Answer>;
