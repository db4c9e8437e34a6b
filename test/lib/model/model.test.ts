import assert from "node:assert/strict";
import { loadModel } from "../../../lib/model/index.js";
import { encodeModel, graphBuilder, makeNode } from "../../../lib/onnx/index.js";
import { tensor } from "../../../lib/tensor/index.js";
import { smallModel } from "../onnx/models.js";

const x = tensor("float32", [2, 3], Float32Array.of(1, -2, 3, 0.5, 0, -1));

describe("model.loadModel", () => {
  it("runs a model and gives its outputs by name", async () => {
    using model = await loadModel(encodeModel(smallModel()));
    assert.deepEqual(model.inputs, [{ name: "x", type: "float32", dims: ["batch", 3] }]);
    assert.deepEqual(
      model.outputs.map(({ name }) => name),
      ["y"],
    );
    const { y } = await model.run({ x });
    assert.deepEqual(y!.dims, [2, 4]);
    const rows = [y!.data.slice(0, 4), y!.data.slice(4)] as Float32Array[];
    for (const row of rows) assert.ok(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-6);
    assert.deepEqual(await model.run(x), { y });
  });

  it("shows inner tensors, computed as by hand", async () => {
    using model = await loadModel(encodeModel(smallModel()));
    assert.deepEqual(
      model.taps.map(({ name }) => name),
      ["hidden", "active", "y"],
    );
    const hidden = await model.activations(x, { at: "hidden" });
    // Row 0 of the weights is [-1.5, -1.25, -1].
    assert.ok(Math.abs((hidden.data[0] as number) - (-1.5 * 1 + 1.25 * 2 - 1 * 3 + 0.1)) < 1e-6);
    const both = await model.activations({ x }, { at: ["hidden", "active"] });
    assert.deepEqual(
      Array.from(both["active"]!.data as Float32Array),
      Array.from(hidden.data as Float32Array, (v) => Math.max(v, 0)),
    );
  });

  it("names the nearest tensors when a tap does not exist", async () => {
    using model = await loadModel(encodeModel(smallModel()), { name: "small.onnx" });
    await assert.rejects(model.activations(x, { at: "hiden" }), {
      code: "UNKNOWN_TAP",
      message: /"small\.onnx" has no tensor "hiden"\. Nearest names: hidden/,
    });
  });

  it("says what an input takes and what it was given", async () => {
    using model = await loadModel(encodeModel(smallModel()));
    const wrong = [
      [
        { x: tensor("float32", [2, 2], new Float32Array(4)) },
        "SHAPE_MISMATCH",
        /"x" takes float32 \[batch, 3\], but was given float32 \[2, 2\]/,
      ],
      [
        { x: tensor("float64", [1, 3], new Float64Array(3)) },
        "TYPE_MISMATCH",
        /"x" takes float32 .* given float64/,
      ],
      [
        { x: { type: "float32", dims: [1, 3], data: new Float64Array(3) as unknown as Float32Array } },
        "TYPE_MISMATCH",
        /Float64Array/,
      ],
      [
        { x: { type: "float32", dims: [9, 3], data: new Float32Array(3) } },
        "SHAPE_MISMATCH",
        /27 elements, but data of 3/,
      ],
      [{ z: x }, "UNKNOWN_TENSOR", /no input "z"/],
      [{}, "UNKNOWN_TENSOR", /also needs the input "x"/],
    ] as const;
    for (const [feeds, code, message] of wrong) await assert.rejects(model.run(feeds), { code, message });
  });

  it("hands on what onnxruntime says of a model it refuses, and of a run that fails", async () => {
    const builder = graphBuilder();
    builder.input("x", "float32", ["n", 3]);
    builder.input("shape", "int64", [2]);
    builder.node(makeNode("Reshape", ["x", "shape"], ["y"], {}));
    builder.output("y");
    using model = await loadModel(encodeModel(builder.build()));
    const shape = tensor("int64", [2], BigInt64Array.of(7n, 7n));
    await assert.rejects(model.run({ x, shape }), { code: "RUN_FAILED", message: /Reshape/ });
    const bad = smallModel();
    const nodes = bad.graph.nodes.map((node) => (node.opType === "Relu" ? { ...node, inputs: [] } : node));
    await assert.rejects(loadModel(encodeModel({ ...bad, graph: { ...bad.graph, nodes } })), {
      code: "INVALID_MODEL",
    });
  });

  it("leaves the floating point of JavaScript as it was", async () => {
    using model = await loadModel(encodeModel(smallModel()));
    await model.run(x);
    assert.equal(5e-324 * Math.sqrt(1), Number.MIN_VALUE);
  });
});
