/** Receives from a ZeroMQ socket until it is closed. */

/** What is asked of a socket; both ends of a connection use it. */
export interface Receiver {
  readonly closed: boolean;
  receive(): Promise<Buffer[]>;
}

/** Hands every message on, one after the other. */
export async function receiveEach(
  socket: Receiver,
  work: (frames: readonly Buffer[]) => void,
): Promise<void> {
  while (!socket.closed) {
    let frames: Buffer[];
    try {
      frames = await socket.receive();
    } catch {
      // Closed; or woken by frames that the socket type discards, which must not end the kernel.
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    work(frames);
  }
}
