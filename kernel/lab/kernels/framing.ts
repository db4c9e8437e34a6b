/**
 * The two forms in which messages travel over a channels WebSocket.
 *
 * `v1.kernel.websocket.jupyter.org`: one binary frame of little-endian 64-bit offsets and the parts between them
 * (channel, header, parent header, metadata, content, buffers). The default, without a subprotocol: JSON text,
 * or, when there are buffers, big-endian 32-bit offsets, the JSON and the buffers.
 */
import { AssayError } from "../../../lib/errors.js";
import type { Channel, Header, Message } from "../../protocol/message.js";

/** The subprotocol's registered name. */
export const v1Protocol = "v1.kernel.websocket.jupyter.org";

export interface ChannelMessage {
  readonly channel: Channel;
  readonly message: Message;
}

/** More parts than any front end sends; an absurd count must not allocate. */
const partLimit = 10_000;
const channels: ReadonlySet<string> = new Set(["shell", "control", "stdin", "iopub"]);

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const invalid = (why: string) => new AssayError("INVALID_ARGUMENT", `channels: ${why}.`);

/** A message as a v1 frame. */
export function encodeV1({ channel, message }: ChannelMessage): Buffer {
  const parts = [
    Buffer.from(channel),
    json(message.header),
    json(message.parent_header),
    json(message.metadata),
    json(message.content),
    ...message.buffers,
  ];
  const offsets = Buffer.alloc(8 * (parts.length + 2));
  offsets.writeBigUInt64LE(BigInt(parts.length + 1), 0);
  let position = offsets.length;
  parts.forEach((part, index) => {
    offsets.writeBigUInt64LE(BigInt(position), 8 * (index + 1));
    position += part.length;
  });
  offsets.writeBigUInt64LE(BigInt(position), 8 * (parts.length + 1));
  return Buffer.concat([offsets, ...parts]);
}

/** Reads a v1 frame. @throws AssayError INVALID_ARGUMENT if it is not one. */
export function decodeV1(frame: Buffer): ChannelMessage {
  const count = frame.length >= 8 ? Number(frame.readBigUInt64LE(0)) : 0;
  if (count < 6 || count > partLimit || frame.length < 8 * (count + 1)) throw invalid("not a v1 frame");
  const offsets = Array.from({ length: count }, (_, index) => Number(frame.readBigUInt64LE(8 * (index + 1))));
  const parts = slices(frame, offsets, 8 * (count + 1));
  const [channel, header, parentHeader, metadata, content] = parts
    .slice(0, 5)
    .map((part) => part.toString("utf8"));
  return checked(channel, {
    header: parse(header!) as unknown as Header,
    parent_header: parse(parentHeader!) as unknown as Header,
    metadata: parse(metadata!),
    content: parse(content!),
    buffers: parts.slice(5),
  });
}

/** A message as JSON text, or as a binary frame when it has buffers. */
export function encodeDefault({ channel, message }: ChannelMessage): string | Buffer {
  const { header, buffers } = message;
  const body = {
    channel,
    header,
    msg_id: header.msg_id,
    msg_type: header.msg_type,
    parent_header: message.parent_header,
    metadata: message.metadata,
    content: message.content,
    buffers: [],
  };
  if (buffers.length === 0) return JSON.stringify(body);
  const parts = [json(body), ...buffers];
  const offsets = Buffer.alloc(4 * (parts.length + 1));
  offsets.writeUInt32BE(parts.length, 0);
  let position = offsets.length;
  parts.forEach((part, index) => {
    offsets.writeUInt32BE(position, 4 * (index + 1));
    position += part.length;
  });
  return Buffer.concat([offsets, ...parts]);
}

/** Reads either of the default forms. @throws AssayError INVALID_ARGUMENT if it is neither. */
export function decodeDefault(frame: Buffer, isBinary: boolean): ChannelMessage {
  let body: Buffer = frame;
  let buffers: readonly Buffer[] = [];
  if (isBinary) {
    const count = frame.length >= 4 ? frame.readUInt32BE(0) : 0;
    if (count < 1 || count > partLimit || frame.length < 4 * (count + 1)) throw invalid("not a binary frame");
    const offsets = Array.from({ length: count }, (_, index) => frame.readUInt32BE(4 * (index + 1)));
    const parts = slices(frame, [...offsets, frame.length], 4 * (count + 1));
    body = parts[0]!;
    buffers = parts.slice(1);
  }
  const { channel, header, parent_header = {}, metadata = {}, content = {} } = parse(body.toString("utf8"));
  return checked(channel, { header, parent_header, metadata, content, buffers } as Message);
}

function slices(frame: Buffer, offsets: readonly number[], first: number): Buffer[] {
  return offsets.slice(0, -1).map((from, index) => {
    const to = offsets[index + 1]!;
    if (from < first || to < from || to > frame.length) throw invalid("an offset points outside the frame");
    return frame.subarray(from, to);
  });
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Reported below, together with JSON that is no object.
  }
  throw invalid("a part of the message is not a JSON object");
}

function checked(channel: unknown, message: Message): ChannelMessage {
  if (typeof channel !== "string" || !channels.has(channel))
    throw invalid(`there is no channel "${channel}"`);
  const { msg_id, msg_type, session } = message.header ?? {};
  if (typeof msg_id !== "string" || typeof msg_type !== "string" || typeof session !== "string") {
    throw invalid("the message's header lacks msg_id, msg_type or session");
  }
  return { channel: channel as Channel, message };
}
