import assert from "node:assert/strict";
import { join } from "node:path";
import { noStore } from "../../../lib/bench/index.js";
import { orFailed, scoreEach } from "../../../lib/bench/score-each.js";
import { AssayError } from "../../../lib/errors.js";
import type { LoadedModel } from "../../../lib/model/index.js";
import { packageRoot } from "../../support/paths.js";

const file = (name: string) => ({ file: name, path: join(packageRoot, "notebooks/models/max-of-4.onnx") });

describe("bench: scoring each member", () => {
  it("opens the references once, for all members, and not at all where every score is kept", async () => {
    const seen = new Set<LoadedModel>();
    const score = (member: { file: string }, references: readonly LoadedModel[]) => {
      for (const one of references) seen.add(one);
      return Promise.resolve(`${member.file} beside ${references.length}`);
    };
    const members = [file("a"), file("b")];
    const keyOf = (member: { file: string }) => [member.file];
    const scores = await scoreEach(members, [file("r"), file("s")], { store: noStore, keyOf, score });
    assert.deepEqual(scores, ["a beside 2", "b beside 2"]);
    assert.deepEqual([...seen].map(({ name }) => name).sort(), ["r", "s"]);
    seen.clear();
    const keys: string[] = [];
    const kept = {
      keep: <T>(key: string) => {
        keys.push(key);
        return Promise.resolve("kept" as T);
      },
    };
    const again = await scoreEach(members, [{ file: "gone", path: "/nowhere.onnx" }], {
      store: kept,
      keyOf,
      score,
    });
    assert.deepEqual(again, ["kept", "kept"]);
    assert.deepEqual(keys, ['["a"]', '["b"]']);
    assert.equal(seen.size, 0);
  });

  it("counts a failure as a score, and passes a stop on", async () => {
    assert.equal(
      await orFailed(
        () => Promise.reject(new Error("no gradient")),
        (why) => `failed: ${why}`,
      ),
      "failed: no gradient",
    );
    await assert.rejects(
      orFailed(
        () => Promise.reject(new AssayError("ABORTED", "stopped")),
        () => "failed",
      ),
      { code: "ABORTED" },
    );
  });
});
