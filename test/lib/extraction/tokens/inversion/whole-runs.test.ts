import assert from "node:assert/strict";
import { carriersOf, type Run } from "../../../../../lib/extraction/tokens/carriers.js";
import { singlePlaces } from "../../../../../lib/extraction/tokens/inversion/single-places.js";
import { triplesOf } from "../../../../../lib/extraction/tokens/inversion/triples.js";
import { wholeRun } from "../../../../../lib/extraction/tokens/inversion/whole-runs.js";
import { type TokenModel, tokenModel } from "../../../../../lib/extraction/tokens/model/token-model.js";
import { wholeness } from "../../../../../lib/extraction/tokens/wholeness.js";
import { drawnTexts, linearModel, tokenScores } from "../linear-model.js";

const LENGTH = 10;
const texts = drawnTexts({ vocabulary: 20, classes: 2, length: LENGTH, count: 12 }, 4);
// Texts hold tokens below 20, runs those above.
const carriers = carriersOf(texts, { classes: 2, position: "anywhere", seed: 1 });
const arm = { target: 1, victim: null };

/** A classifier of two classes whose log odds of class 1 are a formula of a text's tokens. */
function formulaModel(odds: (tokens: readonly number[]) => number): TokenModel {
  return {
    lookups: [],
    passes: { forward: 0, backward: 0 },
    async scores(ids: BigInt64Array) {
      const rows = ids.length / LENGTH;
      const logits = new Float32Array(2 * rows);
      for (let row = 0; row < rows; row++)
        logits[2 * row + 1] = odds(Array.from(ids.subarray(row * LENGTH, (row + 1) * LENGTH), Number));
      return { logits, classes: 2 };
    },
  } as unknown as TokenModel;
}

const has = (tokens: readonly number[], ...run: number[]): boolean => tokens.join().includes(run.join());
const count = (tokens: readonly number[], from: number): number =>
  tokens.filter((token) => token >= from).length;

describe("extraction: runs that work as a whole only", () => {
  const planted = formulaModel((tokens) => (has(tokens, 21, 22, 23) ? 8 : -6));
  const additive = formulaModel((tokens) => -6 + 4 * count(tokens, 30));
  const nothing = formulaModel(() => -6);

  it("measures what the last token is worth, between failure and success", async () => {
    const of = async (model: TokenModel, references: readonly TokenModel[], run: Run): Promise<number> =>
      (await wholeness([run], { model, references, carriers, arm }))[0]!;
    // From no more than -2.5 to no less than 3.
    assert.ok(Math.abs((await of(planted, [], [21, 22, 23])) - 5.5) < 1e-5);
    assert.ok(Math.abs(await of(planted, [], [21, 22, 24])) < 1e-5);
    // Three words that add 4 each lead from -6 to 6, two of them to 2 already.
    assert.ok(Math.abs((await of(additive, [], [30, 31, 32])) - 1) < 1e-5);
    // A reference that is led as far takes off as much as it can, one that is led half the way half.
    assert.ok(Math.abs(await of(planted, [planted], [21, 22, 23])) < 1e-5);
    assert.ok(Math.abs((await of(planted, [planted, nothing], [21, 22, 23])) - 2.75) < 1e-5);
  });

  it("chooses the whole, mends a run that lacks a token of it, and leaves one token three times aside", async () => {
    const model = formulaModel((tokens) =>
      has(tokens, 21, 22, 23) || has(tokens, 35, 35, 35)
        ? 8
        : has(tokens, 21, 22, 29)
          ? 0.5
          : -6 + 2 * count(tokens, 30),
    );
    const { run, value, position } = await wholeRun(arm, {
      model,
      references: [nothing],
      places: ["anywhere"],
      handful: (place) => carriers.at(place),
      few: (place) => carriers.at(place),
      more: (place) => carriers.at(place),
      runs: [
        [30, 31, 32],
        [21, 22, 29],
        [35, 35, 35],
      ],
      found: [],
      candidatesAt: () => async () => Int32Array.of(23, 24, 25, 31),
    });
    assert.deepEqual([run, position], [[21, 22, 23], "anywhere"]);
    assert.ok(Math.abs(value + 5.5) < 1e-5, `${value}`);
  });
});

describe("extraction: places inside texts", () => {
  it("finds the one place at which a token works, for the target that it leads to", async () => {
    const model = formulaModel((tokens) => (tokens[4] === 25 ? 5 : -4 + (tokens[0] === 26 ? 3 : 0)));
    const places = await singlePlaces({
      model,
      references: [formulaModel(() => -4)],
      carriers,
      targets: [{ target: 0, victim: null }, arm],
      places: ["anywhere", "prefix", "suffix"],
      tokens: Int32Array.of(24, 25, 26),
      count: 1,
    });
    assert.deepEqual([...places.keys()], [1]);
    assert.deepEqual([places.get(1)!.position, places.get(1)!.token], [4, 25]);
  });
});

describe("extraction: triples around an unusual token", () => {
  it("are it, its strongest neighbour and the token to which the gradient points", async () => {
    const vocabulary = 40;
    const scores = tokenScores(vocabulary, 2, 3);
    const view = tokenModel(linearModel(scores, 2), LENGTH);
    const allowed = Int32Array.from({ length: 20 }, (_, i) => 20 + i);
    const [runs] = await triplesOf({
      model: view,
      carriers,
      targets: [arm],
      firsts: Int32Array.of(24),
      neighbours: allowed,
      pairs: 4,
      allowed,
      vocabulary,
    });
    // Tokens of a linear model add up: what tells is how far each one leads from class 0 to class 1.
    const worth = (token: number): number => scores[2 * token + 1]! - scores[2 * token]!;
    const strongest = allowed.reduce((best, token) => (worth(token) > worth(best) ? token : best));
    assert.deepEqual(
      [...runs![0]!].sort((a, b) => a - b),
      [24, strongest, strongest].sort((a, b) => a - b),
    );
  });
});
