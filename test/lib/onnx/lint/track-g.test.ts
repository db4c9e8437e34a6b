import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { graphBackdoor, graphBackdoorStyles } from "../../../../lib/attacks/index.js";
import { answers } from "../../../../lib/bench/graph/answers.js";
import { imageCarrier, textCarrier } from "../../../../lib/bench/graph/carriers.js";
import { disguises } from "../../../../lib/bench/graph/disguises.js";
import { floatLookAlikes, textLookAlikes } from "../../../../lib/bench/graph/look-alikes.js";
import { questions } from "../../../../lib/bench/graph/questions.js";
import { commitmentOf, sealedSets } from "../../../../lib/bench/graph/sealed-sets.js";
import { type Carrier, example, plant } from "../../../../lib/bench/graph/site.js";
import { wrapModel } from "../../../../lib/model/index.js";
import {
  decodeFile,
  decodeModel,
  encodeModel,
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

const image = imageCarrier();
const text = textCarrier();
const isFlagged = (model: Model): boolean =>
  lintModel(decodeModel(encodeModel(model))).some(({ severity }) => severity === "flag");

/** What the model answers without and with the trigger. */
async function answersOf(model: Model, carrier: Carrier): Promise<number[][]> {
  using loaded = wrapModel(decodeModel(encodeModel(model)));
  const answers: number[][] = [];
  for (const isTriggered of [false, true]) {
    const [answer] = Object.values(
      await loaded.run({ [loaded.inputs[0]!.name]: example(carrier, isTriggered) }),
    );
    answers.push(Array.from(answer!.data as Float32Array, Number));
  }
  return answers;
}

const differs = ([clean, triggered]: number[][]): boolean =>
  clean!.some((value, i) => Math.abs(value - triggered![i]!) > 0.05);

describe("the development set of graph backdoors", () => {
  const askers = Object.entries(questions);
  const doers = Object.entries(answers);
  for (const [kind, carrier] of [
    ["images", image],
    ["words", text],
  ] as const) {
    it(`is flagged whole, ${askers.length} ways to ask and ${doers.length} ways to act, in a classifier of ${kind}`, async () => {
      const pairs = askers.map(([asked, ask], i) => ({ asked, ask, done: doers[i % doers.length]! }));
      for (const [i, done] of doers.entries()) {
        const [asked, ask] = askers[(i * 5 + 3) % askers.length]!;
        pairs.push({ asked, ask, done });
      }
      for (const {
        asked,
        ask,
        done: [acted, act],
      } of pairs) {
        const model = plant(carrier, ask, act);
        assert.ok(differs(await answersOf(model, carrier)), `${asked}, ${acted}: no backdoor`);
        assert.ok(isFlagged(model), `${asked}, ${acted}: missed`);
      }
    });

    it(`is flagged under every disguise, in a classifier of ${kind}`, async () => {
      for (const [name, make] of Object.entries(disguises)) {
        const model = make(carrier);
        await answersOf(model, carrier);
        assert.ok(isFlagged(model), name);
      }
    });
  }
});

describe("honest graphs that compare, branch, select and clip", () => {
  for (const [name, make] of Object.entries(floatLookAlikes)) {
    it(`are not flagged: ${name}`, async () => {
      const model = make(image);
      await answersOf(model, image);
      assert.ok(!isFlagged(model), JSON.stringify(lintModel(model)));
    });
  }
  for (const [name, make] of Object.entries(textLookAlikes)) {
    it(`are not even warned of: ${name}`, async () => {
      await answersOf(make(), text);
      assert.deepEqual(severe(decodeModel(encodeModel(make()))), []);
    });
  }
});

describe("track G, sealed", () => {
  const firsts = ["one of eight backdoors was missed", "one of eight honest graphs was flagged"];
  for (const [i, { models, commitment }] of sealedSets.entries()) {
    it(`is the set that was committed to before it was scored (set ${i + 1})`, () => {
      assert.equal(commitmentOf(models, image, text), commitment);
    });

    it(`finds all backdoors and accuses nothing honest in set ${i + 1}; at the first scoring ${firsts[i]}`, () => {
      const wrong = models.filter(({ isBackdoored, make }) => isFlagged(make(image, text)) !== isBackdoored);
      assert.deepEqual(
        wrong.map(({ name }) => name),
        [],
      );
      assert.equal(models.filter(({ isBackdoored }) => isBackdoored).length, 8);
    });
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
    const ops = [
      ...[
        "Where",
        "If",
        "Loop",
        "Gather",
        "Mul",
        "Add",
        "Greater",
        "Slice",
        "Constant",
        "Div",
        "Pow",
        "Clip",
      ],
      ...[
        "LSTM",
        "Einsum",
        "TopK",
        "ScatterND",
        "RoiAlign",
        "Reshape",
        "ReduceMax",
        "Relu",
        "Conv",
        "Softmax",
      ],
    ];
    const node = fc.record({
      op: fc.constantFrom(...ops),
      count: fc.nat(3),
      ...{ a: fc.nat(9), b: fc.nat(9), c: fc.nat(9) },
    });
    fc.assert(
      fc.property(fc.array(node, { maxLength: 10 }), (nodes) => {
        const b = graphBuilder();
        b.input("t0", "float32", [1, 4]);
        nodes.forEach(({ op, count, a, b: second, c }, i) => {
          // Mostly what came before, sometimes a cycle.
          const inputs = [a, second, c].slice(0, count).map((at) => `t${at === 9 ? i + 1 : at % (i + 1)}`);
          b.node(makeNode(op, inputs, [`t${i + 1}`]));
        });
        b.output(`t${nodes.length}`);
        try {
          return lintModel(b.build()).every(({ why }) => why !== "");
        } catch (error) {
          return (error as { code?: string }).code === "INVALID_MODEL";
        }
      }),
      { seed: 1, numRuns: 3000 },
    );
  });
});
