import assert from "node:assert/strict";
import { tokenInput, wrapModel } from "../../../lib/model/index.js";
import { graphBuilder, type Model } from "../../../lib/onnx/index.js";
import { paddingOf } from "../../../lib/spec/index.js";
import { type TensorType, tensor } from "../../../lib/tensor/index.js";

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
