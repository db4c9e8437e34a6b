import assert from "node:assert/strict";
import { wrapModel } from "../../../../lib/model/index.js";
import {
  type GraphBuilder,
  gradientGraph,
  graphBuilder,
  type Model,
  makeNode,
  specialise,
  valueInfo,
} from "../../../../lib/onnx/index.js";
import { type Tensor, tensor } from "../../../../lib/tensor/index.js";
import { checkGradient, uniform } from "../gradient/check.js";

const modelOf = (write: (b: GraphBuilder) => void): Model => {
  const builder = graphBuilder();
  write(builder);
  return builder.build();
};
const count = (value: number): Tensor => tensor("int64", [], BigInt64Array.of(BigInt(value)));
const yes = tensor("bool", [], Uint8Array.of(1));
const weights = uniform(2, [3, 3], -0.6, 0.6);

/** The body of a loop: iteration, condition and state in; what `write` says out. */
function bodyOf(write: (b: GraphBuilder) => readonly string[]) {
  const b = graphBuilder();
  b.claim("x");
  b.claim("w");
  const outputs = write(b);
  const graph = b.graph("body");
  return {
    ...graph,
    inputs: [
      valueInfo("i", "int64", []),
      valueInfo("go", "bool", []),
      valueInfo("state", "float32", undefined),
    ],
    outputs: outputs.map((name, k) =>
      k === 0 ? valueInfo(name, "bool", []) : valueInfo(name, "float32", undefined),
    ),
  };
}

/** y = state after the loop, all = the states of each round, stacked. */
const looped = (body: ReturnType<typeof bodyOf>, rounds: Tensor | undefined): Model =>
  modelOf((b) => {
    b.input("x", "float32", [2, 3]);
    b.input("w", "float32", [3, 3]);
    const most = rounds === undefined ? "" : b.constant(rounds);
    const outputs = body.outputs.length > 2 ? ["y", "all"] : ["y"];
    b.node(makeNode("Loop", [most, b.constant(yes), "x"], outputs, { body: { graph: body } }));
    for (const name of outputs) b.output(name);
  });

describe("gradients through loops agree with central differences", () => {
  const step = bodyOf((b) => {
    const next = b.op("Tanh", [b.op("MatMul", ["state", "w"])]);
    const scaled = b.op("Mul", [next, b.op("Add", [b.op("Cast", ["i"], { to: 1 }), b.number(1)])]);
    return [b.op("Identity", ["go"]), scaled, scaled];
  });

  it("for a fixed number of rounds, states and what each round gives", () =>
    checkGradient(looped(step, count(3)), { feeds: { x: uniform(1, [2, 3]), w: weights } }));

  const untilLarge = bodyOf((b) => {
    const next = b.op("Add", [b.op("MatMul", ["state", "w"]), b.op("Mul", ["state", b.number(2)])]);
    const size = b.op("ReduceSum", [b.op("Abs", [next])], { keepdims: 0 });
    return [b.op("Less", [size, b.number(40)]), next];
  });

  it("for a number of rounds that depends on the inputs", async () => {
    const model = looped(untilLarge, undefined);
    const large = uniform(1, [2, 3], 4, 6);
    const small = uniform(1, [2, 3], 0.1, 0.2);
    await checkGradient(model, { feeds: { x: large, w: weights } });
    await checkGradient(model, { feeds: { x: small, w: weights }, tolerance: 6e-3 });
    const keys = [large, small].map((x) => specialise(model, { x, w: weights }).key);
    assert.notEqual(keys[0], keys[1]);
  });

  it("one in another, with a branch inside", () => {
    const branch = (name: string, op: string) => {
      const b = graphBuilder();
      return {
        ...b.graph(name),
        nodes: [makeNode(op, ["sum"], [`${name}/out`])],
        outputs: [{ name: `${name}/out`, metadata: [] }],
      };
    };
    const outer = bodyOf((b) => {
      b.node(
        makeNode("Loop", [b.constant(count(2)), b.constant(yes), "state"], ["inner"], {
          body: { graph: step0 },
        }),
      );
      b.node(makeNode("Identity", ["inner"], ["sum"]));
      const even = b.op("Equal", [b.op("Mod", ["i", b.constant(count(2))]), b.constant(count(0))]);
      b.node(
        makeNode("If", [even], ["chosen"], {
          then_branch: { graph: branch("then", "Sin") },
          else_branch: { graph: branch("else", "Neg") },
        }),
      );
      return [b.op("Identity", ["go"]), "chosen"];
    });
    return checkGradient(looped(outer, count(3)), { feeds: { x: uniform(1, [2, 3]), w: weights } });
  });

  const step0 = bodyOf((b) => [b.op("Identity", ["go"]), b.op("Tanh", [b.op("MatMul", ["state", "w"])])]);

  it("for Scan, forwards and backwards, along any axis", () => {
    const b = graphBuilder();
    b.claim("w");
    const next = b.op("Tanh", [b.op("Add", ["s", b.op("Mul", ["e", "f"])])]);
    const again = b.op("Identity", [next]);
    const body = {
      ...b.graph("scan"),
      inputs: ["s", "e", "f"].map((name) => valueInfo(name, "float32", undefined)),
      outputs: [next, again].map((name) => valueInfo(name, "float32", undefined)),
    };
    const model = modelOf((g) => {
      for (const [name, dims] of [
        ["s0", [2]],
        ["a", [4, 2]],
        ["c", [2, 4]],
      ] as const)
        g.input(name, "float32", dims);
      g.node(
        makeNode("Scan", ["s0", "a", "c"], ["y", "all"], {
          body: { graph: body },
          num_scan_inputs: 2,
          scan_input_axes: [0, 1],
          scan_input_directions: [0, 1],
          scan_output_axes: [1],
          scan_output_directions: [1],
        }),
      );
      g.output("y");
      g.output("all");
    });
    return checkGradient(model, {
      feeds: { s0: uniform(1, [2]), a: uniform(2, [4, 2]), c: uniform(3, [2, 4]) },
    });
  });
});

describe("gradients through sequences of tensors", () => {
  it("agree with central differences for a list that a loop fills", () => {
    const body = (() => {
      const b = graphBuilder();
      b.claim("x");
      const row = b.op("Exp", [b.op("Gather", ["x", "i"])]);
      const longer = b.op("SequenceInsert", ["list", row]);
      const go = b.op("Identity", ["go"]);
      const sequence = { sequenceType: { elemType: { tensorType: { elemType: 1 } } } };
      return {
        ...b.graph("body"),
        inputs: [
          valueInfo("i", "int64", []),
          valueInfo("go", "bool", []),
          { name: "list", metadata: [], type: sequence },
        ],
        outputs: [valueInfo(go, "bool", []), { name: longer, metadata: [], type: sequence }],
      };
    })();
    const model = modelOf((b) => {
      b.input("x", "float32", [3, 2]);
      const empty = b.op("SequenceEmpty", []);
      b.node(
        makeNode("Loop", [b.constant(count(3)), b.constant(yes), empty], ["list"], {
          body: { graph: body as never },
        }),
      );
      b.output("y", b.op("ConcatFromSequence", ["list"], { axis: 0, new_axis: 1 }));
    });
    return checkGradient(model, { feeds: { x: uniform(1, [3, 2]) } });
  });

  it("agree where lists are made, split, read and shortened", () => {
    const model = modelOf((b) => {
      b.input("x", "float32", [4, 2]);
      const parts = b.op("SplitToSequence", ["x", b.constant(count(3))], { axis: 0 });
      const first = b.op("SequenceAt", [parts, b.constant(count(0))]);
      const last = b.op("SequenceAt", [parts, b.constant(count(-1))]);
      const list = b.op("SequenceConstruct", [last, b.op("Sin", [first])]);
      const longer = b.op("SequenceInsert", [list, b.op("Mul", ["x", "x"]), b.constant(count(0))]);
      const shorter = b.op("SequenceErase", [longer, b.constant(count(1))]);
      b.output("y", b.op("ConcatFromSequence", [shorter], { axis: 0 }));
    });
    return checkGradient(model, { feeds: { x: uniform(1, [4, 2]) } });
  });

  it("are refused, not zero, where a place in the list is computed", () => {
    const model = modelOf((b) => {
      b.input("x", "float32", [4, 2]);
      b.input("place", "int64", []);
      const parts = b.op("SplitToSequence", ["x"], { axis: 0 });
      b.output("y", b.op("SequenceAt", [parts, "place"]));
    });
    assert.throws(() => gradientGraph(model, { of: { y: "c" }, wrt: ["x"] }), {
      code: "UNSUPPORTED_OPERATOR",
      message: /SequenceAt/,
    });
  });
});

describe("a loop that does not run", () => {
  it("is refused by name", async () => {
    const body = bodyOf((b) => [b.op("Identity", ["go"]), b.op("Neg", ["state"])]);
    using model = wrapModel(looped(body, count(0)), { threads: 1 });
    const feeds = { x: uniform(1, [2, 3]), w: weights };
    const cotangents = { y: uniform(3, [2, 3]) };
    await assert.rejects(model.vjp(feeds, { cotangents, wrt: ["x"] }), {
      code: "UNSUPPORTED_OPERATOR",
      message: /Loop .*a graph of its own/,
    });
  });
});
