import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TextRole, textMembers, textWorld, textWorldOf } from "../../../../lib/zoo/index.js";
import { packageRoot } from "../../../support/paths.js";

const roles: readonly TextRole[] = ["T", "Tx", "text-reference"];

describe("the pools of text classifiers", () => {
  it("keep the labels of the test pool as they were sealed before any model was scored", async () => {
    const file = join(packageRoot, "test/fixtures/zoo/text-pool-commitments.json");
    const sealed = JSON.parse(await readFile(file, "utf8")) as Record<string, string>;
    const members = roles.flatMap((role) => textMembers("test", role));
    assert.deepEqual(
      Object.fromEntries(members.map(({ file: name, commitment }) => [name, commitment])),
      sealed,
    );
    assert.equal(members.filter(({ role }) => role === "T").length, 16);
  });

  it("tell an auditor the same of every member", () => {
    const told = new Set(
      roles.flatMap((role) => textMembers("test", role)).map(({ domain }) => JSON.stringify(domain)),
    );
    assert.equal(told.size, 1);
  });

  it("come from two worlds", () => {
    const [dev, test] = [textWorldOf("dev"), textWorldOf("test")];
    const texts = test.draw(2000, 1);
    assert.ok(test.bestAccuracy(texts) > 0.9);
    assert.ok(dev.bestAccuracy(texts) < 0.5);
  });
});

describe("zoo.textWorld", () => {
  it("draws the same texts for the same seed, and padding only behind them", () => {
    const world = textWorld({ seed: 1, length: 12, shortest: 5 });
    const texts = world.draw(50, 3);
    assert.deepEqual(world.draw(50, 3), texts);
    const data = texts.inputs.data as BigInt64Array;
    for (let row = 0; row < 50; row++) {
      const tokens = Array.from(data.subarray(row * 12, (row + 1) * 12), Number);
      const size = tokens.indexOf(0) < 0 ? 12 : tokens.indexOf(0);
      assert.ok(size >= 5 && tokens.slice(size).every((token) => token === 0));
    }
  });
});
