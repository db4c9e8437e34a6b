import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { newHeader } from "../../../kernel/protocol/header.js";
import type { Message } from "../../../kernel/protocol/message.js";
import { decode, encode } from "../../../kernel/protocol/wire.js";

const bytes = (frames: readonly (Uint8Array | string)[]): Buffer[] =>
  frames.map((frame) => Buffer.from(frame));

const message = (content: Message["content"], buffers: readonly Uint8Array[] = []): Message => ({
  header: newHeader("execute_request", "s"),
  parent_header: {},
  metadata: {},
  content,
  buffers,
});

describe("wire frames", () => {
  it("carry any content, identities and buffers there and back", () => {
    const buffer = fc.uint8Array().map((array) => Buffer.from(array));
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.array(buffer),
        fc.array(buffer),
        (json, buffers, ids) => {
          // What JSON itself changes (-0, __proto__) is not the subject here.
          const content = JSON.parse(JSON.stringify(json)) as Message["content"];
          const identities = ids.filter((id) => id.toString() !== "<IDS|MSG>");
          const sent = message(content, buffers);
          const { identities: back, message: received } = decode(
            bytes(encode(sent, "key", identities)),
            "key",
          );
          assert.deepEqual(received, sent);
          assert.deepEqual(back, identities);
        },
      ),
    );
  });

  it("are signed with HMAC-SHA256 over header, parent, metadata and content", () => {
    const frames = bytes(encode(message({ code: "1" }), "secret"));
    const expected = createHmac("sha256", "secret")
      .update(Buffer.concat(frames.slice(2, 6)))
      .digest("hex");
    assert.equal(frames[1]!.toString(), expected);
  });

  it("are not signed when the connection has no key", () => {
    const frames = bytes(encode(message({}), ""));
    assert.equal(frames[1]!.length, 0);
    decode(frames, "");
  });

  it("of a message that was changed anywhere are refused", () => {
    const frames = bytes(encode(message({ code: "1 + 1" }), "key", ["id"]));
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 6 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (part, at, change) => {
          const changed = frames.map((frame) => Buffer.from(frame));
          const target = changed[part]!;
          if (target.length === 0) return;
          target[at % target.length]! ^= change;
          assert.throws(() => decode(changed, "key"), { code: "INVALID_MESSAGE" });
        },
      ),
    );
  });

  it("of any other shape are refused without a crash", () => {
    const frame = fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      fc
        .constantFrom("<IDS|MSG>", "", "{}", "[]", "null", '{"msg_id":1}', "[".repeat(100_000))
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), (frames) => {
        try {
          decode(frames, "");
        } catch (error) {
          assert.equal((error as { code: string }).code, "INVALID_MESSAGE");
        }
      }),
    );
    assert.throws(() => decode(Array<Buffer>(10_000).fill(Buffer.from("x")), ""), {
      code: "INVALID_MESSAGE",
    });
  });
});
