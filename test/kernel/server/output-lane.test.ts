import assert from "node:assert/strict";
import fc from "fast-check";
import { OutputLane } from "../../../kernel/server/output-lane.js";
import type { SessionEvent } from "../../../kernel/session/events.js";

const mark = Buffer.from("0123456789abcdef");
const event = (run: number): SessionEvent => ({ type: "publish", run, message: "display_data" });

function lane() {
  const seen: string[] = [];
  const output = new OutputLane(mark, {
    text: (name, text) => seen.push(`${name} ${text}`),
    event: ({ head }) => seen.push(head.type === "done" ? "done" : `event ${"run" in head ? head.run : ""}`),
  });
  return { seen, output };
}

describe("output lane", () => {
  it("keeps displays between the text before and after them, whichever pipe is read first", () => {
    const { seen, output } = lane();
    output.event({ head: event(1), parts: [] });
    output.stdout(Buffer.concat([Buffer.from("a"), mark, Buffer.from("b"), mark]));
    assert.deepEqual(seen, ["stdout a", "event 1", "stdout b"]);
    output.event({ head: event(2), parts: [] });
    assert.deepEqual(seen.slice(3), ["event 2"]);
  });

  it("ends a cell only when its standard error has arrived too", () => {
    const { seen, output } = lane();
    output.event({ head: { type: "done", run: 1, expressions: {}, declared: [] }, parts: [] });
    output.stdout(mark);
    assert.deepEqual(seen, []);
    output.stderr(Buffer.concat([Buffer.from("late"), mark]));
    assert.deepEqual(seen, ["stderr late", "done"]);
  });

  it("loses nothing and invents nothing, however text with letters of the mark is cut", () => {
    const piece = fc.oneof(
      fc.constant("MARK"),
      fc.string({ unit: fc.constantFrom("0", "1", "2", "é", "😀") }),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.integer({ min: 1, max: 7 }), (pieces, size) => {
        const { seen, output } = lane();
        const bytes = Buffer.concat(pieces.map((text) => (text === "MARK" ? mark : Buffer.from(text))));
        for (const [index, text] of pieces.entries()) {
          if (text === "MARK") output.event({ head: event(index), parts: [] });
        }
        for (let at = 0; at < bytes.length; at += size) output.stdout(bytes.subarray(at, at + size));
        output.end();
        const expected = pieces.map((text, index) => (text === "MARK" ? `event ${index};` : text)).join("");
        const actual = seen.map((text) => (text.startsWith("event") ? `${text};` : text.slice(7))).join("");
        assert.equal(actual, expected);
      }),
    );
  });

  it("hands out what is left when the session is gone", () => {
    const { seen, output } = lane();
    output.event({ head: event(1), parts: [] });
    output.stdout(Buffer.from("end"));
    output.end();
    assert.deepEqual(seen, ["stdout end", "event 1"]);
  });
});
