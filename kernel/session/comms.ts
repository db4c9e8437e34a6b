/** Comms: named two-way connections between a cell and the front end, as widgets use them. */
import { randomUUID } from "node:crypto";
import type { PublishedType } from "./events.js";

type Data = Readonly<Record<string, unknown>>;

/** What the other side sent. */
export interface CommMessage {
  readonly data: Data;
  readonly metadata: Data;
  readonly buffers: readonly Uint8Array[];
}

export interface CommOptions {
  readonly metadata?: Data;
  readonly buffers?: readonly Uint8Array[];
}

/** One open connection. */
export interface Comm {
  readonly id: string;
  readonly target: string;
  send(data?: Data, options?: CommOptions): void;
  /** Called for every message of the front end; replaces an earlier listener. */
  onMessage(listener: (message: CommMessage) => void): void;
  /** Called once when the front end closes the comm. */
  onClose(listener: (message: CommMessage) => void): void;
  close(data?: Data): void;
}

/** Called when the front end opens a comm. */
export type CommOpened = (comm: Comm, data: Data, message: CommMessage) => void;

/** How cells open comms and accept those of the front end. */
export interface Comms {
  open(target: string, data?: Data, options?: CommOptions): Comm;
  registerTarget(target: string, opened: CommOpened): void;
}

/** Sends one comm message; the content is made here, the rest of the message by the session. */
export type SendComm = (
  type: Extract<PublishedType, `comm_${string}`>,
  content: { readonly comm_id: string; readonly target_name?: string; readonly data: Data },
  options: CommOptions,
) => void;

/** All comms of a session. */
export class CommTable implements Comms {
  readonly #send: SendComm;
  readonly #targets = new Map<string, CommOpened>();
  readonly #open = new Map<string, OpenComm>();

  constructor(send: SendComm) {
    this.#send = send;
  }

  open(target: string, data: Data = {}, options: CommOptions = {}): Comm {
    const comm = this.#create(randomUUID(), target);
    this.#send("comm_open", { comm_id: comm.id, target_name: target, data }, options);
    return comm;
  }

  registerTarget(target: string, opened: CommOpened): void {
    this.#targets.set(target, opened);
  }

  /** Takes a message of the front end; throws what the user's listeners throw. */
  receive(type: "comm_open" | "comm_msg" | "comm_close", content: Data, message: CommMessage): void {
    const id = String(content["comm_id"]);
    if (type === "comm_open") {
      const target = String(content["target_name"]);
      const opened = this.#targets.get(target);
      // The protocol's answer to an unknown target.
      if (!opened) this.#send("comm_close", { comm_id: id, data: {} }, {});
      else opened(this.#create(id, target), message.data, message);
    } else if (type === "comm_msg") this.#open.get(id)?.message(message);
    else {
      const comm = this.#open.get(id);
      this.#open.delete(id);
      comm?.closed(message);
    }
  }

  #create(id: string, target: string): OpenComm {
    const comm = new OpenComm(id, target, this.#send, () => this.#open.delete(id));
    this.#open.set(id, comm);
    return comm;
  }
}

class OpenComm implements Comm {
  readonly id: string;
  readonly target: string;
  readonly #send: SendComm;
  readonly #forget: () => boolean;
  #onMessage: ((message: CommMessage) => void) | undefined;
  #onClose: ((message: CommMessage) => void) | undefined;

  constructor(id: string, target: string, send: SendComm, forget: () => boolean) {
    this.id = id;
    this.target = target;
    this.#send = send;
    this.#forget = forget;
  }

  send(data: Data = {}, options: CommOptions = {}): void {
    this.#send("comm_msg", { comm_id: this.id, data }, options);
  }

  onMessage(listener: (message: CommMessage) => void): void {
    this.#onMessage = listener;
  }

  onClose(listener: (message: CommMessage) => void): void {
    this.#onClose = listener;
  }

  close(data: Data = {}): void {
    if (this.#forget()) this.#send("comm_close", { comm_id: this.id, data }, {});
  }

  message(message: CommMessage): void {
    this.#onMessage?.(message);
  }

  closed(message: CommMessage): void {
    this.#onClose?.(message);
  }
}
