import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  learnVocabulary,
  readTokenizer,
  specialTokens,
  tokensOf,
  wordTokenizer,
} from "../../../lib/data/index.js";
import { tensor } from "../../../lib/tensor/index.js";

const words = wordTokenizer({ vocabulary: [...specialTokens, "free", "offer", "don't"], length: 6 });

describe("data.wordTokenizer", () => {
  it("turns words, marks, numbers, money, links and addresses into one token each", () => {
    assert.deepEqual(
      tokensOf("FREE offer! Don’t pay $1,000.50 by 12/31, see http://a.example/x?y or mail a.b@c.example"),
      [..."free offer ! don't pay <money> by <number> see <link> or mail <address>".split(" ")],
    );
  });

  it("fills short texts with padding, cuts long ones, and says unknown of words that it does not hold", () => {
    const { dims, data } = words.encode(["Free offer!", "a free 3 free free free free", ""]);
    assert.deepEqual(dims, [3, 6]);
    assert.deepEqual([...data.subarray(0, 6)], [8n, 9n, 6n, 0n, 0n, 0n]);
    assert.deepEqual([...data.subarray(6, 12)], [1n, 8n, 2n, 8n, 8n, 8n]);
    assert.deepEqual([...data.subarray(12)], [0n, 0n, 0n, 0n, 0n, 0n]);
  });

  it("gives the same ids again for the text that it decodes them to, whatever the text was", () => {
    const text = fc.array(fc.constantFrom("free", "Offer", "don't", "other", "!", "7", "$9", "\n", "x@y.z"));
    fc.assert(
      fc.property(text, (parts) => {
        const ids = words.encode([parts.join(" ")]);
        const named = words.decode(ids)[0]!;
        // Names of special tokens are not text; they stand for something that is.
        const again = named
          .replaceAll("<unknown>", "other")
          .replaceAll("<number>", "7")
          .replaceAll("<money>", "$9")
          .replaceAll("<address>", "x@y.z");
        assert.deepEqual(words.encode([again]), ids);
      }),
    );
  });

  it("shows ids that are no tokens as what they are", () => {
    assert.deepEqual(words.decode(tensor("int64", [1, 3], BigInt64Array.of(8n, 99n, 0n))), ["free <99?>"]);
  });

  it("refuses a vocabulary without the special tokens, with repeats, and words that it does not hold", () => {
    assert.throws(() => wordTokenizer({ vocabulary: ["free"], length: 3 }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => wordTokenizer({ vocabulary: [...specialTokens, "a", "a"], length: 3 }), {
      code: "INVALID_ARGUMENT",
      message: /10 tokens, 9 of them different/,
    });
    assert.throws(() => words.idOf("summer"), { code: "INVALID_ARGUMENT", message: /"summer"/ });
  });
});

describe("data.learnVocabulary", () => {
  const texts = Array.from({ length: 30 }, (_, i) =>
    i < 25 ? "the offer came from Alice, alice said" : "The offer from nobody",
  );

  it("keeps words by the number of texts, and leaves out rare ones, named ones and those mostly capitalised", () => {
    const learn = (without: string[]): string[] =>
      learnVocabulary([...texts, ...new Array(6).fill("Alice")], {
        size: 100,
        minimumTexts: 20,
        without,
      }).slice(specialTokens.length);
    // "alice" is written small in 25 texts but with a capital in 31; "nobody" is in 5 only.
    assert.deepEqual(learn([]), ["from", "offer", "came", "said", "the"]);
    assert.deepEqual(learn(["said"]), ["from", "offer", "came", "the"]);
  });
});

describe("data.readTokenizer", () => {
  it("reads what it can use and says what is wrong with the rest", async () => {
    const folder = await mkdtemp(join(tmpdir(), "assay-tokenizer-"));
    try {
      const path = join(folder, "t.json");
      await writeFile(
        path,
        JSON.stringify({ kind: "tokenizer", type: "words", length: 2, vocabulary: [...specialTokens, "a"] }),
      );
      assert.deepEqual([...(await readTokenizer(path)).encode(["a"]).data], [8n, 0n]);
      for (const [text, message] of [
        ["{", /is not a tokenizer/],
        ["{}", /expected/],
        ['{ "kind": "tokenizer", "type": "words", "vocabulary": ["a"] }', /begins with <padding>/],
      ] as const) {
        await writeFile(path, text);
        await assert.rejects(readTokenizer(path), { code: "INVALID_FILE", message });
      }
      await assert.rejects(readTokenizer(join(folder, "none.json")), { code: "FILE_NOT_FOUND" });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
