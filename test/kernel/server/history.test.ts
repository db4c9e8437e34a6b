import assert from "node:assert/strict";
import fc from "fast-check";
import { parseRequest } from "../../../kernel/protocol/content.js";
import { History, matchesGlob } from "../../../kernel/server/history.js";

const ask = (request: Record<string, unknown>) => parseRequest("history_request", request);

describe("history", () => {
  const history = new History();
  for (const [index, input] of ["1 + 1", "let a = 2", "1 + 1", "a * 3"].entries())
    history.add(index + 1, input);

  it("gives the last n cells, oldest first", () => {
    assert.deepEqual(history.query(ask({ hist_access_type: "tail", n: 2 })), [
      [1, 3, "1 + 1"],
      [1, 4, "a * 3"],
    ]);
  });

  it("gives a range without its end", () => {
    const range = { hist_access_type: "range", session: 0, start: 2, stop: 4, output: true };
    assert.deepEqual(history.query(ask(range)), [
      [1, 2, ["let a = 2", null]],
      [1, 3, ["1 + 1", null]],
    ]);
  });

  it("finds by pattern, each text once if asked", () => {
    const search = { hist_access_type: "search", pattern: "1*" };
    assert.equal(history.query(ask(search)).length, 2);
    assert.deepEqual(history.query(ask({ ...search, unique: true })), [[1, 3, "1 + 1"]]);
    assert.deepEqual(history.query(ask({ ...search, n: 1 })), [[1, 3, "1 + 1"]]);
  });

  it("matches patterns as the equivalent regular expression does", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 8 });
    const patterns = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 6 });
    fc.assert(
      fc.property(patterns, letters, (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll("*", "[^]*").replaceAll("?", "[^]")}$`);
        return matchesGlob(pattern, text) === expression.test(text);
      }),
    );
  });

  it("matches a hostile pattern in reasonable time", () => {
    assert.equal(matchesGlob(`${"*a".repeat(2000)}b`, "a".repeat(20_000)), false);
  });
});
