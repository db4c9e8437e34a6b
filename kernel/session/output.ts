/** Writes to the supervisor: plain bytes on standard output, events on their pipe, marks where events belong. */
import { writeSync } from "node:fs";
import { PIPES, type SessionEvent } from "./events.js";
import { encodeFrame } from "./frames.js";

const STDOUT = 1;
const STDERR = 2;

/** The session's way out. All writes are synchronous: what a cell did is told even if it aborts next. */
export class Output {
  readonly #mark: Buffer;

  constructor(mark: Buffer) {
    this.#mark = mark;
  }

  /** Text of the running cell, as it stands. */
  print(text: string | Uint8Array): void {
    writeAll(STDOUT, typeof text === "string" ? Buffer.from(text) : text);
  }

  /** An event that keeps its place between what is printed before and after it. */
  event(head: SessionEvent, parts: readonly Uint8Array[] = []): void {
    writeAll(PIPES.events, encodeFrame(head, parts));
    writeAll(STDOUT, this.#mark);
    if (head.type === "done") writeAll(STDERR, this.#mark);
  }

  /** An event that is told at once and has no place in the output. */
  urgent(head: Extract<SessionEvent, { type: "ready" | "interrupted" | "exiting" }>): void {
    writeAll(PIPES.events, encodeFrame(head));
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));

function writeAll(fd: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      // A child process that shares the pipe may have made it non-blocking: wait until there is room.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
