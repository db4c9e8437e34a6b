/** Messages as ZeroMQ frames: identities, delimiter, signature, four JSON parts, buffers. */
import { AssayError } from "../../lib/errors.js";
import type { Header, Message } from "./message.js";
import { sign, verify } from "./signature.js";

const DELIMITER = Buffer.from("<IDS|MSG>");
const EMPTY_OBJECT = Buffer.from("{}");

/** No identity list, header or buffer list of a sane client comes near this. */
const MAX_FRAMES = 4096;

/** A received message and the ZeroMQ identities that lead back to its sender. */
export interface Received {
  readonly identities: readonly Uint8Array[];
  readonly message: Message;
}

/** What `encode` needs; `content` may be JSON that was made elsewhere and is sent as it stands. */
export interface Outgoing extends Omit<Message, "content"> {
  readonly content: Message["content"] | Uint8Array;
}

/** The frames of a message, signed. `identities` come first: a client's address, or an iopub topic. */
export function encode(
  message: Outgoing,
  key: string,
  identities: readonly (Uint8Array | string)[] = [],
): (Uint8Array | string)[] {
  const parts = [message.header, message.parent_header, message.metadata, message.content].map((part) =>
    part instanceof Uint8Array ? part : Buffer.from(JSON.stringify(part)),
  );
  return [...identities, DELIMITER, sign(key, parts), ...parts, ...message.buffers];
}

/**
 * Reads a message from its frames.
 *
 * @throws AssayError INVALID_MESSAGE if the delimiter is missing, the signature is wrong, or a part is not
 * the JSON that a Jupyter message has there. The signature is checked before anything is parsed.
 */
export function decode(frames: readonly Uint8Array[], key: string): Received {
  if (frames.length > MAX_FRAMES)
    throw malformed(`it has ${frames.length} frames, at most ${MAX_FRAMES} fit`);
  const at = frames.findIndex((frame) => DELIMITER.equals(frame));
  if (at < 0) throw malformed("it has no <IDS|MSG> delimiter");
  const [signature, ...rest] = frames.slice(at + 1);
  const parts = rest.slice(0, 4);
  if (!signature || parts.length < 4) throw malformed("it has fewer than six frames");
  if (!verify(key, signature, parts)) throw malformed("its signature is not made with this kernel's key");
  const [header, parent, metadata, content] = parts.map(parseObject);
  return {
    identities: frames.slice(0, at),
    message: {
      header: parseHeader(header!),
      parent_header: Object.keys(parent!).length === 0 ? {} : parseHeader(parent!),
      metadata: metadata!,
      content: content!,
      buffers: rest.slice(4),
    },
  };
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  if (EMPTY_OBJECT.equals(bytes)) return {};
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch (error) {
    throw malformed("one of its parts is not JSON", error);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed("one of its parts is not a JSON object");
  }
  return value as Record<string, unknown>;
}

function parseHeader(value: Record<string, unknown>): Header {
  const { msg_id, msg_type, session, username, date, version } = value;
  if (typeof msg_id !== "string" || typeof msg_type !== "string") {
    throw malformed("its header lacks msg_id or msg_type");
  }
  // Older clients leave some of these out; replies echo the header, so what is there stays.
  return {
    ...value,
    msg_id,
    msg_type,
    session: typeof session === "string" ? session : "",
    username: typeof username === "string" ? username : "",
    date: typeof date === "string" ? date : "",
    version: typeof version === "string" ? version : "5.0",
  };
}

function malformed(why: string, cause?: unknown): AssayError {
  return new AssayError("INVALID_MESSAGE", `A message was dropped: ${why}.`, {}, { cause });
}
