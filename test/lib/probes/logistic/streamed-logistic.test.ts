import assert from "node:assert/strict";
import { fitLogistic } from "../../../../lib/probes/index.js";
import { streamedOptimum } from "../../../../lib/probes/logistic/streamed-logistic.js";
import { twoClassChunks } from "../../../../lib/probes/probe.js";
import { generator } from "../../../../lib/random/index.js";
import { type Tensor, tensor } from "../../../../lib/tensor/index.js";

/** Overlapping classes of a logistic model, with features of unequal scale and offset. */
function draw(n: number, d: number, seed: number): { x: Tensor<"float32">; labels: number[] } {
  const random = generator(seed);
  const x = new Float32Array(n * d);
  const labels = Array.from({ length: n }, (_, i) => {
    let logit = 0.4;
    for (let j = 0; j < d; j++) {
      const z = random.normal();
      x[i * d + j] = 3 + (z * (1 + j)) / d;
      logit += ((j % 2 ? -1 : 1) * z) / (1 + j);
    }
    return Number(random.uniform() < 1 / (1 + Math.exp(-logit)));
  });
  return { x: tensor("float32", [n, d], x), labels };
}

const cut = (x: Tensor<"float32">, ...ends: readonly number[]): Tensor[] => {
  const [n, d] = x.dims as [number, number];
  return [...ends, n].map((end, k) => {
    const start = k === 0 ? 0 : ends[k - 1]!;
    return tensor("float32", [end - start, d], x.data.subarray(start * d, end * d));
  });
};

describe("a logistic probe in passes over chunks", () => {
  for (const l2 of [1, 0.01, 100]) {
    it(`finds the optimum that one tensor gives, to 1e-8, at l2 = ${l2}`, () => {
      const { x, labels } = draw(4000, 30, 1);
      const expected = fitLogistic(x, labels, { l2 });
      const set = twoClassChunks(cut(x, 1, 700, 3001), labels, "test");
      const { weights, intercept, iterations } = streamedOptimum(set, l2);
      weights.forEach((value, j) => {
        assert.ok(Math.abs(value - expected.weights.data[j]!) < 1e-8, `${j}`);
      });
      assert.ok(Math.abs(intercept - expected.intercept) < 1e-8);
      assert.ok(iterations <= 12, `${iterations} passes`);
    });
  }

  it("says why there is no optimum", () => {
    const { x } = draw(300, 3, 2);
    const separable = Array.from({ length: 300 }, (_, i) => Number(x.data[3 * i]! > 3));
    const set = twoClassChunks(cut(x, 100), separable, "test");
    assert.throws(() => streamedOptimum(set, 0), { code: "NOT_CONVERGED", message: /l2/ });
    const wide = tensor("float32", [2, 9000], new Float32Array(18_000).fill(1));
    assert.throws(() => streamedOptimum(twoClassChunks([wide], [0, 1], "test"), 1), {
      code: "TOO_LARGE",
      message: /9000 features/,
    });
  });
});
