import assert from "node:assert/strict";
import { tokenInput, wrapModel } from "../../../lib/model/index.js";
import { graphBuilder, type Model } from "../../../lib/onnx/index.js";
import { paddingOf } from "../../../lib/spec/index.js";
import { type TensorType, tensor } from "../../../lib/tensor/index.js";
import { transformerDecoder } from "../../../lib/train/index.js";
import { assertClose } from "../../support/compare.js";

const ids = tensor("int64", [2, 4], BigInt64Array.of(3n, 2n, 1n, 1n, 2n, 2n, 3n, 1n));

/** Sums of `ids * mask`, plus segments, by length where there is one. */
function summing(type: TensorType, extra: readonly string[]): Model {
  const b = graphBuilder();
  const to = { int64: 7, int32: 6, float32: 1 };
  b.input("input_ids", type, ["batch", 4]);
  let values = b.op("Cast", [b.op("Cast", ["input_ids"], { to: 7 })], { to: to.float32 });
  for (const name of extra) {
    b.input(name, "int64", name === "lengths" ? ["batch"] : ["batch", 4]);
    const given = b.op("Cast", [name], { to: 1 });
    if (name === "attention_mask") values = b.op("Mul", [values, given]);
    else if (name === "lengths") values = b.op("Div", [values, b.op("Unsqueeze", [given, b.integers(1)])]);
    else values = b.op("Add", [values, given]);
  }
  b.output("logits", b.op("ReduceSum", [values, b.integers(1)], { keepdims: 0 }));
  return b.build();
}

describe("model.tokenInput", () => {
  const cases = [
    { type: "int64", extra: ["attention_mask"], expected: [5, 7] },
    { type: "int32", extra: [], expected: [7, 8] },
    { type: "float32", extra: [], expected: [7, 8] },
    { type: "int64", extra: ["attention_mask", "token_type_ids"], expected: [5, 7] },
    { type: "int32", extra: ["attention_mask", "lengths"], expected: [2.5, 7 / 3] },
    // Places 0, 1, 1, 1 and 0, 1, 2, 2: padding does not count.
    { type: "int64", extra: ["position_ids"], expected: [10, 13] },
    { type: "int32", extra: ["attention_mask", "position_ids"], expected: [8, 12] },
  ] as const;
  for (const { type, extra, expected } of cases) {
    it(`makes one input of ids of: ${["input_ids", ...extra].join(", ")}, ids as ${type}`, async () => {
      using model = tokenInput(wrapModel(summing(type, extra)), { padding: 1 });
      assert.deepEqual(
        model.inputs.map((input) => [input.type, input.dims.at(-1)]),
        [["int64", 4]],
      );
      const { logits } = await model.run(ids);
      for (const [i, value] of expected.entries())
        assert.ok(Math.abs(Number(logits!.data[i]) - value) < 1e-6);
    });
  }

  it("numbers the words of a text that is filled up in front from 0", async () => {
    const b = graphBuilder();
    b.input("input_ids", "int64", ["batch", "length"]);
    b.input("position_ids", "int64", ["batch", "length"]);
    b.output("places", b.op("Identity", ["position_ids"]));
    b.output("ids", b.op("Identity", ["input_ids"]));
    using model = tokenInput(wrapModel(b.build()), { padding: 1 });
    const { places } = await model.run(tensor("int64", [1, 5], BigInt64Array.of(1n, 1n, 7n, 8n, 9n)));
    assert.deepEqual([...places!.data], [0n, 0n, 0n, 1n, 2n]);
    using unpadded = tokenInput(wrapModel(b.build()));
    const all = await unpadded.run(tensor("int64", [1, 5], BigInt64Array.of(1n, 0n, 0n, 8n, 9n)));
    assert.deepEqual([...all["places"]!.data], [0n, 1n, 2n, 3n, 4n]);
  });

  const pasts = [
    { name: "past_key_values.0.key", dims: ["batch", 2, "past", 3], shape: [2, 2, 0, 3] },
    { name: "past_0", dims: [2, "batch", 4, "past", 3], shape: [2, 2, 4, 0, 3] },
    { name: "past_key_values.0.key_value", dims: ["batch", "past", 6], shape: [2, 0, 6] },
  ] as const;
  for (const { name, dims, shape } of pasts) {
    it(`begins without keys and values: ${name} [${dims.join(", ")}]`, async () => {
      const b = graphBuilder();
      b.input("input_ids", "int64", ["batch", "length"]);
      b.input("attention_mask", "int64", ["batch", "past + length"]);
      b.input("use_cache_branch", "bool", [1]);
      b.input("num_logits_to_keep", "int64", []);
      b.input(name, "float32", dims);
      b.output("shape", b.op("Shape", [name]));
      b.output("mask", b.op("Identity", ["attention_mask"]));
      b.output("branch", b.op("Identity", ["use_cache_branch"]));
      b.output("kept", b.op("Identity", ["num_logits_to_keep"]));
      b.output("ids", b.op("Identity", ["input_ids"]));
      using model = tokenInput(wrapModel(b.build()));
      assert.deepEqual(
        model.inputs.map((input) => input.name),
        ["input_ids"],
      );
      const found = await model.run(tensor("int64", [2, 3], BigInt64Array.of(0n, 5n, 6n, 7n, 0n, 0n)));
      assert.deepEqual([...found["shape"]!.data].map(Number), shape);
      // A decoder does not look ahead, and its token 0 is a word.
      assert.deepEqual([...found["mask"]!.data], [1n, 1n, 1n, 1n, 1n, 1n]);
      assert.deepEqual([...found["branch"]!.data], [0]);
      assert.deepEqual([...found["kept"]!.data], [0n]);
    });
  }

  it("gives a decoder with a past the scores of one without, and keeps its weights' gradients", async () => {
    const sizes = { vocabulary: 11, length: 8, width: 8, heads: 2, layers: 2 };
    using model = tokenInput(
      wrapModel(transformerDecoder({ ...sizes, past: true }).initial(1), { threads: 1 }),
      { threads: 1 },
    );
    using plain = wrapModel(transformerDecoder(sizes).initial(1), { threads: 1 });
    const { logits } = await plain.run(ids);
    const found = (await model.run(ids))["logits"]!;
    assertClose(found, logits!, 1e-5, "logits");
    const cotangents = { logits: { ...logits!, data: (logits!.data as Float32Array).map(Math.cos) } };
    const wrt = ["tokens.weight", "attention1.key.weight"];
    const [ours, expected] = [
      await model.vjp({ x: ids }, { cotangents, wrt }),
      await plain.vjp({ x: ids }, { cotangents, wrt }),
    ];
    for (const name of wrt) assertClose(ours[name], expected[name]!, 1e-5, name);
  });

  it("names keys whose heads or width nothing tells, or whose tokens are fixed", () => {
    for (const dims of [
      ["batch", "heads", "past", "width"],
      ["batch_size x num_heads", 4, "past"],
      [1, 2, 8, 4],
    ]) {
      const b = graphBuilder();
      b.input("input_ids", "int64", ["batch", "length"]);
      b.input("past_key_values.0.key", "float32", dims);
      b.output("shape", b.op("Shape", ["past_key_values.0.key"]));
      b.output("ids", b.op("Identity", ["input_ids"]));
      using model = wrapModel(b.build());
      assert.throws(() => tokenInput(model), {
        code: "INVALID_MODEL",
        message: /"past_key_values\.0\.key" \(float32 \[.*do not tell heads and width, or fix/,
      });
    }
  });

  it("leaves other models as they are, and names an input that it cannot fill in", () => {
    using plain = wrapModel(summing("int64", []));
    assert.equal(tokenInput(plain), plain);
    const b = graphBuilder();
    b.input("x", "float32", ["batch", 4]);
    b.output("y", b.op("Relu", ["x"]));
    using table = wrapModel(b.build());
    assert.equal(tokenInput(table), table);
    using odd = wrapModel(summing("int64", ["author"]));
    assert.throws(() => tokenInput(odd), {
      code: "INVALID_MODEL",
      message: /"author" \(int64 \[batch, 4\]\)/,
    });
  });
});

describe("spec.paddingOf", () => {
  it("is the token that stands at an end twice over", () => {
    assert.equal(paddingOf(ids), 1);
    assert.equal(paddingOf(tensor("int64", [2, 3], BigInt64Array.of(9n, 9n, 4n, 9n, 9n, 5n))), 9);
    assert.equal(paddingOf(tensor("int64", [2, 3], BigInt64Array.of(1n, 9n, 4n, 2n, 9n, 5n))), 0);
  });
});
