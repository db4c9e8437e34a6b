/** The client's ends of a kernel's ZeroMQ sockets. */
import { Dealer, Subscriber } from "zeromq";
import { type Connection, endpoint } from "../protocol/connection.js";
import type { Channel } from "../protocol/message.js";
import { receiveEach } from "../protocol/receive.js";

type OutboundChannel = Exclude<Channel, "iopub">;

// Looking again soon: a kernel that is just starting binds a moment after we connect.
const CONNECTING = { reconnectInterval: 5, linger: 0 };
// Nothing is lost when we are slow to read, and sends need not be awaited.
const UNBOUNDED = { sendHighWaterMark: 0, receiveHighWaterMark: 0, sendTimeout: 0 };

/** Connected sockets; frames arrive through the callback. */
export class ClientSockets {
  readonly #dealers: Record<OutboundChannel, Dealer>;
  readonly #iopub: Subscriber;

  /** @param identity Shared by shell and stdin, so that a cell's question finds the client that sent the cell. */
  constructor(
    connection: Connection,
    identity: string,
    received: (channel: Channel, frames: readonly Uint8Array[]) => void,
  ) {
    const dealer = () => new Dealer({ ...CONNECTING, ...UNBOUNDED, routingId: identity });
    this.#dealers = { shell: dealer(), control: dealer(), stdin: dealer() };
    this.#iopub = new Subscriber({ ...CONNECTING, receiveHighWaterMark: 0 });
    for (const name of ["shell", "control", "stdin"] as const) {
      this.#dealers[name].connect(endpoint(connection, name));
      void receiveEach(this.#dealers[name], (frames) => received(name, frames));
    }
    this.#iopub.connect(endpoint(connection, "iopub"));
    this.#iopub.subscribe();
    void receiveEach(this.#iopub, (frames) => received("iopub", frames));
  }

  send(channel: OutboundChannel, frames: (Uint8Array | string)[]): void {
    this.#dealers[channel].send(frames).catch(() => {
      // Closed while sending: whoever waits for a reply is told that the kernel ended.
    });
  }

  /** Safe to call twice. */
  close(): void {
    for (const socket of [...Object.values(this.#dealers), this.#iopub]) if (!socket.closed) socket.close();
  }
}
