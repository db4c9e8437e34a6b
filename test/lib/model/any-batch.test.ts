import assert from "node:assert/strict";
import { join } from "node:path";
import { readNpz } from "../../../lib/data/index.js";
import { anyBatch, loadModel, wrapModel } from "../../../lib/model/index.js";
import { decodeFile, type GraphBuilder, graphBuilder, upgradeModel } from "../../../lib/onnx/index.js";
import { type Tensor, takeExamples, tensor } from "../../../lib/tensor/index.js";
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

/** Numbers that are no round ones, the same for every batch size. */
const values = (dims: readonly number[]): Tensor<"float32"> => {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return tensor(
    "float32",
    dims,
    Float32Array.from({ length: size }, (_, i) => Math.sin(1 + 7 * i)),
  );
};
/** The same row once per example. */
const rows = (n: number, dims: readonly number[]): Tensor<"float32"> => {
  const one = values(dims).data;
  return tensor(
    "float32",
    [n, ...dims],
    Float32Array.from({ length: n * one.length }, (_, i) => one[i % one.length]!),
  );
};

/** What exporters write for `n` examples, from images to `[n, classes]`. */
const forms: Readonly<Record<string, (b: GraphBuilder, x: string, n: number) => string>> = {
  "joins a stored class token to the patches of each image": (b, x, n) => {
    const patches = b.op("Reshape", [x, b.integers(n, 49, 16)]);
    const joined = b.op("Concat", [b.constant(rows(n, [1, 16])), patches], { axis: 1 });
    return b.op("ReduceMax", [joined, b.integers(1)], { keepdims: 0 });
  },
  "expands a class token to a size that it computes": (b, x, n) => {
    const patches = b.op("Reshape", [x, b.integers(n, 49, 16)]);
    const wanted = b.integers(n, -1, -1);
    const shape = b.op("Where", [b.op("Equal", [wanted, b.integers(-1)]), b.integers(1, 1, 16), wanted]);
    const joined = b.op("Concat", [b.op("Expand", [b.constant(values([1, 1, 16])), shape]), patches], {
      axis: 1,
    });
    return b.op("ReduceMax", [joined, b.integers(1)], { keepdims: 0 });
  },
  "attends with the tokens first and the batch merged into the heads": (b, x, n) => {
    const turned = b.op("Transpose", [b.op("Reshape", [x, b.integers(n, 49, 16)])], { perm: [1, 0, 2] });
    const flat = b.op("Reshape", [turned, b.integers(49 * n, 16)]);
    const product = b.op("Gemm", [flat, b.constant(values([16, 16]))]);
    const heads = b.op("Transpose", [b.op("Reshape", [product, b.integers(49, n * 2, 8)])], {
      perm: [1, 0, 2],
    });
    const likeness = b.op("MatMul", [heads, b.op("Transpose", [heads], { perm: [0, 2, 1] })]);
    const mixed = b.op("MatMul", [b.op("Softmax", [likeness], { axis: -1 }), heads]);
    const back = b.op("Reshape", [b.op("Transpose", [mixed], { perm: [1, 0, 2] }), b.integers(49, n, 16)]);
    return b.op("ReduceMean", [back, b.integers(0)], { keepdims: 0 });
  },
  "cuts images into windows that are examples of their own": (b, x, n) => {
    const cut = b.op("Reshape", [x, b.integers(n, 2, 14, 2, 14)]);
    const windows = b.op("Reshape", [
      b.op("Transpose", [cut], { perm: [0, 1, 3, 2, 4] }),
      b.integers(n * 4, 196),
    ]);
    const seen = b.op("Tanh", [b.op("MatMul", [windows, b.constant(values([196, 5]))])]);
    return b.op("Reshape", [seen, b.integers(n, 20)]);
  },
  "resizes images to sizes that name the batch, and adds a stored row to each": (b, x, n) => {
    const larger = b.op("Resize", [x, "", "", b.integers(n, 1, 33, 37)], { mode: "linear" });
    const flat = b.op("Reshape", [larger, b.integers(n, 33 * 37)]);
    return b.op("MatMul", [
      b.op("Add", [flat, b.constant(rows(n, [33 * 37]))]),
      b.constant(values([33 * 37, 6])),
    ]);
  },
};

function exported(form: (b: GraphBuilder, x: string, n: number) => string, n: number) {
  const b = graphBuilder();
  b.input("x", "float32", [n, 1, 28, 28]);
  b.output("y", form(b, "x", n));
  return wrapModel(b.build());
}

describe("model.anyBatch", () => {
  for (const [name, form] of Object.entries(forms)) {
    for (const n of [1, 3]) {
      it(`frees a model for ${n} that ${name}`, async () => {
        using free = await anyBatch(exported(form, n), images);
        using six = exported(form, 6);
        const [given, wanted] = [(await free.run(images))["y"]!, (await six.run(images))["y"]!];
        assert.deepEqual(given.dims, wanted.dims);
        wanted.data.forEach((value, i) => {
          assert.ok(
            Math.abs(Number(value) - Number(given.data[i])) < 1e-3 * Math.max(1, Math.abs(Number(value))),
          );
        });
      });
    }
  }

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
