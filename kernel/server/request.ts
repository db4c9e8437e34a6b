/** A request as the handlers see it, and what they answer. */
import type { Message } from "../protocol/message.js";
import type { InboundChannel } from "./sockets.js";

/** One message from a client, with the way back to it. */
export interface Request {
  readonly channel: InboundChannel;
  readonly identities: readonly Uint8Array[];
  readonly message: Message;
}

/** Content of a reply. `status` is part of every one. */
export type Reply = Readonly<Record<string, unknown>> & { readonly status: string };

/** The reply that tells a client that its request failed, and why. */
export function errorReply(error: unknown): Reply {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { status: "error", ename: name, evalue: message, traceback: [`${name}: ${message}`] };
}
