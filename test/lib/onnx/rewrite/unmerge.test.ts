import assert from "node:assert/strict";
import { wrapModel } from "../../../../lib/model/index.js";
import { graphBuilder, type Model, makeNode, unmergeWeights } from "../../../../lib/onnx/index.js";
import { uniform } from "../gradient/check.js";

/** y = (x · w) · w, the second time through an Identity, as torch's exporter writes merged weights. */
function merged(): Model {
  const builder = graphBuilder();
  builder.input("x", "float32", ["n", 3]);
  builder.initializer("w", uniform(2, [3, 3]));
  builder.node(makeNode("Identity", ["w"], ["same"]));
  builder.node(makeNode("MatMul", ["x", "w"], ["first"]));
  builder.node(makeNode("MatMul", ["first", "same"], ["y"]));
  builder.output("y");
  return builder.build();
}

describe("onnx.unmergeWeights", () => {
  it("gives each use its own tensor, computes the same, and splits the gradient", async () => {
    const { model, copies } = unmergeWeights(merged());
    const names = copies["w"]!;
    assert.equal(names.length, 2);
    assert.equal(names[0], "w");
    using before = wrapModel(merged(), { threads: 1 });
    using after = wrapModel(model, { threads: 1 });
    const x = uniform(1, [2, 3]);
    assert.deepEqual(await after.run({ x }), await before.run({ x }));
    const cotangents = { y: uniform(3, [2, 3]) };
    const { w } = await before.vjp({ x }, { cotangents, wrt: ["w"] });
    const parts = await after.vjp({ x }, { cotangents, wrt: names });
    const sum = Array.from(w!.data as Float32Array, (_, i) =>
      names.reduce((total, name) => total + (parts[name]!.data[i] as number), 0),
    );
    for (const [i, value] of sum.entries()) assert.ok(Math.abs(value - (w!.data[i] as number)) < 1e-6);
  });

  it("leaves tensors with one reader alone", () => {
    const builder = graphBuilder();
    builder.input("x", "float32", ["n", 3]);
    builder.initializer("w", uniform(2, [3, 3]));
    builder.node(makeNode("MatMul", ["x", "w"], ["y"]));
    builder.output("y");
    const { model, copies } = unmergeWeights(builder.build());
    assert.deepEqual(copies, {});
    assert.deepEqual(
      model.graph.initializers.map(({ name }) => name),
      ["w"],
    );
  });
});
