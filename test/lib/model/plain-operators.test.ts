import assert from "node:assert/strict";
import { plainOperators, wrapModel } from "../../../lib/model/index.js";
import { graphBuilder, plainOperators as plainGraph } from "../../../lib/onnx/index.js";
import { tensor } from "../../../lib/tensor/index.js";

const ML = "ai.onnx.ml";
const coefficients = [1, -2, 0.5, 0.25, 0, 3, -1, 1, -0.5];
const intercepts = [0.1, -0.2, 0.3];

/** As scikit-learn's converter writes a scaled logistic regression. */
function regression(transform: string) {
  const b = graphBuilder(undefined, [
    { domain: "", version: 17 },
    { domain: ML, version: 1 },
  ]);
  b.input("X", "float32", ["n", 3]);
  const scaled = b.op("Scaler", ["X"], { offset: { floats: [1, 0, 0] }, scale: { floats: [1, 2, 0.5] } }, ML);
  const [label, raw] = b.ops(
    "LinearClassifier",
    [scaled],
    2,
    {
      coefficients: { floats: coefficients },
      intercepts: { floats: intercepts },
      classlabels_ints: [5, 6, 7],
      multi_class: 1,
      post_transform: transform,
    },
    ML,
  );
  b.output("probabilities", b.op("Normalizer", [raw!], { norm: "L1" }, ML));
  b.output("label", label);
  return b.build();
}

const x = tensor("float32", [2, 3], Float32Array.of(0.5, -1, 2, 1, 0.5, -3));

describe("model.plainOperators", () => {
  for (const transform of ["SOFTMAX", "LOGISTIC", "NONE"]) {
    it(`answers as scikit-learn's operators do (${transform}), and has a slope`, async () => {
      using model = wrapModel(regression(transform));
      const made = (await plainOperators(model, x))!;
      const [own, found] = [await model.run(x), await made.run(x)];
      own["probabilities"]!.data.forEach((value, i) => {
        assert.ok(Math.abs(Number(value) - Number(found["probabilities"]!.data[i])) < 1e-6);
      });
      assert.deepEqual(found["label"]!.data, own["label"]!.data);
      const cotangents = { probabilities: tensor("float32", [2, 3], Float32Array.of(1, 0, 0, 1, 0, 0)) };
      const slope = (await made.vjp(x, { cotangents, wrt: ["X"] }))["X"]!.data as Float32Array;
      for (let i = 0; i < 6; i++) {
        const first = async (by: number): Promise<number> => {
          const moved = { ...x, data: x.data.map((value, k) => (k === i ? value + by : value)) };
          return Number((await model.run(moved))["probabilities"]!.data[3 * Math.floor(i / 3)]);
        };
        const difference = ((await first(1e-2)) - (await first(-1e-2))) / 2e-2;
        assert.ok(Math.abs(slope[i]! - difference) < 5e-3, `${i}: ${slope[i]}, ${difference}`);
      }
      made.release();
    });
  }

  it("leaves what it does not know, and models of plain operators", () => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 3]);
    b.output("y", b.op("Relu", ["x"]));
    assert.equal(plainGraph(b.build()), undefined);
    assert.equal(
      plainGraph(regression("PROBIT"))?.graph.nodes.some(({ opType }) => opType === "Gemm"),
      false,
    );
  });
});
