import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeFrame, FrameReader } from "../../../kernel/session/frames.js";

describe("session frames", () => {
  it("come out as they went in, however the bytes are cut", () => {
    const part = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
    const frame = fc
      .tuple(fc.string(), fc.array(part, { maxLength: 3 }))
      .map(([type, parts]) => ({ head: { type }, parts }));
    fc.assert(
      fc.property(fc.array(frame), fc.integer({ min: 1, max: 50 }), (frames, size) => {
        const bytes = Buffer.concat(frames.map(({ head, parts }) => encodeFrame(head, parts)));
        const reader = new FrameReader<{ type: string }>();
        const read = [];
        for (let at = 0; at < bytes.length; at += size)
          read.push(...reader.push(bytes.subarray(at, at + size)));
        assert.deepEqual(read, frames);
      }),
    );
  });
});
