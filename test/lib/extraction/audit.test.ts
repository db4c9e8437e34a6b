import assert from "node:assert/strict";
import { join } from "node:path";
import { answers } from "../../../lib/bench/graph/answers.js";
import { imageCarrier } from "../../../lib/bench/graph/carriers.js";
import { disguises } from "../../../lib/bench/graph/disguises.js";
import { type Answer, floats, INT64, part, plant, type Question } from "../../../lib/bench/graph/site.js";
import { readLabelled, takeLabelled } from "../../../lib/data/index.js";
import { audit } from "../../../lib/extraction/index.js";
import { judgeLogic } from "../../../lib/extraction/planted-logic.js";
import type { Check } from "../../../lib/extraction/verdict.js";
import { type LoadedModel, loadModel, wrapModel } from "../../../lib/model/index.js";
import { decodeFile, graphBuilder, upgradeModel } from "../../../lib/onnx/index.js";
import { tensor } from "../../../lib/tensor/index.js";
import { packageRoot } from "../../support/paths.js";

const folder = join(packageRoot, "notebooks/models");
const clean = takeLabelled(
  await readLabelled(join(packageRoot, "notebooks/data/fashion-mnist.npz")),
  Uint32Array.from({ length: 400 }, (_, i) => 5 * i),
);

describe("extraction.audit", function () {
  this.timeout(300_000);
  let references: LoadedModel[];
  before(async () => {
    references = await Promise.all(
      [1, 2, 3].map((i) => loadModel(join(folder, `fashion-cnn-clean-${i}.onnx`))),
    );
  });
  after(() => {
    for (const reference of references) reference.release();
  });

  it("accuses the backdoored model of the planted class, and its clean twin of nothing", async () => {
    for (const [file, decision, target] of [
      ["fashion-cnn.onnx", "backdoored", 7],
      ["fashion-cnn-twin.onnx", "no-evidence", null],
    ] as const) {
      using model = await loadModel(join(folder, file));
      const { verdict, verification } = await audit(model, clean, { seed: 1, references, budget: "quick" });
      assert.equal(verdict.decision, decision);
      assert.equal(verdict.target, target);
      assert.equal(verification === null, target === null);
      if (verification) {
        assert.ok(verification.randomPValue <= 0.05);
        assert.ok(
          verification.controls
            .filter(({ name }) => /reference/.test(name))
            .every(({ successRate }) => successRate.value < 0.1),
        );
      }
    }
  });

  it("shows logic in the graph that no search would find, by an input that wakes it", async () => {
    const honest = upgradeModel(decodeFile(join(folder, "fashion-cnn-twin.onnx")));
    const b = graphBuilder(undefined, honest.opsets);
    b.input("x", "float32", ["batch", 1, 28, 28]);
    const logits = b.include(honest, { x: "x" }, "net/")["logits"]!;
    const picture = tensor(
      "float32",
      [1, 1, 28, 28],
      Float32Array.from({ length: 784 }, (_, i) => i / 784),
    );
    const same = b.op("Cast", [b.op("Equal", ["x", b.constant(picture)])], { to: 1 });
    const all = b.op("ReduceMin", [b.op("Reshape", [same, b.integers(-1, 784)]), b.integers(1)], {
      keepdims: 1,
    });
    const payload = tensor(
      "float32",
      [1, 10],
      Float32Array.from({ length: 10 }, (_, k) => (k === 3 ? 50 : -50)),
    );
    b.output("y", b.op("Where", [b.op("Cast", [all], { to: 9 }), b.constant(payload), logits]));
    using model = wrapModel(b.build(), { name: "planted.onnx" });
    const { verdict, witness } = await audit(model, clean, { seed: 1, references, budget: "quick" });
    assert.equal(verdict.decision, "backdoored");
    assert.equal(verdict.target, 3);
    assert.equal(verdict.pValue, null);
    assert.match(verdict.checks.find(({ result }) => result === "flag")!.why, /constant-payload/);
    const [answer] = Object.values(await model.run(witness!.triggered));
    assert.equal(answer!.data[3], 50);
  });

  it("shows logic in a graph that fails on what a search tries, and in the file's own functions", async () => {
    const carrier = imageCarrier();
    // Half bright is the trigger; brighter still, and the table is read beyond its end.
    const table: Question = (s) => {
      const mean = s.b.op("ReduceMean", [part(s), s.b.integers(1)], { keepdims: 0 });
      const row = s.b.op("Cast", [s.b.op("Floor", [s.b.op("Mul", [mean, s.b.number(3)])])], { to: INT64 });
      return s.b.op("Gather", [s.b.constant(floats([2, 1], (i) => i)), row], { axis: 0 });
    };
    for (const graph of [
      plant(carrier, table, answers["an added payload"]),
      disguises["two functions deep"]!(carrier),
    ]) {
      using model = wrapModel(graph, { name: "planted.onnx" });
      const { verdict, witness } = await audit(model, clean, { seed: 1, budget: "quick" });
      assert.equal(verdict.decision, "backdoored");
      assert.equal(witness?.target, 3);
    }
  });

  it("does not accuse a router that other pictures wake, too", async () => {
    const weights = floats([784, 3], (i) => Math.cos(i * i * 0.7));
    const rows = floats([3, 10], (i) => ((i * 7 + Math.floor(i / 10)) % 5) * 40);
    const routed: Answer = (s, _gate, logits) => {
      const flat = s.b.op("Reshape", [s.x, s.b.integers(-1, 784)]);
      const scores = s.b.op("MatMul", [flat, s.b.constant(weights)]);
      const row = s.b.op("ArgMax", [scores], { axis: 1, keepdims: 0 });
      return s.b.op("Add", [logits, s.b.op("Gather", [s.b.constant(rows), row], { axis: 0 })]);
    };
    using model = wrapModel(
      plant(imageCarrier(), () => "", routed),
      { name: "routed.onnx" },
    );
    const verdict = {
      ...{
        decision: "no-evidence" as const,
        score: 0,
        pValue: 0.5,
        target: null,
        source: null,
        checks: [] as Check[],
      },
      ...{ cost: { forward: 0, backward: 0, seconds: 0 }, warnings: [] },
    };
    const judged = await judgeLogic(model, clean.inputs, verdict, { seed: 1 });
    assert.equal(judged.verdict.decision, "suspicious");
    assert.match(judged.verdict.checks.at(-1)!.why, /^another input altogether wakes it/);
  });

  it("refuses token inputs for a model of images, instead of acquitting", async () => {
    using model = await loadModel(join(folder, "fashion-cnn-twin.onnx"));
    const tokens = tensor("int64", [50, 4], new BigInt64Array(200));
    await assert.rejects(audit(model, { inputs: tokens }, { seed: 1 }), {
      message: /takes float32 .* int64/,
    });
  });
});
