import assert from "node:assert/strict";
import {
  gradientGraph,
  graphBuilder,
  type Model,
  makeNode,
  producersOf,
} from "../../../../lib/onnx/index.js";
import { checkGradient, spaced, uniform } from "../gradient/check.js";

function network(): Model {
  const builder = graphBuilder();
  builder.input("x", "float32", [1, 1, 6, 6]);
  builder.input("w", "float32", [2, 1, 3, 3]);
  builder.node(makeNode("Conv", ["x", "w"], ["conv"]));
  builder.node(makeNode("Relu", ["conv"], ["relu"]));
  builder.node(makeNode("MaxPool", ["relu"], ["pool"], { kernel_shape: [2, 2], strides: [2, 2] }));
  builder.output("pool");
  return builder.build();
}

/** Operators on the way to a tensor, by first inputs. */
function way(model: Model, name: string): string[] {
  const node = producersOf(model.graph).get(name);
  return node ? [...way(model, node.inputs[0]!), node.opType] : [];
}

describe("a ReLU before a max pool", () => {
  it("moves behind it when a gradient is taken, and the gradient stays the same", async () => {
    const { model } = gradientGraph(network(), { of: { pool: "c" }, wrt: ["x"] });
    assert.deepEqual(way(model, "pool"), ["Conv", "MaxPool", "Relu"]);
    await checkGradient(network(), {
      feeds: { x: spaced(1, [1, 1, 6, 6]), w: uniform(2, [2, 1, 3, 3]) },
      step: 1e-3,
      tolerance: 1e-2,
    });
  });

  it("stays where it is when it is asked for by name", () => {
    const { model } = gradientGraph(network(), { of: { pool: "c" }, wrt: ["x", "relu"] });
    assert.deepEqual(way(model, "pool"), ["Conv", "Relu", "MaxPool"]);
  });
});
