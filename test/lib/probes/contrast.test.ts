import assert from "node:assert/strict";
import { evaluate, fitContrast, fitContrastVariation } from "../../../lib/probes/index.js";
import { generator } from "../../../lib/random/index.js";
import { type Tensor, tensor } from "../../../lib/tensor/index.js";

const d = 16;
/** A statement put both ways: the word "true" or "false" moves feature 0, its truth feature 1, all else is shared. */
function pairs(n: number, seed: number, known: boolean) {
  const random = generator(seed);
  const labels = Array.from({ length: n }, () => (known ? 1 : random.integer(2)));
  const [positive, negative] = [new Float64Array(n * d), new Float64Array(n * d)];
  labels.forEach((label, i) => {
    for (let j = 0; j < d; j++) {
      const shared = 3 * random.normal();
      positive[i * d + j] = shared + 0.5 * random.normal();
      negative[i * d + j] = shared + 0.5 * random.normal();
    }
    const sign = label ? 1 : -1;
    positive[i * d]! += 4;
    positive[i * d + 1]! += 2 * sign;
    negative[i * d + 1]! -= 2 * sign;
  });
  const asTensor = (data: Float64Array): Tensor => tensor("float64", [n, d], data);
  return { positive: asTensor(positive), negative: asTensor(negative), labels };
}
const differences = ({ positive, negative }: { positive: Tensor; negative: Tensor }): Tensor =>
  tensor(
    "float64",
    positive.dims,
    Float64Array.from(positive.data as Float64Array, (value, at) => value - Number(negative.data[at])),
  );

describe("probes.fitContrast", () => {
  it("is the mean difference, with its sign fixed by the pairs", () => {
    const positive = tensor("float64", [2, 2], Float64Array.of(3, 1, 5, 1));
    const negative = tensor("float64", [2, 2], Float64Array.of(1, 1, 1, 3));
    const probe = fitContrast({ positive, negative });
    assert.deepEqual([...probe.weights.data], [3, -1]);
    // Half-way between the means (4, 1) and (1, 2) the logit is 0.
    assert.deepEqual([...probe.logits(tensor("float64", [1, 2], Float64Array.of(2.5, 1.5)))], [0]);
    const [a, b] = [probe.logits(positive), probe.logits(negative)];
    assert.ok(a[0]! > b[0]! && a[1]! > b[1]!);
  });

  it("finds the property from one generic pair, on layers of any scale", () => {
    const one = pairs(1, 1, true);
    const fresh = pairs(300, 2, false);
    const reference = fresh.positive;
    const probe = fitContrast(one, { reference });
    const logits = probe.logits(reference);
    const mean = logits.reduce((sum, logit) => sum + logit, 0) / 300;
    const square = logits.reduce((sum, logit) => sum + (logit - mean) ** 2, 0) / 299;
    assert.ok(Math.abs(mean) < 1e-9 && Math.abs(square - 1) < 1e-9);
  });

  it("names sides that do not fit or do not differ", () => {
    const { positive, negative } = pairs(4, 3, true);
    const fewer = tensor("float64", [1, d], new Float64Array(d));
    assert.throws(() => fitContrast({ positive, negative: fewer }), {
      code: "SHAPE_MISMATCH",
      message: /4 examples/,
    });
    assert.throws(() => fitContrast({ positive, negative: positive }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => fitContrast({ positive, negative }, { reference: fewer }), {
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("probes.fitContrastVariation", () => {
  it("finds which of two versions is true without a label, past the words for true and false", () => {
    const train = pairs(200, 4, false);
    const test = pairs(300, 5, false);
    const probe = fitContrastVariation(train);
    const { value } = evaluate(probe, differences(test), test.labels).auroc;
    assert.ok(Math.max(value, 1 - value) > 0.99, String(value));
    // The word's own feature hardly counts, though its mean difference is the largest.
    assert.ok(Math.abs(probe.weights.data[1]!) > 10 * Math.abs(probe.weights.data[0]!));
  });

  it("refuses a single pair and pairs that all differ alike", () => {
    const { positive, negative } = pairs(1, 3, true);
    assert.throws(() => fitContrastVariation({ positive, negative }), {
      code: "INVALID_ARGUMENT",
      message: /2 pairs/,
    });
    const twice = (value: number): Tensor => tensor("float64", [2, 1], Float64Array.of(value, value));
    assert.throws(() => fitContrastVariation({ positive: twice(1), negative: twice(0) }), {
      code: "INVALID_ARGUMENT",
    });
  });
});
