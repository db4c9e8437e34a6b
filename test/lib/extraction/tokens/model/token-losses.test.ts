import assert from "node:assert/strict";
import { afterPrefixes, type TokenModel, tokenModel } from "../../../../../lib/extraction/index.js";
import { tokenInput, wrapModel } from "../../../../../lib/model/index.js";
import { graphBuilder, type Model } from "../../../../../lib/onnx/index.js";
import { generator } from "../../../../../lib/random/index.js";
import { tensor } from "../../../../../lib/tensor/index.js";
import { transformerDecoder } from "../../../../../lib/train/index.js";

const SIZES = { vocabulary: 19, length: 10, width: 8, heads: 2, layers: 1 };
const { vocabulary, length } = SIZES;

/** A table of logits by the token before, with or without a bias, a softmax, a reshape behind it. */
function bigram(...behind: readonly ("bias" | "softmax" | "reshape" | "place")[]): Model {
  const random = generator(2);
  const b = graphBuilder();
  const normal = (...dims: number[]): string => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    return b.constant(
      tensor(
        "float32",
        dims,
        Float32Array.from({ length: size }, () => 3 * random.normal()),
      ),
    );
  };
  b.input("ids", "int64", ["batch", length]);
  let scores = b.op("MatMul", [b.op("Gather", [normal(vocabulary, 6), "ids"]), normal(6, vocabulary)]);
  if (behind.includes("bias")) scores = b.op("Add", [normal(vocabulary), scores]);
  // Not the same for all places, so that it must not be taken for a bias.
  if (behind.includes("place")) scores = b.op("Add", [scores, normal(1, length, vocabulary)]);
  if (behind.includes("reshape")) scores = b.op("Reshape", [scores, b.integers(-1, length, vocabulary)]);
  if (behind.includes("softmax")) scores = b.op("Softmax", [scores], { axis: -1 });
  b.output("logits", scores);
  return b.build();
}

/** Cross-entropies from the scores, in float64. */
async function expectedLosses(model: TokenModel, ids: BigInt64Array, from: number, to: number) {
  const { logits, size, classes } = await model.scores(ids);
  return Float64Array.from({ length: (ids.length / model.length) * (to - from) }, (_, i) => {
    const [row, place] = [Math.floor(i / (to - from)), from + (i % (to - from))];
    const at = row * size + (place - 1) * classes;
    const own = Array.from(logits.subarray(at, at + classes));
    const total = own.reduce((sum, value) => sum + Math.exp(value), 0);
    return Math.log(total) - own[Number(ids[row * model.length + place])]!;
  });
}

describe("extraction: the losses of single tokens", () => {
  const random = generator(1);
  // More sequences than the first run takes.
  const ids = BigInt64Array.from({ length: 23 * length }, () => BigInt(random.integer(vocabulary)));
  const cases: Readonly<Record<string, Model>> = {
    "a bigram table": bigram(),
    "one with a bias": bigram("bias"),
    "one that ends in a softmax": bigram("bias", "softmax"),
    "one with a reshape behind": bigram("reshape"),
    "one with a bias of every place": bigram("place"),
    "a decoder": transformerDecoder(SIZES).initial(1),
  };
  for (const [name, graph] of Object.entries(cases)) {
    it(`are those that follow from the scores: ${name}`, async () => {
      using loaded = wrapModel(graph, { threads: 1 });
      const model = tokenModel(loaded, length);
      for (const [from, to] of [
        [1, length],
        [4, 6],
        [length - 1, length],
      ] as const) {
        const before = model.passes.forward;
        const found = await model.tokenLosses(ids, from, to);
        assert.equal(model.passes.forward - before, 23);
        const expected = await expectedLosses(model, ids, from, to);
        assert.equal(found.length, expected.length);
        for (let i = 0; i < expected.length; i++)
          assert.ok(
            Math.abs(found[i]! - expected[i]!) < 1e-5 * (1 + expected[i]!),
            `${found[i]} ${expected[i]}`,
          );
      }
    });
  }

  it("are the same behind prefixes, with and without their keys and values", async () => {
    using past = tokenInput(wrapModel(transformerDecoder({ ...SIZES, past: true }).initial(1)), {
      threads: 1,
    });
    using plain = wrapModel(transformerDecoder(SIZES).initial(1), { threads: 1 });
    const prefixes = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const some = ids.subarray(0, 20 * (length - 3));
    const [cached, whole] = [past, plain].map((model) => afterPrefixes(tokenModel(model, length), prefixes));
    const expected = await expectedLosses(whole!, some, 2, 5);
    for (const model of [cached!, whole!]) {
      const found = await model.tokenLosses(some, 2, 5);
      for (let i = 0; i < expected.length; i++) assert.ok(Math.abs(found[i]! - expected[i]!) < 1e-5);
    }
  });
});
