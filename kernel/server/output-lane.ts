/**
 * Puts a session's output in order. Text comes on standard output, where child processes and native code
 * write too; displays and results come as events on a pipe of their own. Where an event belongs between the
 * bytes, the session leaves a mark in standard output, so what a cell did in a row is shown in that row.
 */
import { StringDecoder } from "node:string_decoder";
import type { SessionEvent } from "../session/events.js";
import type { Frame } from "../session/frames.js";

const MARK = Symbol("mark");

export interface LaneListener {
  readonly text: (name: "stdout" | "stderr", text: string) => void;
  readonly event: (frame: Frame<SessionEvent>) => void;
}

/** Merges standard output, standard error and the events of one session. */
export class OutputLane {
  readonly #listener: LaneListener;
  readonly #stdout: MarkSplitter;
  readonly #stderr: MarkSplitter;
  #lane: (string | typeof MARK)[] = [];
  #events: Frame<SessionEvent>[] = [];
  #stderrMarks = 0;

  /** @param mark The bytes that stand for "an event belongs here". */
  constructor(mark: Buffer, listener: LaneListener) {
    this.#listener = listener;
    this.#stdout = new MarkSplitter(mark);
    this.#stderr = new MarkSplitter(mark);
  }

  stdout(chunk: Buffer): void {
    this.#lane.push(...this.#stdout.push(chunk));
    this.#advance();
  }

  stderr(chunk: Buffer): void {
    for (const piece of this.#stderr.push(chunk)) {
      if (piece === MARK) this.#stderrMarks++;
      else this.#listener.text("stderr", piece);
    }
    this.#advance();
  }

  event(frame: Frame<SessionEvent>): void {
    if (isMarked(frame.head)) {
      this.#events.push(frame);
      this.#advance();
    } else this.#listener.event(frame);
  }

  /** The session is gone: hands out whatever is left, in the order known. */
  end(): void {
    this.#stderrMarks = Number.POSITIVE_INFINITY;
    this.#lane.push(...this.#stdout.end(), ...this.#events.map((): typeof MARK => MARK));
    for (const piece of this.#stderr.end()) if (piece !== MARK) this.#listener.text("stderr", piece);
    this.#advance();
  }

  #advance(): void {
    for (let piece = this.#lane[0]; piece !== undefined; piece = this.#lane[0]) {
      if (piece === MARK) {
        const event = this.#events[0];
        if (!event) return;
        // Standard error is a pipe of its own: a cell is done when its mark came through there as well.
        if (event.head.type === "done" && this.#stderrMarks-- < 1) {
          this.#stderrMarks++;
          return;
        }
        this.#events.shift();
        this.#lane.shift();
        this.#listener.event(event);
      } else {
        this.#lane.shift();
        this.#listener.text("stdout", piece);
      }
    }
  }
}

/** Whether the session left a mark for this event; the others are urgent and have no place in the output. */
function isMarked(head: SessionEvent): boolean {
  return head.type !== "ready" && head.type !== "interrupted" && head.type !== "exiting";
}

/** Cuts a byte stream at the marks, which may be split between chunks. */
class MarkSplitter {
  readonly #mark: Buffer;
  readonly #decoder = new StringDecoder("utf8");
  #rest: Buffer = Buffer.alloc(0);

  constructor(mark: Buffer) {
    this.#mark = mark;
  }

  push(chunk: Buffer): (string | typeof MARK)[] {
    const pieces: (string | typeof MARK)[] = [];
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (let at = bytes.indexOf(this.#mark); at >= 0; at = bytes.indexOf(this.#mark)) {
      this.#decode(bytes.subarray(0, at), pieces);
      pieces.push(MARK);
      bytes = bytes.subarray(at + this.#mark.length);
    }
    const held = this.#beginningOfMark(bytes);
    this.#decode(bytes.subarray(0, bytes.length - held), pieces);
    this.#rest = bytes.subarray(bytes.length - held);
    return pieces;
  }

  end(): (string | typeof MARK)[] {
    const text = this.#decoder.write(this.#rest) + this.#decoder.end();
    this.#rest = Buffer.alloc(0);
    return text === "" ? [] : [text];
  }

  #decode(bytes: Buffer, pieces: (string | typeof MARK)[]): void {
    const text = this.#decoder.write(bytes);
    if (text !== "") pieces.push(text);
  }

  /** How many bytes at the end could be the start of a mark. */
  #beginningOfMark(bytes: Buffer): number {
    for (let length = Math.min(this.#mark.length - 1, bytes.length); length > 0; length--) {
      if (bytes.subarray(bytes.length - length).equals(this.#mark.subarray(0, length))) return length;
    }
    return 0;
  }
}
