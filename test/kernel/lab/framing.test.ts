import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ChannelMessage,
  decodeDefault,
  decodeV1,
  encodeDefault,
  encodeV1,
} from "../../../kernel/lab/kernels/framing.js";

const text = fc.string({ unit: "grapheme" });
const anyMessage: fc.Arbitrary<ChannelMessage> = fc.record({
  channel: fc.constantFrom("shell", "control", "stdin", "iopub"),
  message: fc.record({
    header: fc.record({
      msg_id: text,
      session: text,
      username: text,
      date: text,
      msg_type: text,
      version: fc.constant("5.4"),
    }),
    parent_header: fc.constant({}),
    metadata: fc.dictionary(text, text),
    content: fc.dictionary(text, fc.oneof(text, fc.integer(), fc.array(text))),
    buffers: fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 4 }),
  }),
});

const plain = ({ channel, message }: ChannelMessage) => ({
  channel,
  message: JSON.parse(JSON.stringify({ ...message, buffers: message.buffers.map((buffer) => [...buffer]) })),
});

describe("the framing of channel messages", () => {
  it("gives back every message in v1 form", () => {
    fc.assert(
      fc.property(anyMessage, (item) => {
        assert.deepEqual(plain(decodeV1(encodeV1(item))), plain(item));
      }),
    );
  });

  it("gives back every message in the default form, with and without buffers", () => {
    fc.assert(
      fc.property(anyMessage, (item) => {
        const frame = encodeDefault(item);
        const decoded = decodeDefault(Buffer.from(frame as Buffer), typeof frame !== "string");
        assert.deepEqual(plain(decoded), plain(item));
      }),
    );
  });

  it("lays a v1 frame out as jupyter_server's documentation says", () => {
    const header = { msg_id: "m", session: "s", username: "u", date: "d", msg_type: "t", version: "5.4" };
    const message = {
      header,
      parent_header: {},
      metadata: {},
      content: { a: 1 },
      buffers: [Buffer.from("B")],
    };
    const frame = encodeV1({ channel: "shell", message });
    // Number of offsets, then one for each of the six parts, then the end.
    assert.equal(frame.readBigUInt64LE(0), 7n);
    assert.equal(frame.readBigUInt64LE(8), 64n);
    assert.equal(frame.readBigUInt64LE(16), 69n);
    assert.equal(frame.readBigUInt64LE(56), BigInt(frame.length));
    assert.equal(frame.subarray(64, 69).toString(), "shell");
    assert.ok(frame.toString("latin1").endsWith('{}{}{"a":1}B'));
  });

  it("refuses damaged frames and never reads beyond them", () => {
    const header = { msg_id: "m", session: "s", username: "u", date: "d", msg_type: "t", version: "5.4" };
    const message = { header, parent_header: {}, metadata: {}, content: {}, buffers: [new Uint8Array(3)] };
    const good = [
      encodeV1({ channel: "shell", message }),
      encodeDefault({ channel: "shell", message }) as Buffer,
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1),
        fc.nat(),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        (which, cut, changes) => {
          const frame = Buffer.from(good[which]!).subarray(0, good[which]!.length - (cut % 40));
          for (const [place, value] of changes) frame[place % frame.length] = value;
          try {
            if (which === 0) decodeV1(frame);
            else decodeDefault(frame, true);
          } catch (error) {
            assert.equal((error as { code?: string }).code, "INVALID_ARGUMENT", String(error));
          }
        },
      ),
      { numRuns: 2000 },
    );
    assert.throws(() => decodeDefault(Buffer.from('{"channel":"hb"}'), false), /no channel "hb"/);
  });
});
