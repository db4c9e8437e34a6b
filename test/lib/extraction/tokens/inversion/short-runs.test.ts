import assert from "node:assert/strict";
import type { Run } from "../../../../../lib/extraction/tokens/carriers.js";
import {
  type ShortPlace,
  shortLengths,
  shortRuns,
} from "../../../../../lib/extraction/tokens/inversion/short-runs.js";
import type { RunObjective } from "../../../../../lib/extraction/tokens/run-objective.js";

const allowed = Int32Array.from({ length: 29 }, (_, i) => i + 1);

/** A place at which the value of a run is a formula. */
function place(
  position: "prefix" | "suffix",
  formula: (run: Run) => number,
  given: Partial<ShortPlace> = {},
) {
  const evaluate = async (runs: readonly Run[]) => Float64Array.from(runs, formula);
  const objective = { allowed, vocabulary: 30, hasGradients: false, evaluate } as unknown as RunObjective;
  return {
    position,
    objective,
    onMore: objective,
    candidates: async () => allowed,
    long: [],
    pairs: [],
    ...given,
  };
}

const options = {
  shortest: 1,
  alone: allowed.slice(0, 5),
  unusual: Int32Array.of(12, 20),
  finals: 1,
};
const has = (run: Run, ...tokens: number[]): boolean => run.join().includes(tokens.join());

describe("extraction: the search of short runs", () => {
  it("finds a pair that works at one place only and whose tokens do nothing, from pairs with an unusual token", async () => {
    const nothing = place("prefix", (run) => -0.1 * run.filter((token) => token < 4).length);
    const planted = place("suffix", (run) => (has(run, 12, 25) ? -2 : 0), { pairs: [[12, 25]] });
    const [pair, three] = await shortRuns([2, 3], { ...options, places: [nothing, planted] });
    assert.deepEqual([pair!.run, pair!.position, pair!.value], [[12, 25], "suffix", -2]);
    // A third token brings nothing: the run of at most three tokens is the pair.
    assert.deepEqual(three, pair);
  });

  it("takes long runs apart, and puts tokens in front as well as behind", async () => {
    const long = place("prefix", (run) => (has(run, 7, 9) ? -1 : 0) - (has(run, 3, 7, 9) ? 1 : 0), {
      long: [[28, 7, 22, 9]],
    });
    const [pair, three] = await shortRuns([2, 3], { ...options, places: [long] });
    assert.deepEqual(
      [pair!.run, three!.run],
      [
        [7, 9],
        [3, 7, 9],
      ],
    );
  });

  it("decides by more texts", async () => {
    const fewSay = place("prefix", (run) => (has(run, 1) ? -3 : has(run, 2) ? -2 : 0));
    const moreSay = place("prefix", (run) => (has(run, 2) ? -2 : 0)).objective;
    const [pair] = await shortRuns([2], { ...options, finals: 4, places: [{ ...fewSay, onMore: moreSay }] });
    assert.equal(pair!.value, -2);
  });

  it("asks for lengths below the longest that a specification allows", () => {
    assert.deepEqual(shortLengths([1, 5]), [2, 3]);
    assert.deepEqual(shortLengths([3, 4]), [3]);
    assert.deepEqual(shortLengths([1, 2]), []);
  });
});
