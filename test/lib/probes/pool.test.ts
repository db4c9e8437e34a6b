import assert from "node:assert/strict";
import fc from "fast-check";
import { bagOfTokens, pool } from "../../../lib/probes/index.js";
import { type Tensor, tensor } from "../../../lib/tensor/index.js";

/** Two examples of three tokens of two features. */
const x = tensor("float32", [2, 3, 2], Float32Array.of(1, -1, 5, 0, 3, 4, 2, 2, 8, 8, 9, 9));
const mask = tensor("int64", [2, 3], BigInt64Array.of(1n, 1n, 1n, 1n, 0n, 0n));

describe("probes.pool", () => {
  const cases = [
    { how: "mean", whole: [3, 1, 19 / 3, 19 / 3], masked: [3, 1, 2, 2] },
    { how: "max", whole: [5, 4, 9, 9], masked: [5, 4, 2, 2] },
    { how: "last", whole: [3, 4, 9, 9], masked: [3, 4, 2, 2] },
    { how: "first", whole: [1, -1, 2, 2], masked: [1, -1, 2, 2] },
  ] as const;
  for (const { how, whole, masked } of cases) {
    it(`${how}: over all tokens, and over real ones only`, () => {
      for (const [options, expected] of [
        [{ how }, whole],
        [{ how, mask }, masked],
      ] as const) {
        const pooled = pool(x, options);
        assert.deepEqual(pooled.dims, [2, 2]);
        pooled.data.forEach((value, i) => {
          assert.ok(Math.abs(value - expected[i]!) < 1e-12, `${[...pooled.data]}`);
        });
      }
    });
  }

  it("does not change when padding is appended", () => {
    const numbers = fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(numbers, numbers, fc.constantFrom("mean", "max", "last", "first"), (real, padding, how) => {
        const short = pool(tensor("float64", [1, 3, 1], Float64Array.from(real)), { how });
        const long = pool(tensor("float64", [1, 6, 1], Float64Array.from([...real, ...padding])), {
          how,
          mask: tensor("bool", [1, 6], Uint8Array.of(1, 1, 1, 0, 0, 0)) as Tensor,
        });
        assert.deepEqual(long.data, short.data);
      }),
    );
  });

  it("refuses other shapes, an example without tokens, and words for a way", () => {
    assert.throws(() => pool(tensor("float32", [2, 3], new Float32Array(6)), { how: "mean" }), {
      code: "SHAPE_MISMATCH",
      message: /\[n, position, width\], got \[2, 3\]/,
    });
    assert.throws(() => pool(x, { how: "mean", mask: tensor("int64", [2, 2], new BigInt64Array(4)) }), {
      code: "SHAPE_MISMATCH",
    });
    assert.throws(() => pool(x, { how: "last", mask: tensor("int64", [2, 3], new BigInt64Array(6)) }), {
      code: "INVALID_ARGUMENT",
      message: /example 0 has no real token/,
    });
    assert.throws(() => pool(x, { how: "median" as "mean" }), {
      code: "INVALID_ARGUMENT",
      message: /"median"/,
    });
  });
});

describe("probes.bagOfTokens", () => {
  it("counts each word, without padding", () => {
    const tokens = tensor("int64", [2, 4], BigInt64Array.of(3n, 1n, 3n, 0n, 2n, 0n, 0n, 0n));
    const bag = bagOfTokens(tokens, { vocabulary: 4, padding: 0 });
    assert.deepEqual([...bag.data], [0, 1, 0, 2, 0, 0, 1, 0]);
    assert.throws(() => bagOfTokens(tokens, { vocabulary: 3 }), {
      code: "INVALID_ARGUMENT",
      message: /token 0 of example 0 is 3, outside the vocabulary of 3/,
    });
    assert.throws(() => bagOfTokens(x, { vocabulary: 3 }), { code: "SHAPE_MISMATCH" });
  });
});
