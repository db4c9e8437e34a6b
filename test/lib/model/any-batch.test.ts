import assert from "node:assert/strict";
import { join } from "node:path";
import { readNpz } from "../../../lib/data/index.js";
import { anyBatch, loadModel, wrapModel } from "../../../lib/model/index.js";
import { decodeFile, type GraphBuilder, graphBuilder, upgradeModel } from "../../../lib/onnx/index.js";
import { takeExamples } from "../../../lib/tensor/index.js";
import { packageRoot } from "../../support/paths.js";

const file = join(packageRoot, "notebooks/models/fashion-cnn-twin.onnx");
const images = takeExamples(
  (await readNpz(join(packageRoot, "notebooks/data/fashion-mnist.npz")))["inputs"]!,
  [0, 1, 2, 3, 4, 5],
);

/** The sample model as an exporter without dynamic axes writes it: two examples at a time. */
function fixedTo2(tail: (b: GraphBuilder, logits: string) => string) {
  const honest = upgradeModel(decodeFile(file));
  const builder = graphBuilder(undefined, honest.opsets);
  builder.input("x", "float32", [2, 1, 28, 28]);
  builder.output("y", tail(builder, builder.include(honest, { x: "x" }, "net/")["logits"]!));
  return wrapModel(builder.build());
}

describe("model.anyBatch", () => {
  it("frees a model whose Reshape names the batch size, with the same outputs", async () => {
    using free = await anyBatch(
      fixedTo2((b, logits) => b.op("Reshape", [logits, b.integers(2, 10)])),
      images,
    );
    using original = await loadModel(file);
    const given = (await free.run(images))["y"]!;
    const wanted = (await original.run(images))["logits"]!;
    assert.deepEqual(given.dims, [6, 10]);
    wanted.data.forEach((value, i) => {
      assert.ok(Math.abs(Number(value) - Number(given.data[i])) < 1e-4);
    });
  });

  it("leaves a model with a free batch axis as it is", async () => {
    using model = await loadModel(file);
    assert.equal(await anyBatch(model, images), model);
  });

  it("frees a model that answers NaN: that is for those to say who look at its answers", async () => {
    const broken = fixedTo2((b, logits) => b.op("Mul", [logits, b.number(Number.NaN)]));
    using free = await anyBatch(broken, images);
    assert.deepEqual(free.inputs[0]!.dims.slice(1), [1, 28, 28]);
    assert.equal(typeof free.inputs[0]!.dims[0], "string");
    assert.ok((await free.run(images))["y"]!.data.every(Number.isNaN));
  });

  it("refuses a model that mixes the examples of its batch", async () => {
    const mixing = fixedTo2((b, logits) =>
      b.op("Sub", [logits, b.op("ReduceMean", [logits, b.integers(0)], { keepdims: 1 })]),
    );
    await assert.rejects(anyBatch(mixing, images), {
      code: "SHAPE_MISMATCH",
      message: /takes exactly 2 examples/,
    });
    mixing.release();
  });
});
