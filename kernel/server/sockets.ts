/** The kernel's five ZeroMQ sockets. Nothing else in the supervisor knows ZeroMQ. */
import { Reply, Router, type SocketOptions, XPublisher } from "zeromq";
import { AssayError } from "../../lib/errors.js";
import { type Connection, endpoint, SOCKETS, type Socket } from "../protocol/connection.js";
import { receiveEach } from "../protocol/receive.js";

/** The channels on which clients send messages. */
export type InboundChannel = "shell" | "control" | "stdin";

export interface SocketListener {
  /** Frames as they came; nothing about them has been checked. */
  readonly received: (channel: InboundChannel, frames: readonly Uint8Array[]) => void;
  /** A client subscribed to iopub, with this topic. */
  readonly subscribed: (topic: Buffer) => void;
}

/** A client that sends more in one frame is cut off by ZeroMQ. */
const MAX_FRAME_BYTES = 512 * 2 ** 20;

// Without a time-out and a mark, a send that is not awaited throws EBUSY once 512 operations ran in one
// turn, and a slow reader makes a publisher drop messages: how other kernels lose output.
const SENDING = { sendTimeout: 0, sendHighWaterMark: 0 };
const OPTIONS: SocketOptions<Router> = { ...SENDING, linger: 1000, maxMessageSize: MAX_FRAME_BYTES };

/** Bound sockets of one kernel. */
export class Sockets {
  /** The connection as bound: ports that were 0 are now the ones in use. */
  readonly connection: Connection;
  readonly #routers: Record<InboundChannel, Router>;
  readonly #iopub: XPublisher;
  readonly #heartbeat: Reply;

  private constructor(
    connection: Connection,
    routers: Record<InboundChannel, Router>,
    iopub: XPublisher,
    heartbeat: Reply,
  ) {
    this.connection = connection;
    this.#routers = routers;
    this.#iopub = iopub;
    this.#heartbeat = heartbeat;
  }

  /**
   * Binds all five sockets.
   *
   * @throws AssayError PORT_IN_USE naming the address that is taken.
   */
  static async bind(connection: Connection): Promise<Sockets> {
    const shell = new Router({ ...OPTIONS, handover: true });
    const control = new Router({ ...OPTIONS, handover: true });
    const stdin = new Router({ ...OPTIONS, handover: true });
    const iopub = new XPublisher({ ...SENDING, linger: 1000 });
    // Every subscription is reported, also a second one to the same topic: each client awaits its welcome.
    iopub.verbosity = "allSubs";
    const hb = new Reply({ linger: 0 });
    const sockets = { shell, control, stdin, iopub, hb };
    const ports = { ...connection.ports };
    await Promise.all(
      SOCKETS.map(async (name) => {
        const address = endpoint(connection, name);
        try {
          await sockets[name].bind(address);
        } catch (error) {
          const message = `The ${name} socket cannot listen on ${address}. Is another kernel using it?`;
          throw new AssayError("PORT_IN_USE", message, { socket: name, address }, { cause: error });
        }
        ports[name] = boundPort(connection, name, sockets[name].lastEndpoint);
      }),
    );
    return new Sockets({ ...connection, ports }, { shell, control, stdin }, iopub, hb);
  }

  /** Hands every message on, until the sockets are closed. */
  listen(listener: SocketListener): void {
    for (const channel of ["shell", "control", "stdin"] as const) {
      void receiveEach(this.#routers[channel], (frames) => listener.received(channel, frames));
    }
    void receiveEach(this.#iopub, ([subscription]) => {
      if (subscription?.[0] === 1) listener.subscribed(subscription.subarray(1));
    });
    void receiveEach(this.#heartbeat, (frames) => {
      this.#heartbeat.send([...frames]).catch(ignoreClosed);
    });
  }

  send(channel: InboundChannel, frames: (Uint8Array | string)[]): void {
    this.#routers[channel].send(frames).catch(ignoreClosed);
  }

  publish(frames: (Uint8Array | string)[]): void {
    this.#iopub.send(frames).catch(ignoreClosed);
  }

  /** Closes all sockets; what was sent still goes out. Safe to call twice. */
  close(): void {
    for (const socket of [...Object.values(this.#routers), this.#iopub, this.#heartbeat]) {
      if (!socket.closed) socket.close();
    }
  }
}

function boundPort(connection: Connection, name: Socket, lastEndpoint: string | null): number {
  if (connection.transport === "ipc") return connection.ports[name];
  return Number(lastEndpoint?.slice(lastEndpoint.lastIndexOf(":") + 1));
}

/** A client that went away, or sockets closed during shutdown: nobody is left to tell. */
function ignoreClosed(): void {}
