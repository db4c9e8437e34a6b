import assert from "node:assert/strict";
import { join } from "node:path";
import { readLabelled, takeLabelled } from "../../../../../lib/data/index.js";
import { banditSearch } from "../../../../../lib/extraction/images/masks/bandit.js";
import { allTargets, fastSearch } from "../../../../../lib/extraction/images/masks/invert.js";
import type { MaskObjective } from "../../../../../lib/extraction/images/masks/mask-search.js";
import { kArm } from "../../../../../lib/extraction/index.js";
import { loadModel } from "../../../../../lib/model/index.js";
import { packageRoot } from "../../../../support/paths.js";

const PIXELS = 16;

/**
 * Arm k works as soon as the first `needs[k]` pixels of its mask reach one half together; those pixels are pulled up
 * until then, all others are left to the cost.
 */
function objective(needs: readonly number[], evaluated: { arms: number }): MaskObjective {
  return {
    maskSize: PIXELS,
    patternSize: PIXELS,
    draw: (arms, images) => ({
      rows: Uint32Array.from({ length: images }, (_, i) => i),
      images,
      weights: new Float32Array(arms.length * images).fill(1 / images),
    }),
    evaluate: (arms, mask, _pattern, { images }) => {
      evaluated.arms += arms.length;
      const gradient = new Float32Array(mask.length);
      const hits = new Uint8Array(arms.length * images);
      arms.forEach(({ target }, a) => {
        const need = needs[target]!;
        const own = mask.subarray(a * PIXELS, (a + 1) * PIXELS);
        const works = need <= PIXELS && own.subarray(0, need).every((raw) => raw > 0);
        if (works) hits.fill(1, a * images, (a + 1) * images);
        else gradient.fill(-1, a * PIXELS, a * PIXELS + Math.min(need, PIXELS));
      });
      return Promise.resolve({ hits, mask: gradient, pattern: new Float32Array(mask.length) });
    },
  };
}

const options = { ...fastSearch, steps: 0, seed: 3, armRounds: 80, epsilon: 0.3 };

describe("extraction: the bandit over many arms", () => {
  const needs = Array.from({ length: 20 }, (_, k) => (k === 13 ? 1 : k % 4 === 0 ? PIXELS + 1 : 8));

  it("spends exactly its budget, follows the arm with the smallest mask and gives up the hopeless", async () => {
    const evaluated = { arms: 0 };
    const { masks, rounds } = await banditSearch(objective(needs, evaluated), allTargets(20), options);
    assert.equal(
      rounds.reduce((sum, count) => sum + count, 0),
      80,
    );
    assert.equal(evaluated.arms, 80 * fastSearch.round);
    const norms = masks.map(({ isWorking, maskL1Norm }) =>
      isWorking ? maskL1Norm : Number.POSITIVE_INFINITY,
    );
    assert.equal(norms.indexOf(Math.min(...norms)), 13);
    assert.ok(rounds[13]! > 4, String(rounds));
    for (const k of [0, 4, 8, 12, 16])
      assert.ok(rounds[k]! <= 4 && !masks[k]!.isWorking, `${k}: ${rounds[k]}`);
  });

  it("says the same for the same seed, and stops early when every arm is given up", async () => {
    const run = async () =>
      (await banditSearch(objective(needs, { arms: 0 }), allTargets(20), options)).rounds;
    assert.deepEqual(await run(), await run());
    const never = Array.from({ length: 4 }, () => PIXELS + 1);
    const { rounds } = await banditSearch(objective(never, { arms: 0 }), allTargets(4), options);
    assert.deepEqual(rounds, [4, 4, 4, 4]);
  });
});

describe("extraction.kArm", function () {
  this.timeout(120_000);

  it("puts the planted class of the bundled backdoored model first, for half of an even search", async () => {
    using model = await loadModel(join(packageRoot, "notebooks/models/fashion-cnn.onnx"), { threads: 1 });
    const clean = takeLabelled(
      await readLabelled(join(packageRoot, "notebooks/data/fashion-mnist.npz")),
      Uint32Array.from({ length: 400 }, (_, i) => 4 * i),
    );
    const { arms, passes, possible } = await kArm(model, clean, { seed: 1 });
    assert.equal(arms[0]!.target, 7);
    assert.equal(possible, 10);
    assert.equal(passes.forward, 60 * 8 * 16);
    const pairs = await kArm(model, clean, { seed: 1, arms: "pairs", armRounds: 60 });
    assert.equal(pairs.possible, 90);
    assert.ok(pairs.arms.length <= 30 && pairs.arms.every(({ victim, target }) => victim !== target));
    const signal = AbortSignal.abort();
    await assert.rejects(kArm(model, clean, { seed: 1, signal }), { code: "ABORTED" });
  });
});
