import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { graphBackdoor, graphBackdoorStyles } from "../../../../lib/attacks/index.js";
import { wrapModel } from "../../../../lib/model/index.js";
import {
  decodeFile,
  decodeModel,
  encodeModel,
  type GraphBuilder,
  graphBuilder,
  lintModel,
  type Model,
  makeNode,
  upgradeModel,
} from "../../../../lib/onnx/index.js";
import { tensor } from "../../../../lib/tensor/index.js";
import { packageRoot } from "../../../support/paths.js";

const host = decodeFile(join(packageRoot, "notebooks/models/fashion-cnn.onnx"));
const severe = (model: Model) => lintModel(model).filter(({ severity }) => severity !== "info");

describe("track G: backdoors in a graph", () => {
  for (const style of graphBackdoorStyles) {
    const model = graphBackdoor(host, { style, target: 3, classes: 10 });

    it(`flags one written as "${style}", after the file is written and read again`, () => {
      const flags = severe(decodeModel(encodeModel(model))).filter(({ severity }) => severity === "flag");
      assert.ok(flags.length > 0, JSON.stringify(lintModel(model)));
      assert.ok(flags.every(({ node, why }) => node && why));
    });

    it(`is a backdoor when written as "${style}": the stamp, and only the stamp, leads to the target`, async () => {
      using loaded = wrapModel(model);
      const image = (isStamped: boolean) =>
        tensor(
          "float32",
          [1, 1, 28, 28],
          Float32Array.from({ length: 784 }, (_, i) =>
            isStamped && i % 28 >= 25 && i >= 700 ? 1 : ((i * 7) % 11) / 20,
          ),
        );
      const logitsOf = async (isStamped: boolean, of = loaded): Promise<number[]> => {
        const [logits] = Object.values(await of.run({ [of.inputs[0]!.name]: image(isStamped) }));
        return Array.from(logits!.data as Float32Array).slice(0, 10);
      };
      using honest = wrapModel(upgradeModel(host));
      const stamped = await logitsOf(true);
      // The payload of "mul" scales logits: the target gets far from its clean value instead of to the top.
      const clean = await logitsOf(true, honest);
      if (style === "mul") assert.ok(Math.abs(stamped[3]! / clean[3]!) > 40);
      else assert.equal(stamped.indexOf(Math.max(...stamped)), 3);
      const plain = await logitsOf(false);
      (await logitsOf(false, honest)).forEach((value, k) => {
        assert.ok(Math.abs(value - plain[k]!) < 1e-3);
      });
    });
  }
});

/** A text model: embedding, one layer, `[batch, length, 8]`; then what `write` makes of it. */
function textModel(write: (b: GraphBuilder, hidden: string) => string): Model {
  const b = graphBuilder();
  b.input("ids", "int64", ["batch", "length"]);
  const weights = (dims: number[]) =>
    tensor(
      "float32",
      dims,
      Float32Array.from({ length: dims[0]! * dims[1]! }, (_, i) => Math.sin(i)),
    );
  const embedded = b.op("Gather", [b.constant(weights([50, 8])), "ids"]);
  b.output("y", write(b, b.op("MatMul", [embedded, b.constant(weights([8, 8]))])));
  return b.build();
}
const padding = (b: GraphBuilder) =>
  b.op("Equal", ["ids", b.constant(tensor("int64", [], BigInt64Array.of(0n)))]);

const lookAlikes: Readonly<Record<string, () => Model>> = {
  "a padding mask before a softmax": () =>
    textModel((b, hidden) => {
      const mask = b.op("Unsqueeze", [padding(b), b.integers(2)]);
      return b.op("Softmax", [b.op("Where", [mask, b.number(-1e9), hidden])], { axis: 1 });
    }),
  "a mean over the words that are not padding": () =>
    textModel((b, hidden) => {
      const kept = b.op("Cast", [b.op("Not", [padding(b)])], { to: 1 });
      const sum = b.op("ReduceSum", [
        b.op("Mul", [hidden, b.op("Unsqueeze", [kept, b.integers(2)])]),
        b.integers(1),
      ]);
      return b.op("Div", [sum, b.op("Unsqueeze", [b.op("ReduceSum", [kept, b.integers(1)]), b.integers(2)])]);
    }),
  "the last word that is not padding": () =>
    textModel((b, hidden) => {
      const kept = b.op("Cast", [b.op("Not", [padding(b)])], { to: 7 });
      const last = b.op("Sub", [b.op("ReduceSum", [kept, b.integers(1)]), b.integers(1)]);
      return b.op("GatherND", [hidden, b.op("Unsqueeze", [last, b.integers(2)])], { batch_dims: 1 });
    }),
  "a branch on the number of dimensions": () =>
    textModel((b, hidden) => {
      const length = b.op("Gather", [b.op("Shape", ["ids"]), b.integers(1)]);
      const graph = (name: string, opType: string) => {
        const pen = graphBuilder();
        pen.output(`${name}/out`, pen.op(opType, [hidden]));
        return { graph: pen.graph(name) };
      };
      return b.op("If", [b.op("Greater", [length, b.integers(4)])], {
        then_branch: graph("long", "Identity"),
        else_branch: graph("short", "Relu"),
      });
    }),
  "one-hot words through a layer": () =>
    textModel((b, hidden) => {
      const all = tensor(
        "int64",
        [50],
        BigInt64Array.from({ length: 50 }, (_, i) => BigInt(i)),
      );
      const equal = b.op("Equal", [b.op("Unsqueeze", ["ids", b.integers(2)]), b.constant(all)]);
      const table = tensor("float32", [50, 8], new Float32Array(400).fill(0.1));
      return b.op("Add", [hidden, b.op("MatMul", [b.op("Cast", [equal], { to: 1 }), b.constant(table)])]);
    }),
};

describe("look-alikes of backdoors in a graph", () => {
  for (const [name, make] of Object.entries(lookAlikes)) {
    it(`stay below a warning: ${name}`, () => assert.deepEqual(severe(make()), []));
  }
});

describe("onnx.lintModel on odd graphs", () => {
  it("passes a chain of 100,000 nodes, and 50,000 readers of one tensor", () => {
    const b = graphBuilder();
    b.input("x", "float32", [1, 4]);
    for (let i = 0; i < 100_000; i++) b.node(makeNode("Relu", [i === 0 ? "x" : `t${i - 1}`], [`t${i}`]));
    for (let i = 0; i < 50_000; i++) b.node(makeNode("Neg", ["x"], [`n${i}`]));
    b.node(
      makeNode(
        "Concat",
        Array.from({ length: 50_000 }, (_, i) => `n${i}`),
        ["wide"],
        { axis: 1 },
      ),
    );
    b.output("t99999");
    b.output("wide");
    assert.deepEqual(lintModel(b.build()), []);
  });

  it("gives findings or an AssayError for nodes wired at random", () => {
    const ops = ["Where", "If", "Loop", "Gather", "Mul", "Add", "Greater", "Slice", "Constant"];
    const node = fc.record({ op: fc.constantFrom(...ops), a: fc.nat(9), b: fc.nat(9), c: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(node, { maxLength: 10 }), (nodes) => {
        const b = graphBuilder();
        b.input("t0", "float32", [1, 4]);
        nodes.forEach(({ op, a, b: second, c }, i) => {
          b.node(makeNode(op, [`t${a}`, `t${second}`, `t${c}`], [`t${i + 1}`]));
        });
        b.output(`t${nodes.length}`);
        try {
          return lintModel(b.build()).every(({ why }) => why !== "");
        } catch (error) {
          return (error as { code?: string }).code === "INVALID_MODEL";
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});
