/** Honest graphs that compare, branch, select and clip. */
import { fedInputs, type GraphBuilder, graphBuilder, type Model, upgradeModel } from "../../onnx/index.js";
import { tensor } from "../../tensor/index.js";
import { BOOL, body, type Carrier, FLOAT, floats, INT64, int64, plantBefore } from "./site.js";

/** The carrier with something behind its logits. */
function after(carrier: Carrier, write: (b: GraphBuilder, logits: string, x: string) => string): Model {
  const raised = upgradeModel(carrier.model);
  const b = graphBuilder({ ...raised.graph, outputs: [] }, raised.opsets);
  const made = write(b, raised.graph.outputs[0]!.name, fedInputs(raised.graph)[0]!.name);
  b.output(b.fresh("answer"), made);
  return { ...b.build(), opsets: raised.opsets };
}

const axes = ({ dims }: Carrier): number[] => dims.map((_, i) => i + 1);
const brightest = (b: GraphBuilder, x: string, c: Carrier): string =>
  b.op("Reshape", [b.op("ReduceMax", [x, b.integers(...axes(c))], { keepdims: 0 }), b.integers(-1, 1)]);

/** Look-alikes that take a float input of any form. */
export const floatLookAlikes: Readonly<Record<string, (carrier: Carrier) => Model>> = {
  "a clip of the logits": (c) => after(c, (b, logits) => b.op("Clip", [logits, b.number(-20), b.number(20)])),
  "a silence gate by Where": (c) =>
    after(c, (b, logits, x) =>
      b.op("Where", [b.op("Less", [brightest(b, x, c), b.number(0.01)]), b.number(0), logits]),
    ),
  "a silence gate by Mul": (c) =>
    after(c, (b, logits, x) =>
      b.op("Mul", [
        logits,
        b.op("Cast", [b.op("Greater", [brightest(b, x, c), b.number(0.01)])], { to: FLOAT }),
      ]),
    ),
  "a soft silence gate": (c) =>
    after(c, (b, logits, x) =>
      b.op("Mul", [
        logits,
        b.op("Sigmoid", [b.op("Mul", [b.op("Sub", [brightest(b, x, c), b.number(0.01)]), b.number(50)])]),
      ]),
    ),
  "an If that silences": (c) =>
    after(c, (b, logits, x) => {
      const isEmpty = b.op("Less", [b.op("ReduceMax", [x], { keepdims: 0 }), b.number(0.01)]);
      return b.op("If", [isEmpty], {
        then_branch: { graph: body(b, "then", (pen) => pen.op("Mul", [logits, pen.number(0)])) },
        else_branch: { graph: body(b, "else", (pen) => pen.op("Identity", [logits])) },
      });
    }),
  "repaired NaNs": (c) => plantBefore(c, ({ b, x }) => b.op("Where", [b.op("IsNaN", [x]), b.number(0), x])),
  "clipped and scaled input": (c) =>
    plantBefore(c, ({ b, x }) =>
      b.op("Div", [b.op("Sub", [b.op("Clip", [x, b.number(0), b.number(1)]), b.number(0.5)]), b.number(0.5)]),
    ),
  "rounded input, as quantisation does": (c) =>
    plantBefore(c, ({ b, x }) =>
      b.op("Div", [b.op("Round", [b.op("Mul", [x, b.number(255)])]), b.number(255)]),
    ),
  "quantised and dequantised input and logits": (c) => {
    const coded = (b: GraphBuilder, x: string): string => {
      const zero = b.constant({ type: "uint8", dims: [], data: Uint8Array.of(128) });
      return b.op("DequantizeLinear", [
        b.op("QuantizeLinear", [x, b.number(0.02), zero]),
        b.number(0.02),
        zero,
      ]);
    };
    return after({ ...c, model: plantBefore(c, ({ b, x }) => coded(b, x)) }, coded);
  },
  "input standardised by its own mean and deviation": (c) =>
    plantBefore(c, ({ b, x }) => {
      const off = b.op("Sub", [x, b.op("ReduceMean", [x, b.integers(...axes(c))], { keepdims: 1 })]);
      const variance = b.op("ReduceMean", [b.op("Mul", [off, off]), b.integers(...axes(c))], { keepdims: 1 });
      return b.op("Div", [off, b.op("Sqrt", [b.op("Add", [variance, b.number(1e-5)])])]);
    }),
  "input scaled by its largest value, kept from zero": (c) =>
    plantBefore(c, ({ b, x }) =>
      b.op("Div", [
        x,
        b.op("Max", [b.op("ReduceMax", [x, b.integers(...axes(c))], { keepdims: 1 }), b.number(1e-6)]),
      ]),
    ),
  "bytes or fractions, told by the largest value": (c) =>
    plantBefore(c, ({ b, x }) => {
      const isBytes = b.op("Greater", [
        b.op("ReduceMax", [x, b.integers(...axes(c))], { keepdims: 1 }),
        b.number(1.5),
      ]);
      return b.op("Where", [isBytes, b.op("Div", [x, b.number(255)]), x]);
    }),
  "the same by If": (c) =>
    plantBefore(c, ({ b, x }) => {
      const isBytes = b.op("Greater", [b.op("ReduceMax", [x], { keepdims: 0 }), b.number(1.5)]);
      return b.op("If", [isBytes], {
        then_branch: { graph: body(b, "then", (pen) => pen.op("Div", [x, pen.number(255)])) },
        else_branch: { graph: body(b, "else", (pen) => pen.op("Identity", [x])) },
      });
    }),
  "a mean taken out and put back": (c) => {
    const raised = upgradeModel(c.model);
    const name = fedInputs(raised.graph)[0]!.name;
    const b = graphBuilder(undefined, raised.opsets);
    b.input(name, "float32", ["batch", ...c.dims]);
    const mean = b.op("ReduceMean", [name, b.integers(...axes(c))], { keepdims: 1 });
    const made = Object.values(b.include(raised, { [name]: b.op("Sub", [name, mean]) }, "net/"))[0]!;
    b.output("answer", b.op("Add", [made, b.op("Reshape", [mean, b.integers(-1, 1)])]));
    return b.build();
  },
  "labels and their confidence": (c) =>
    after(c, (b, logits) => {
      const label = b.op("ArgMax", [logits], { axis: 1, keepdims: 1 });
      const top = b.op("ReduceMax", [b.op("Softmax", [logits], { axis: 1 }), b.integers(1)], { keepdims: 1 });
      return b.op("Where", [b.op("Less", [top, b.number(0.05)]), b.constant(int64([], () => -1)), label]);
    }),
  "the best three": (c) =>
    after(c, (b, logits) => {
      const [values, places] = b.ops("TopK", [logits, b.integers(1)], 2, { axis: 1 });
      return b.op("Concat", [values!, b.op("Cast", [places!], { to: FLOAT })], { axis: 1 });
    }),
  "activations written with comparisons": (c) =>
    after(c, (b, logits) => {
      const relu = b.op("Mul", [
        logits,
        b.op("Cast", [b.op("Greater", [logits, b.number(0)])], { to: FLOAT }),
      ]);
      const six = b.op("Where", [b.op("Greater", [relu, b.number(6)]), b.number(6), relu]);
      const swish = b.op("Mul", [
        six,
        b.op("Div", [b.op("Clip", [b.op("Add", [six, b.number(3)]), b.number(0), b.number(6)]), b.number(6)]),
      ]);
      return b.op("Where", [b.op("Less", [swish, b.number(0)]), b.op("Mul", [swish, b.number(0.01)]), swish]);
    }),
  "dropout in training": (c) =>
    after(c, (b, logits) => {
      const drawn = b.op("RandomUniformLike", [logits], { dtype: 1 });
      const kept = b.op("Cast", [b.op("Greater", [drawn, b.number(0.1)])], { to: FLOAT });
      const dropped = b.op("Div", [b.op("Mul", [logits, kept]), b.number(0.9)]);
      return b.ops(
        "Dropout",
        [dropped, b.number(0.1), b.constant(tensor("bool", [], Uint8Array.of(1)))],
        1,
      )[0]!;
    }),
  "a squeeze and excitation of the logits": (c) =>
    after(c, (b, logits) => {
      const mean = b.op("ReduceMean", [logits, b.integers(1)], { keepdims: 1 });
      return b.op("Mul", [
        logits,
        b.op("HardSigmoid", [b.op("Add", [b.op("Mul", [mean, b.number(2)]), b.number(0.1)])]),
      ]);
    }),
  "an early answer where the first is sure": (c) =>
    after(c, (b, logits) => {
      const probability = b.op("Softmax", [logits], { axis: 1 });
      const sure = b.op("Greater", [b.op("ReduceMax", [probability], { keepdims: 0 }), b.number(0.9)]);
      const unit = floats([c.classes, c.classes], (i) => (i % (c.classes + 1) === 0 ? 1 : 0.01));
      return b.op("If", [sure], {
        then_branch: { graph: body(b, "then", (pen) => pen.op("Identity", [logits])) },
        else_branch: {
          graph: body(b, "else", (pen) => pen.op("MatMul", [pen.op("Relu", [logits]), pen.constant(unit)])),
        },
      });
    }),
};

/** A text model: embedding, a layer, `[batch, length, 16]`; then what `write` makes of it. */
function textModel(write: (b: GraphBuilder, hidden: string, isPadding: string) => string): Model {
  const b = graphBuilder();
  b.input("ids", "int64", ["batch", "length"]);
  const weights = (dims: number[]) => b.constant(floats(dims, (i) => Math.sin(i)));
  const embedded = b.op("Gather", [weights([50, 16]), "ids"]);
  const hidden = b.op("Relu", [b.op("MatMul", [embedded, weights([16, 16])])]);
  const isPadding = b.op("Equal", ["ids", b.constant(int64([], () => 0))]);
  const pooled = write(b, hidden, isPadding);
  b.output("logits", b.op("MatMul", [pooled, weights([16, 4])]));
  return b.build();
}

const kept = (b: GraphBuilder, isPadding: string, to = FLOAT): string =>
  b.op("Cast", [b.op("Not", [isPadding])], { to });

/** Look-alikes that take words. */
export const textLookAlikes: Readonly<Record<string, () => Model>> = {
  "a mean over the words that are not padding": () =>
    textModel((b, hidden, isPadding) => {
      const mask = b.op("Unsqueeze", [kept(b, isPadding), b.integers(2)]);
      const sum = b.op("ReduceSum", [b.op("Mul", [hidden, mask]), b.integers(1)], { keepdims: 0 });
      return b.op("Div", [
        sum,
        b.op("Clip", [b.op("ReduceSum", [mask, b.integers(1)], { keepdims: 0 }), b.number(1e-9)]),
      ]);
    }),
  "a maximum over the words that are not padding": () =>
    textModel((b, hidden, isPadding) => {
      const filled = b.op("Where", [b.op("Unsqueeze", [isPadding, b.integers(2)]), b.number(-1e9), hidden]);
      return b.op("ReduceMax", [filled, b.integers(1)], { keepdims: 0 });
    }),
  "the last word that is not padding": () =>
    textModel((b, hidden, isPadding) => {
      const last = b.op("Sub", [
        b.op("ReduceSum", [kept(b, isPadding, INT64), b.integers(1)], { keepdims: 0 }),
        b.integers(1),
      ]);
      return b.op("GatherND", [hidden, b.op("Unsqueeze", [last, b.integers(1)])], { batch_dims: 1 });
    }),
  "the word that ends the text": () =>
    textModel((b, hidden) => {
      const isEnd = b.op("Cast", [b.op("Equal", ["ids", b.constant(int64([], () => 2))])], { to: INT64 });
      const place = b.op("ArgMax", [isEnd], { axis: 1, keepdims: 1 });
      return b.op("GatherND", [hidden, place], { batch_dims: 1 });
    }),
  "attention under a padding mask": () =>
    textModel((b, hidden, isPadding) => {
      const scores = b.op("Div", [
        b.op("MatMul", [hidden, b.op("Transpose", [hidden], { perm: [0, 2, 1] })]),
        b.number(4),
      ]);
      const mask = b.op("Mul", [b.op("Cast", [isPadding], { to: FLOAT }), b.number(-1e9)]);
      const weights = b.op("Softmax", [b.op("Add", [scores, b.op("Unsqueeze", [mask, b.integers(1)])])], {
        axis: 2,
      });
      return b.op("ReduceMean", [b.op("MatMul", [weights, hidden]), b.integers(1)], { keepdims: 0 });
    }),
  "attention with a causal mask by Where": () =>
    textModel((b, hidden) => {
      const length = b.op("Squeeze", [
        b.op("Slice", [b.op("Shape", ["ids"]), b.integers(1), b.integers(2)]),
        b.integers(0),
      ]);
      const places = b.op("Range", [b.constant(int64([], () => 0)), length, b.constant(int64([], () => 1))]);
      const isLater = b.op("Greater", [
        b.op("Unsqueeze", [places, b.integers(0)]),
        b.op("Unsqueeze", [places, b.integers(1)]),
      ]);
      const scores = b.op("MatMul", [hidden, b.op("Transpose", [hidden], { perm: [0, 2, 1] })]);
      const weights = b.op("Softmax", [b.op("Where", [isLater, b.number(-1e9), scores])], { axis: 2 });
      return b.op("ReduceMean", [b.op("MatMul", [weights, hidden]), b.integers(1)], { keepdims: 0 });
    }),
  "positions counted without padding": () =>
    textModel((b, hidden, isPadding) => {
      const mask = kept(b, isPadding, INT64);
      const places = b.op("Mul", [b.op("CumSum", [mask, b.constant(int64([], () => 1))]), mask]);
      const table = b.constant(floats([64, 16], (i) => Math.cos(i)));
      return b.op("ReduceMean", [b.op("Add", [hidden, b.op("Gather", [table, places])]), b.integers(1)], {
        keepdims: 0,
      });
    }),
  "rotary positions": () =>
    textModel((b, hidden) => {
      const length = b.op("Slice", [b.op("Shape", ["ids"]), b.integers(1), b.integers(2)]);
      const cosines = b.op("Slice", [
        b.constant(floats([64, 16], (i) => Math.cos(i))),
        b.integers(0),
        length,
        b.integers(0),
      ]);
      const halves = b.ops("Split", [hidden], 2, { axis: 2, num_outputs: 2 });
      const turned = b.op("Concat", [b.op("Neg", [halves[1]!]), halves[0]!], { axis: 2 });
      return b.op(
        "ReduceMean",
        [b.op("Add", [b.op("Mul", [hidden, cosines]), b.op("Mul", [turned, cosines])]), b.integers(1)],
        { keepdims: 0 },
      );
    }),
  "unknown words replaced": () => {
    const b = graphBuilder();
    b.input("ids", "int64", ["batch", "length"]);
    const weights = (dims: number[]) => b.constant(floats(dims, (i) => Math.sin(i)));
    const known = b.op("Where", [
      b.op("Greater", ["ids", b.constant(int64([], () => 49))]),
      b.constant(int64([], () => 1)),
      "ids",
    ]);
    const hidden = b.op("Relu", [
      b.op("MatMul", [b.op("Gather", [weights([50, 16]), known]), weights([16, 16])]),
    ]);
    b.output(
      "logits",
      b.op("MatMul", [b.op("ReduceMean", [hidden, b.integers(1)], { keepdims: 0 }), weights([16, 4])]),
    );
    return b.build();
  },
  "a branch on the number of words": () =>
    textModel((b, hidden) => {
      const length = b.op("Gather", [b.op("Shape", ["ids"]), b.integers(1)]);
      const graph = (name: string, opType: string) => body(b, name, (pen) => pen.op(opType, [hidden]));
      const made = b.op("If", [b.op("Greater", [length, b.integers(4)])], {
        then_branch: { graph: graph("long", "Identity") },
        else_branch: { graph: graph("short", "Relu") },
      });
      return b.op("ReduceMean", [made, b.integers(1)], { keepdims: 0 });
    }),
  "one-hot words through a layer": () =>
    textModel((b, hidden) => {
      const codes = b.op(
        "OneHot",
        ["ids", b.constant(int64([], () => 50)), b.constant(floats([2], (i) => i))],
        { axis: 2 },
      );
      const table = b.constant(floats([50, 16], (i) => Math.cos(i)));
      return b.op("ReduceMean", [b.op("Add", [hidden, b.op("MatMul", [codes, table])]), b.integers(1)], {
        keepdims: 0,
      });
    }),
  "texts of nothing but padding silenced word by word": () =>
    textModel((b, hidden, isPadding) => {
      const mask = b.op("Unsqueeze", [
        b.op("Cast", [b.op("Cast", [kept(b, isPadding)], { to: BOOL })], { to: FLOAT }),
        b.integers(2),
      ]);
      return b.op("ReduceSum", [b.op("Mul", [hidden, mask]), b.integers(1)], { keepdims: 0 });
    }),
};
