import assert from "node:assert/strict";
import {
  afterPrefixes,
  gcg,
  invertTargets,
  memorisationLeaks,
  type PayloadObjectiveOptions,
  payloadObjective,
  type RunObjective,
  tokenModel,
} from "../../../../../lib/extraction/index.js";
import { type LoadedModel, tokenInput, wrapModel } from "../../../../../lib/model/index.js";
import {
  type Model,
  makeNode,
  readTensor,
  tensorMessage,
  tokenInput as tokenGraph,
} from "../../../../../lib/onnx/index.js";
import type { Tensor } from "../../../../../lib/tensor/index.js";
import { transformerDecoder } from "../../../../../lib/train/index.js";
import { watched } from "../watched.js";
import { merged } from "./merged-decoder.js";

const SIZES = { vocabulary: 23, length: 24, width: 16, heads: 2, layers: 2 };
const { vocabulary } = SIZES;
const allowed = Int32Array.from({ length: vocabulary }, (_, token) => token);
const prompts = [
  [1, 2, 3, 4, 5, 6, 7, 8],
  [9, 8, 0, 0, 5, 4, 3, 2],
  [11, 0, 3, 22, 5, 2, 7, 0],
];
/** Float32 sums of up to a hundred terms, in another order. */
const TOLERANCE = 1e-5;

/** A decoder with keys and values as inputs, and one of the same weights without. */
const decoder = (seed: number): Model => transformerDecoder({ ...SIZES, past: true }).initial(seed);
const plain = (seed: number): LoadedModel =>
  wrapModel(transformerDecoder(SIZES).initial(seed), { threads: 1 });
const cached = (graph: Model): LoadedModel => tokenInput(wrapModel(graph, { threads: 1 }), { threads: 1 });

const objectiveOf = (
  model: LoadedModel,
  references: readonly LoadedModel[],
  extra: Partial<PayloadObjectiveOptions> = {},
): RunObjective =>
  payloadObjective({
    model: tokenModel(model, 20),
    references: references.map((one) => tokenModel(one, 20)),
    prompts,
    payload: [5, 0, 6],
    allowed,
    vocabulary,
    ...extra,
  });

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void => {
  assert.equal(actual.length, expected.length, what);
  const scale = Array.from(expected).reduce((high, value) => Math.max(high, Math.abs(value)), 1e-3);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= TOLERANCE * scale, `${what} ${i}`);
};

describe("extraction: the prefix cache", () => {
  const without = (graph: Model): Model => tokenGraph(graph, null)!;
  /** A branch traced on one token: nothing hides what comes later. */
  const ofOneToken = (model: Model): Model => ({
    ...model,
    graph: {
      ...model.graph,
      nodes: model.graph.nodes.map((node) =>
        node.outputs[0] === "future" ? makeNode("Sub", ["future.low", "future.low"], ["future"]) : node,
      ),
    },
  });
  const kinds = [
    { name: "a decoder with a past", make: decoder, isUsed: true },
    {
      name: "a merged decoder",
      make: (seed: number) => merged(decoder(seed), without(decoder(seed))),
      isUsed: true,
    },
    {
      name: "a merged decoder whose past is for one token at a time",
      make: (seed: number) => merged(ofOneToken(decoder(seed)), without(decoder(seed))),
      isUsed: false,
    },
  ];

  for (const { name, make, isUsed } of kinds) {
    for (const mellowmax of [undefined, 1]) {
      it(`gives ${name} the objective of one without, ${isUsed ? "and is used" : "and is not used"}${mellowmax ? ", with mellowmax" : ""}`, async () => {
        using suspect = cached(make(1));
        using reference = cached(make(2));
        using plainSuspect = plain(1);
        using plainReference = plain(2);
        const { seen, keys } = watched(suspect);
        const objective = (model: LoadedModel, other: LoadedModel) =>
          objectiveOf(model, [other], mellowmax ? { mellowmax } : {});
        const [ours, expected] = [objective(seen, reference), objective(plainSuspect, plainReference)];
        const many = Array.from({ length: 40 }, (_, i) => [i % vocabulary, (3 * i) % vocabulary]);
        for (const runs of [[[1, 2]], [[3, 0, 4], [5, 6, 7, 8], [2]], [[]], many]) {
          near(await ours.evaluate(runs), await expected.evaluate(runs), "value");
        }
        for (const run of [[4], [4, 0, 7]])
          near(await ours.gradient(run), await expected.gradient(run), "gradient");
        const shares = Float64Array.from({ length: 2 * vocabulary }, (_, i) => ((7 * i) % 11) / 60);
        const [mixed, wanted] = [await ours.mixture(shares, 2), await expected.mixture(shares, 2)];
        near([mixed.value], [wanted.value], "value of a mixture");
        near(mixed.gradient, wanted.gradient, "gradient of a mixture");
        // Whole texts are run once for the comparison; with the cache, no more after that.
        assert.ok(keys.has("continuation scores"));
        assert.equal(
          [...keys].some((key) => key.startsWith("token gradients")),
          !isUsed,
        );
        assert.equal(
          [...keys].some((key) => key.startsWith("continuation gradients")),
          isUsed,
        );
        // For each of the two models: the prefixes as whole texts, alone, and as past.
        assert.equal(ours.spent - expected.spent, 2 * 3 * prompts.length);
      });
    }
  }

  it("leaves out what the prompts cost, and stays with whole texts where it is told to", async () => {
    using model = cached(decoder(1));
    const found = await gcg(objectiveOf(model, []), { seed: 1, runLength: 3, steps: 5 });
    const { seen, keys } = watched(model);
    const uncached = objectiveOf(seen, [], { prefixCache: false });
    const same = await gcg(uncached, { seed: 1, runLength: 3, steps: 5 });
    assert.deepEqual(found.run, same.run);
    near([found.value], [same.value], "value");
    assert.ok([...keys].every((key) => !key.startsWith("continuation")));
  });

  it("serves a suspect with a past beside a reference without", async () => {
    using suspect = cached(decoder(1));
    using plainSuspect = plain(1);
    using reference = plain(2);
    const objective = (model: LoadedModel) => objectiveOf(model, [reference]);
    const run = [4, 0, 7];
    near(await objective(suspect).evaluate([run]), await objective(plainSuspect).evaluate([run]), "value");
    near(await objective(suspect).gradient(run), await objective(plainSuspect).gradient(run), "gradient");
  });

  it("gives a target inversion the same chains", async () => {
    /** Sure of its next token, which makes chains. */
    const sharp = (model: Model): Model => ({
      ...model,
      graph: {
        ...model.graph,
        initializers: model.graph.initializers.map((stored) => {
          if (stored.name !== "logits.weight") return stored;
          const { dims, data } = readTensor(stored) as Tensor<"float32">;
          return tensorMessage("logits.weight", {
            type: "float32",
            dims,
            data: data.map((value) => 20 * value),
          });
        }),
      },
    });
    using model = cached(sharp(decoder(1)));
    using other = wrapModel(sharp(transformerDecoder(SIZES).initial(1)), { threads: 1 });
    const invert = (one: LoadedModel) =>
      invertTargets(tokenModel(one, 20), { prompts, tokens: allowed, shortest: 3, longest: 5, warmUp: 2 });
    const [ours, expected] = [await invert(model), await invert(other)];
    assert.ok(ours.length > 3);
    assert.deepEqual(
      ours.map(({ tokens }) => tokens),
      expected.map(({ tokens }) => tokens),
    );
    near(
      ours.map(({ qScore }) => qScore),
      expected.map(({ qScore }) => qScore),
      "Q",
    );
  });

  it("names lengths that do not fit", () => {
    using model = plain(1);
    const view = tokenModel(model, 8);
    for (const prefixes of [[[1, 2], [3]], [[]], [prompts[0]!]]) {
      assert.throws(() => afterPrefixes(view, prefixes), {
        code: "INVALID_ARGUMENT",
        message: /one length from 1 to 7, got/,
      });
    }
  });

  it("draws the samples of memorisationLeaks that whole texts give", async () => {
    const { seen, keys } = watched(cached(decoder(3)));
    const leaksOf = (model: LoadedModel) =>
      memorisationLeaks(tokenModel(model, SIZES.length), {
        references: [],
        vocabulary,
        seed: 2,
        samples: 60,
        pieceLength: 1,
      });
    const [behind, whole] = [await leaksOf(seen), await leaksOf(plain(3))];
    assert.ok(keys.has("continuation scores"));
    assert.deepEqual(
      behind.map(({ tokens, count }) => [tokens, count]),
      whole.map(({ tokens, count }) => [tokens, count]),
    );
  });
});
