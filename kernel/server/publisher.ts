/** Publishes on iopub. Stream text is gathered for a moment, so that 20,000 prints are not 20,000 messages. */
import { newHeader } from "../protocol/header.js";
import type { Header, Message } from "../protocol/message.js";
import { encode } from "../protocol/wire.js";
import type { Sockets } from "./sockets.js";

/** Header of the request that caused a message, or nothing for messages of the kernel's own. */
export type Parent = Message["parent_header"];

const GATHER_MS = 20;
const GATHER_CHARACTERS = 512 * 1024;

interface PendingStream {
  readonly name: "stdout" | "stderr";
  readonly parent: Parent;
  text: string;
}

/** The one writer of the iopub channel; what it is given goes out in that order. */
export class Publisher {
  readonly #sockets: Sockets;
  readonly #session: string;
  #stream: PendingStream | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param session The kernel's session id, which every header of its messages carries. */
  constructor(sockets: Sockets, session: string) {
    this.#sockets = sockets;
    this.#session = session;
  }

  /** Publishes one message; content that is already JSON bytes is sent as it stands. */
  publish(
    type: string,
    content: Message["content"] | Uint8Array,
    parent: Parent,
    rest: { readonly metadata?: Message["metadata"]; readonly buffers?: readonly Uint8Array[] } = {},
  ): void {
    this.flush();
    this.#send(newHeader(type, this.#session), content, parent, rest.metadata ?? {}, rest.buffers ?? []);
  }

  status(state: "busy" | "idle" | "starting", parent: Parent): void {
    this.publish("status", { execution_state: state }, parent);
  }

  /** Adds text to the current stream message; it goes out soon, and before anything else is published. */
  stream(name: "stdout" | "stderr", text: string, parent: Parent): void {
    if (text === "") return;
    if (this.#stream && (this.#stream.name !== name || this.#stream.parent !== parent)) this.flush();
    if (this.#stream) this.#stream.text += text;
    else {
      this.#stream = { name, parent, text };
      this.#timer = setTimeout(() => this.flush(), GATHER_MS);
    }
    if (this.#stream.text.length > GATHER_CHARACTERS) this.flush();
  }

  /** Sends the stream text gathered so far. */
  flush(): void {
    if (!this.#stream) return;
    clearTimeout(this.#timer);
    const { name, text, parent } = this.#stream;
    this.#stream = undefined;
    this.#send(newHeader("stream", this.#session), { name, text }, parent, {}, []);
  }

  /** Answers a new subscriber (JEP 65): its own topic comes first, or it would not receive it. */
  welcome(topic: Buffer): void {
    const message = {
      header: newHeader("iopub_welcome", this.#session),
      parent_header: {},
      metadata: {},
      content: { subscription: topic.toString("utf8") },
      buffers: [],
    };
    this.#sockets.publish(encode(message, this.#sockets.connection.key, [topic]));
  }

  #send(
    header: Header,
    content: Message["content"] | Uint8Array,
    parent: Parent,
    metadata: Message["metadata"],
    buffers: readonly Uint8Array[],
  ): void {
    const topic = `kernel.${this.#session}.${header.msg_type}`;
    const message = { header, parent_header: parent, metadata, content, buffers };
    this.#sockets.publish(encode(message, this.#sockets.connection.key, [topic]));
  }
}
