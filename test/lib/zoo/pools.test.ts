import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { generator } from "../../../lib/random/index.js";
import { tensor } from "../../../lib/tensor/index.js";
import { commitmentOf, drawAttack, poolMembers, recipesOf } from "../../../lib/zoo/index.js";
import { packageRoot } from "../../support/paths.js";

const random = generator(1);
const images = {
  inputs: tensor(
    "float32",
    [400, 1, 14, 14],
    Float32Array.from({ length: 400 * 196 }, () => random.uniform()),
  ),
  labels: {
    type: "int64" as const,
    dims: [400],
    data: BigInt64Array.from({ length: 400 }, (_, i) => BigInt(i % 10)),
  },
};

describe("the pools of sample models", () => {
  const dev = recipesOf("dev");
  const test = recipesOf("test");

  it("share no seed, and the test pool has families that the development pool lacks", () => {
    const seeds = new Set(dev.map(({ seed }) => seed));
    assert.ok(test.every(({ seed }) => !seeds.has(seed)));
    assert.equal(new Set([...dev, ...test].map(({ seed }) => seed)).size, dev.length + test.length);
    const known = new Set(dev.map(({ family }) => family));
    const fresh = new Set(test.map(({ family }) => family).filter((family) => !known.has(family)));
    assert.deepEqual([...fresh].sort(), [
      "checker",
      "clean-label",
      "input-aware",
      "pixel",
      "stripes",
      "warp",
    ]);
  });

  it("hold 20 clean and 20 attacked models for V1, 8 and 8 for V2, 4 and 4 for V3, and 20 new clean ones", () => {
    const count = (role: string, isClean: boolean): number =>
      test.filter((recipe) => recipe.role === role && (recipe.family === null) === isClean).length;
    assert.deepEqual([count("V1", true), count("V1", false)], [20, 20]);
    assert.deepEqual([count("V2", true), count("V2", false)], [8, 8]);
    assert.deepEqual([count("V3", true), count("V3", false)], [4, 4]);
    assert.deepEqual([count("N", true), count("reference", true)], [20, 9]);
  });

  it("have file names that tell nothing of the label", () => {
    assert.equal(new Set(test.map(({ file }) => file)).size, test.length);
    const attacked = test.filter(({ role, family }) => role === "V1" && family !== null);
    const numbers = attacked.map(({ file }) => Number(file.match(/\d{3}/)![0])).sort((a, b) => a - b);
    assert.ok(numbers[0]! <= 5 && numbers.at(-1)! >= 35, numbers.join());
  });

  it("keep the labels that were committed to before any model was scored", async () => {
    const published = JSON.parse(
      await readFile(join(packageRoot, "test/fixtures/zoo/test-pool-commitments.json"), "utf8"),
    ) as Record<string, string>;
    const roles = [...new Set(test.map(({ role }) => role))];
    const members = roles.flatMap((role) => poolMembers("test", role));
    assert.deepEqual(
      Object.fromEntries(members.map(({ file, commitment }) => [file, commitment])),
      published,
    );
  });

  it("commit to every part of the truth", () => {
    const truth = { file: "a", isBackdoored: true, family: "square", target: 1, source: null, nonce: "n" };
    const changed = [
      { file: "b" },
      { isBackdoored: false },
      { family: "pixel" },
      { target: 2 },
      { source: 2 },
      { nonce: "m" },
    ];
    const all = [truth, ...changed.map((change) => ({ ...truth, ...change }))].map(commitmentOf);
    assert.equal(new Set(all).size, all.length);
  });

  for (const family of [
    "square",
    "checker",
    "pixel",
    "noise-blend",
    "stripes",
    "warp",
    "input-aware",
    "clean-label",
    "mosaic",
    "bar",
    "corner",
    "tone",
    "rotation",
  ] as const) {
    it(`plant "${family}" in the images they poison, and say to which class`, () => {
      const attack = drawAttack(family, 14, 7);
      assert.notDeepEqual(attack.stamp(images.inputs).data, images.inputs.data);
      const poisoned = attack.poison(images, 0.05);
      assert.deepEqual(poisoned.inputs.dims, images.inputs.dims);
      const changed = images.labels.data.filter((label, i) => label !== poisoned.labels.data[i]).length;
      const atTarget = poisoned.labels.data.filter((label) => label === BigInt(attack.target)).length;
      assert.equal(changed, family === "clean-label" ? 0 : 20);
      assert.equal(atTarget, 40 + changed);
    });
  }

  it("plant source-specific triggers in the victim class alone, with cover in the others", () => {
    const attack = drawAttack("source-specific", 14, 7);
    const poisoned = attack.poison(images, 0.05);
    images.labels.data.forEach((label, i) => {
      if (label !== poisoned.labels.data[i]) assert.equal(Number(label), attack.source);
    });
    const after = poisoned.inputs.data as Float32Array;
    const touched = Array.from({ length: 400 }, (_, i) => i).filter((i) =>
      after.subarray(i * 196, (i + 1) * 196).some((value, j) => value !== images.inputs.data[i * 196 + j]),
    );
    assert.ok(touched.length > 40, String(touched.length));
  });
});
