import assert from "node:assert/strict";
import { wrapModel } from "../../../lib/model/index.js";
import { graphBuilder, type Model, makeNode } from "../../../lib/onnx/index.js";
import { tensor } from "../../../lib/tensor/index.js";

/** Two nodes, with the names given. */
function pair(first: string, second: string): Model {
  const b = graphBuilder();
  b.input("x", "float32", ["n"]);
  b.node({ ...makeNode("Neg", ["x"], ["a"]), name: first });
  b.node({ ...makeNode("Abs", ["a"], ["b"]), name: second });
  b.output("b");
  return b.build();
}

describe("onnx.graphBuilder", () => {
  for (const [kind, model] of [
    ["nodes without names, as hand-written files have them,", pair("", "")],
    ["named nodes", pair("one", "two")],
  ] as const) {
    it(`includes ${kind} twice in a graph that onnxruntime takes`, async () => {
      const b = graphBuilder();
      b.input("x", "float32", ["n"]);
      const once = b.include(model, { x: "x" }, "model/")["b"]!;
      b.output("y", b.include(model, { x: once }, "model/")["b"]!);
      using whole = wrapModel(b.build());
      const { y } = await whole.run({ x: tensor("float32", [2], Float32Array.of(-3, 2)) });
      assert.deepEqual(Array.from(y!.data as Float32Array), [3, 2]);
    });
  }
});
