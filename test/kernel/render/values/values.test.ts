import assert from "node:assert/strict";
import { Tensor as OrtTensor } from "onnxruntime-node";
import { render } from "../../../../kernel/render/index.js";
import { tensor } from "../../../../lib/tensor/index.js";
import { hostile } from "../samples/index.js";

interface Danfo {
  readonly DataFrame: new (data: object, options: object) => Readonly<Record<string, unknown>>;
}

const textOf = async (value: unknown): Promise<string> => String((await render(value)).data["text/plain"]);

describe("tensors", () => {
  it("are summarised with shape, type, range and what is not finite", async () => {
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    data[3] = Number.NaN;
    data[4] = Number.POSITIVE_INFINITY;
    // Mean and population standard deviation of 0…23 without 3 and 4, from numpy 1.24.
    assert.equal(
      await textOf(tensor("float32", [2, 3, 4], data)),
      [
        "Tensor float32 [2, 3, 4], 24 values",
        "min 0 · mean 12.23 · max 23 · std 6.775 · zeros 4.17 % · NaN 1 · infinite 1",
        "values: 0, 1, 2, NaN, ∞, 5, …, 21, 22, 23",
      ].join("\n"),
    );
  });

  it("show all values of a small matrix", async () => {
    const { data } = await render(tensor("int64", [2, 2], BigInt64Array.of(1n, -2n, 3n, 4n)));
    assert.match(String(data["text/plain"]), /\[1, −2\]\n\[3, 4\]$/);
    assert.match(String(data["text/html"]), /<th scope="row"/);
  });

  it("are recognised in onnxruntime's own class", async () => {
    assert.match(
      await textOf(new OrtTensor("float32", Float32Array.of(1, 2), [2])),
      /^Tensor float32 \[2\], 2 values/,
    );
  });

  it("survive being empty, a scalar, of strings, of half precision", async () => {
    assert.match(await textOf(tensor("float32", [0, 3], new Float32Array())), /0 values[\s\S]*values: none/);
    assert.match(await textOf(tensor("float64", [], Float64Array.of(0.5))), /float64 \[\], 1 value\n/);
    assert.match(await textOf(tensor("float16", [1], Uint16Array.of(0x3c00))), /values: 1$/);
    const { data } = await render(tensor("string", [1], [hostile]));
    assert.doesNotMatch(String(data["text/html"]), /<script|<img/);
    assert.doesNotMatch(String(data["text/plain"]), /\u001b/);
  });

  it("that contradict themselves are shown as plain objects", async () => {
    assert.match(await textOf({ type: "float32", dims: [3], data: Float32Array.of(1) }), /dims: \[ 3 \]/);
  });
});

describe("typed arrays", () => {
  it("are shown whole when short and summarised when long", async () => {
    assert.match(await textOf(Float64Array.of(1, 2)), /^Float64Array\(2\) \[ 1, 2 \]$/);
    assert.match(
      await textOf(new Float64Array(100).fill(2)),
      /^Float64Array, 100 values\nmin 2 · mean 2 · max 2 · std 0/,
    );
  });
});

describe("lists of records", () => {
  it("become a table with the union of their columns", async () => {
    const { data } = await render([
      { layer: "conv1", auroc: 0.912345 },
      { layer: "fc", auroc: 1, best: true },
    ]);
    assert.equal(
      data["text/plain"],
      ["2 rows × 3 columns", "   layer   auroc  best", "0  conv1  0.9123  –", "1  fc          1  true"].join(
        "\n",
      ),
    );
    assert.match(String(data["text/html"]), /<caption[^>]*>2 rows/);
  });

  it("show the first and last rows of a long list", async () => {
    const text = await textOf(Array.from({ length: 1000 }, (_, i) => ({ i })));
    assert.match(text, /1,000 rows × 1 column, first and last 10 rows shown/);
    assert.equal(text.split("\n").length, 23);
    assert.match(text, /999$/);
  });

  it("escape hostile names and values", async () => {
    const { data } = await render([{ [hostile]: hostile }]);
    assert.doesNotMatch(String(data["text/html"]), /<script|<img/);
    assert.doesNotMatch(String(data["text/plain"]), /\u001b/);
  });

  it("show estimates with their intervals", async () => {
    const rate = {
      kind: "estimate",
      value: 0.8,
      interval: [0.7, 0.875],
      level: 0.95,
      n: 100,
      method: "Wilson",
    };
    const text = await textOf([
      { model: "a", rate },
      { model: "b", rate: null },
    ]);
    assert.match(text, /0 {2}a +0\.8 \[0\.7, 0\.875\]\n1 {2}b +–$/);
    // What only calls itself one is shown as it is.
    assert.match(await textOf([{ rate: { kind: "estimate", value: "0.8" } }]), /kind: 'estimate'/);
  });

  it("with nested members are shown as objects", async () => {
    assert.match(await textOf([{ a: [1] }]), /^\[ \{ a: \[ 1 \] \} \]$/);
  });
});

describe("danfojs frames", () => {
  it("become a table with index and column types", async function () {
    // Named by a variable: an optional package that is not installed must not stop the build.
    const name: string = "danfojs-node";
    const danfo = (await import(name).catch(() => undefined)) as Danfo | undefined;
    if (!danfo) {
      console.warn("skipped: danfojs-node is not installed");
      return this.skip();
    }
    const frame = new danfo.DataFrame({ name: ["a", "<b>"], score: [0.5, 2] }, { index: ["x", "y"] });
    const { data } = await render(frame);
    assert.equal(
      data["text/plain"],
      [
        "2 rows × 2 columns",
        "   name (string)  score (float32)",
        "x  a                          0.5",
        "y  <b>                          2",
      ].join("\n"),
    );
    assert.match(await textOf(frame["name"]), /2 rows × 1 column/);
  });
});
