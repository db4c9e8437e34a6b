import assert from "node:assert/strict";
import { calibrate } from "../../../../../lib/extraction/calibration.js";
import { mostOf, TELLING, tellingPairs } from "../../../../../lib/extraction/images/masks/pairs.js";
import { generator } from "../../../../../lib/random/index.js";

const arms = Array.from({ length: 10 }, (_, victim) =>
  Array.from({ length: 10 }, (_, target) => ({ victim, target })).filter(({ target }) => target !== victim),
).flat();

describe("extraction: pairs of victim and target", () => {
  it("that are unusual for their victim and their target are asked of the references first", () => {
    const random = generator(5);
    const ease = Array.from({ length: 20 }, () => random.normal());
    const values = arms.map(
      ({ victim, target }) => ease[victim]! + ease[10 + target]! + 0.1 * random.normal(),
    );
    const planted = arms.findIndex(({ victim, target }) => victim === 3 && target === 8);
    values[planted] = values[planted]! + 1;
    const chosen = tellingPairs(arms, values, 1);
    assert.equal(chosen[0], planted);
    assert.equal(new Set(chosen).size, 24);
    assert.deepEqual(chosen, tellingPairs(arms, values, 1));
  });

  it("are all asked where there are few", () => {
    const few = arms.slice(0, 8);
    assert.equal(
      tellingPairs(
        few,
        few.map((_, i) => i),
        1,
      ).length,
      8,
    );
  });

  it("accuse 1 to 6 % of clean models at p < 0.05, chosen by their own statistics", () => {
    const random = generator(9);
    let accused = 0;
    const trials = 400;
    for (let trial = 0; trial < trials; trial++) {
      const draw = (): Float64Array => Float64Array.from(arms, () => random.normal());
      const own = draw();
      const chosen = tellingPairs(arms, own, trial);
      const pick = (values: Float64Array): Float64Array => Float64Array.from(chosen, (i) => values[i]!);
      const { pValue } = calibrate(pick(own), [draw(), draw(), draw()].map(pick), {
        seed: 1,
        pairs: { of: 90, telling: TELLING },
      });
      if (pValue < 0.05) accused++;
    }
    // The null has heavier tails than these normal draws, so that fewer than 5 % are expected.
    assert.ok(accused / trials > 0.002 && accused / trials < 0.06, String(accused / trials));
  });

  it("accuse 1 to 7 % of clean models where classes of many are chosen, each with a spread of its own", () => {
    const random = generator(11);
    const spread = Float64Array.from({ length: 100 }, () => Math.exp(0.35 * random.normal()));
    const ease = Float64Array.from({ length: 100 }, () => random.normal());
    let accused = 0;
    const trials = 400;
    for (let trial = 0; trial < trials; trial++) {
      const draw = (): Float64Array => ease.map((value, k) => value + 0.5 * spread[k]! * random.normal());
      const own = draw();
      const chosen = mostOf(own, trial);
      const pick = (values: Float64Array): Float64Array => Float64Array.from(chosen, (i) => values[i]!);
      const { pValue } = calibrate(pick(own), [draw(), draw(), draw()].map(pick), {
        seed: 1,
        pairs: { of: 100, telling: TELLING, areClasses: true },
      });
      if (pValue < 0.05) accused++;
    }
    assert.ok(accused / trials > 0.002 && accused / trials < 0.07, String(accused / trials));
  });
});
