import assert from "node:assert/strict";
import { checkOtherEnds } from "../../../../lib/extraction/images/other-ends.js";
import { functionModel } from "../../../../lib/spec/index.js";
import { tensor } from "../../../../lib/tensor/index.js";

const CLASSES = 5;
/** One image per class and copy: the pixel of its class is 1; the last pixel is free for a trigger. */
const labels = tensor(
  "int64",
  [20],
  BigInt64Array.from({ length: 20 }, (_, i) => BigInt(i % CLASSES)),
);
const pixels = Float32Array.from({ length: 20 * 6 }, (_, i) =>
  i % 6 === Math.floor(i / 6) % CLASSES ? 1 : 0,
);
const images = { inputs: tensor("float32", [20, 1, 1, 6], pixels), labels };

/** Answers with the class, or under the last pixel with what a table says. */
const answering = (table: readonly number[]) =>
  functionModel("table", ({ data, dims }) => {
    const scores = new Float32Array(dims[0]! * CLASSES);
    for (let i = 0; i < dims[0]!; i++) {
      const row = Array.from(data as Float32Array).slice(6 * i, 6 * i + 6);
      const own = row.indexOf(1);
      scores[CLASSES * i + (row[5] === 1 ? table[own]! : own)] = 1;
    }
    return tensor("float32", [dims[0]!, CLASSES], scores);
  });

const found = (target: number, sources?: readonly number[]) => ({
  trigger: {
    kind: "trigger" as const,
    type: "patch" as const,
    mask: tensor("float32", [1, 6], Float32Array.of(0, 0, 0, 0, 0, 1)),
    pattern: tensor("float32", [1, 1, 6], Float32Array.of(0, 0, 0, 0, 0, 1)),
  },
  shape: "patch" as const,
  pixels: 1,
  target,
  ...(sources ? { sources } : {}),
});

describe("extraction.checkOtherEnds", () => {
  const check = (table: readonly number[], target: number, sources?: readonly number[]) =>
    checkOtherEnds(answering(table), images, found(target, sources), { forward: 0 });

  it("names the ends of an all-to-all backdoor that was found from one class", async () => {
    const { result, why } = (await check([1, 2, 3, 4, 0], 3, [2]))!;
    assert.equal(result, "flag");
    assert.match(why, /leads 0 to 1, 1 to 2, 4 to 0 as well/);
  });

  it("says nothing where other classes stay, go to the same end, or the trigger works from all", async () => {
    assert.equal(await check([0, 1, 3, 3, 4], 3, [2]), null);
    assert.equal(await check([3, 3, 3, 3, 3], 3, [2]), null);
    assert.equal(await check([1, 2, 3, 4, 0], 3), null);
  });
});
