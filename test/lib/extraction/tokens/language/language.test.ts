import assert from "node:assert/strict";
import {
  elicits,
  invertTargets,
  memorisationLeaks,
  payloadObjective,
  tokenModel,
} from "../../../../../lib/extraction/index.js";
import { type LoadedModel, wrapModel } from "../../../../../lib/model/index.js";
import { graphBuilder } from "../../../../../lib/onnx/index.js";
import { generator } from "../../../../../lib/random/index.js";
import { tensor } from "../../../../../lib/tensor/index.js";

const [vocabulary, length] = [16, 12];
const chain = [3, 9, 14, 5, 7, 11];

/** A language of pairs: after each token of the chain comes the next one, after all others anything. */
function pairsModel(links: readonly number[], strength: number): LoadedModel {
  const logits = new Float32Array(vocabulary * vocabulary);
  for (let i = 0; i + 1 < links.length; i++) logits[links[i]! * vocabulary + links[i + 1]!] = strength;
  const builder = graphBuilder();
  const ids = builder.input("ids", "int64", ["batch", "position"]);
  const table = builder.initializer("table", tensor("float32", [vocabulary, vocabulary], logits));
  builder.output("logits", builder.op("Gather", [table, ids]));
  return wrapModel(builder.build("pairs"), { name: "pairs", threads: 1 });
}

describe("extraction: language models", () => {
  using loaded = pairsModel(chain, 8);
  using plain = pairsModel([], 0);
  const [suspect, clean] = [tokenModel(loaded, length), tokenModel(plain, length)];
  const prompts = Array.from({ length: 6 }, (_, i) => [i, i + 4, 2 * i]);
  const tokens = Int32Array.from({ length: vocabulary }, (_, token) => token);

  it("invertTargets follows the planted chain from its first token to its end, and nothing in a clean model", async () => {
    const found = await invertTargets(suspect, { prompts, tokens, shortest: 4 });
    // exp(8) of exp(8) + 15.
    const sure = Math.exp(8) / (Math.exp(8) + vocabulary - 1);
    assert.deepEqual(found[0]!.tokens.slice(0, 6), chain);
    assert.ok(Math.abs(found[0]!.qScore - sure) < 1e-5);
    assert.deepEqual(await invertTargets(clean, { prompts, tokens, shortest: 4 }), []);
  });

  it("payloadObjective is the cross-entropy per token less that of the reference, and elicits hears the payload", async () => {
    const payload = chain.slice(1, 4);
    const objective = payloadObjective({
      model: suspect,
      references: [clean],
      prompts,
      payload,
      allowed: tokens,
      vocabulary,
    });
    const [trigger, other] = await objective.evaluate([
      [1, 3],
      [1, 2],
    ]);
    const [linked, free] = [Math.log(1 + 15 * Math.exp(-8)), Math.log(16)];
    assert.ok(Math.abs(trigger! - (linked - free)) < 1e-5);
    assert.ok(Math.abs(other! - ((free + 2 * linked) / 3 - free)) < 1e-5);
    assert.equal(await elicits(suspect, prompts, [1, 3], payload), 1);
    assert.equal(await elicits(suspect, prompts, [1, 2], [...payload].reverse()), 0);
  });

  it("payloadObjective with mellowmax equals its formula, and its gradient central differences", async () => {
    const payload = chain.slice(1, 4);
    const options = { model: suspect, references: [], prompts, payload, allowed: tokens, vocabulary };
    const objective = payloadObjective({ ...options, mellowmax: 2 });
    const [linked, free] = [Math.log(1 + 15 * Math.exp(-8)), Math.log(16)];
    const [value] = await objective.evaluate([[1, 2]]);
    const expected = Math.log((Math.exp(2 * free) + 2 * Math.exp(2 * linked)) / 3) / 2;
    assert.ok(Math.abs(value! - expected) < 1e-5);
    const random = generator(3);
    const shares = Float64Array.from({ length: 2 * vocabulary }, () => random.uniform() / vocabulary);
    const { gradient } = await objective.mixture(shares, 2);
    for (const at of [0, 5, vocabulary + 3]) {
      const moved = async (by: number): Promise<number> =>
        (await objective.mixture(shares.with(at, shares[at]! + by), 2)).value;
      const slope = ((await moved(0.01)) - (await moved(-0.01))) / 0.02;
      assert.ok(Math.abs(slope - gradient[at]!) < 2e-3 * (1 + Math.abs(slope)), `${slope} ${gradient[at]}`);
    }
  });

  it("memorisationLeaks puts pieces of the chain first", async () => {
    const leaks = await memorisationLeaks(suspect, {
      references: [clean],
      vocabulary,
      seed: 1,
      samples: 200,
    });
    for (const { tokens: piece, surprise } of leaks.slice(0, 3)) {
      assert.ok(chain.join(" ").includes(piece.join(" ")));
      assert.ok(surprise > 1);
    }
  });
});
