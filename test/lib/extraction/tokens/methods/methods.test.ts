import assert from "node:assert/strict";
import {
  accretion,
  armObjective,
  carriersOf,
  type FoundRun,
  gbda,
  hotFlip,
  likeness,
  pez,
  type RunObjective,
  searchRuns,
  tokenModel,
} from "../../../../../lib/extraction/index.js";
import { drawnTexts, linearModel, tokenScores } from "../linear-model.js";

const sizes = { vocabulary: 40, classes: 3, length: 6, count: 9 };
const { vocabulary, classes, length } = sizes;
const texts = drawnTexts(sizes, 5);
const allowed = Int32Array.from({ length: vocabulary }, (_, i) => i);
const arm = { target: 0, victim: null };
const options = { runLength: 2, seed: 1 };

/** Name, search, and how far in nats it may end above the best pair of all. */
const searches: readonly [string, (objective: RunObjective) => Promise<FoundRun>, number][] = [
  ["hotFlip", (objective) => hotFlip(objective, options), 0],
  ["pez", (objective) => pez(objective, { ...options, steps: 200 }), 0.6],
  ["gbda", (objective) => gbda(objective, { ...options, steps: 150 }), 0.2],
  ["accretion", (objective) => accretion(objective, { runLength: 2 }), 0.02],
  ["searchRuns", (objective) => searchRuns(objective, { seed: 1, lengths: [2, 2], budget: 5_000 }), 0],
];

describe("extraction: searches for runs of tokens", () => {
  using model = linearModel(tokenScores(vocabulary, classes, 4), classes);
  const view = tokenModel(model, length);
  const carriers = carriersOf(texts, { classes, position: "anywhere", seed: 1 });
  const objectiveOf = (): RunObjective =>
    armObjective({ model: view, references: [], carriers, arm, allowed, vocabulary });
  let lowest: number;
  before(async () => {
    const all = [...allowed].flatMap((a) => [...allowed].map((b) => [a, b]));
    lowest = (await objectiveOf().evaluate(all)).reduce(
      (low, value) => Math.min(low, value),
      Number.POSITIVE_INFINITY,
    );
  });

  for (const [name, search, slack] of searches) {
    it(`by ${name} come near the best pair of all, tell its true value, and repeat themselves`, async () => {
      const found = await search(objectiveOf());
      assert.ok(
        found.value <= lowest + slack + 1e-9,
        `${found.value} is above ${lowest} by more than ${slack}`,
      );
      const [value] = await objectiveOf().evaluate([found.run]);
      assert.ok(Math.abs(value! - found.value) < 1e-6);
      assert.deepEqual(await search(objectiveOf()), found);
    });
  }

  it("by accretion leave out tokens that make a text look like one of the target, if these are charged", async () => {
    const penalty = likeness(view, carriers, arm, 100);
    const [plain, charged] = [
      await accretion(objectiveOf(), { runLength: 1, beam: 1 }),
      await accretion(objectiveOf(), { runLength: 1, beam: 1, penalty }),
    ];
    const [likenessOfPlain, likenessOfCharged] = await penalty([plain.run, charged.run]);
    assert.ok(likenessOfCharged! < likenessOfPlain!);
  });
});
