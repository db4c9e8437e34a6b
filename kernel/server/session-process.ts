/** One session: the child process that runs cells, its pipes, its interrupts and its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { sessionFlags } from "../language/flags.js";
import { MARK_BYTES, PIPES, type RunId, type SessionEvent, type SessionRequest } from "../session/events.js";
import { encodeFrame, FrameReader } from "../session/frames.js";
import { type LaneListener, OutputLane } from "./output-lane.js";

/** How a session ended. */
export interface SessionEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Code that the cell gave to process.exit, if it did. */
  readonly exitCode?: number;
  readonly outOfMemory: boolean;
}

export interface SessionListener extends LaneListener {
  readonly ended: (end: SessionEnd) => void;
}

const ENTRY = fileURLToPath(new URL("../session/main.js", import.meta.url));

// Terminating code inside a timer aborts Node 20 while these checks are on ("async hook stack has become
// corrupted").
const NODE_FLAGS = ["--no-force-async-hooks-checks", ...sessionFlags];

/** Time until an interrupt that nobody acknowledged is sent again. */
const INTERRUPT_AGAIN_MS = 100;

/** Time that output of an ended process gets to arrive, when a child of the cell holds its pipes open. */
const DRAIN_MS = 200;

/** A running session. All its output arrives through the listener, in order. */
export class SessionProcess {
  readonly #child: ChildProcess;
  readonly #lane: OutputLane;
  #listener: SessionListener | undefined;
  #interruptTimer: NodeJS.Timeout | undefined;
  #interrupted: RunId | undefined;
  #exitCode: number | undefined;
  #errorTail = "";
  #ended: SessionEnd | undefined;

  constructor(folder: string) {
    const mark = randomBytes(MARK_BYTES);
    this.#child = spawn(process.execPath, [...NODE_FLAGS, ENTRY, mark.toString("hex")], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe"],
      // A process group of its own: an interrupt then also reaches the programs that a cell started.
      detached: true,
    });
    this.#lane = new OutputLane(mark, {
      text: (name, text) => this.#text(name, text),
      event: (frame) => this.#listener?.event(frame),
    });
    this.#child.stdout!.on("data", (chunk: Buffer) => this.#lane.stdout(chunk));
    this.#child.stderr!.on("data", (chunk: Buffer) => this.#lane.stderr(chunk));
    const reader = new FrameReader<SessionEvent>();
    this.#pipe(PIPES.events).on("data", (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) {
        if (frame.head.type === "interrupted") this.#acknowledged(frame.head.run);
        else if (frame.head.type === "exiting") this.#exitCode = frame.head.code;
        else {
          if (frame.head.type === "done") this.#acknowledged(frame.head.run);
          this.#lane.event(frame);
        }
      }
    });
    // Writing to a session that just ended is no error of ours: its end is reported below.
    for (const pipe of [PIPES.requests, PIPES.watchdog]) this.#pipe(pipe).on("error", () => {});
    this.#child.on("error", () => this.#finish(null, null));
    this.#child.on("exit", (code, signal) => {
      const drained = setTimeout(() => this.#finish(code, signal), DRAIN_MS);
      this.#child.once("close", () => {
        clearTimeout(drained);
        this.#finish(code, signal);
      });
    });
  }

  /** Who receives output from now on; a spare session gets its listener when it is taken. */
  listen(listener: SessionListener): void {
    this.#listener = listener;
    if (this.#ended) listener.ended(this.#ended);
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  send(request: SessionRequest, parts: readonly Uint8Array[] = []): void {
    this.#pipe(PIPES.requests).write(encodeFrame(request, parts));
  }

  /**
   * Stops a run and keeps the variables: a signal ends synchronous code and child processes, a message ends
   * a pending await, and what heeds neither is terminated through the inspector.
   */
  interrupt(run: RunId): void {
    this.#interrupted = run;
    clearInterval(this.#interruptTimer);
    const ask = () => {
      this.#pipe(PIPES.watchdog).write(`${run}\n`);
      this.send({ type: "interrupt", run });
    };
    // Repeated, since terminated code takes with it what it was about to do, and that may be our message.
    this.#interruptTimer = setInterval(ask, INTERRUPT_AGAIN_MS);
    ask();
  }

  /** Ends the process and the programs that its cells started. Safe to call twice. */
  kill(): void {
    clearInterval(this.#interruptTimer);
    if (!this.#ended) this.#signal("SIGKILL");
  }

  /** Lets the supervisor end although this session still runs. */
  unref(): void {
    this.#child.unref();
  }

  #acknowledged(run: RunId): void {
    if (this.#interrupted === run) clearInterval(this.#interruptTimer);
  }

  #text(name: "stdout" | "stderr", text: string): void {
    if (name === "stderr") this.#errorTail = (this.#errorTail + text).slice(-4096);
    this.#listener?.text(name, text);
  }

  #pipe(fd: number): Readable & Writable {
    return this.#child.stdio[fd] as Readable & Writable;
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(process.platform === "win32" ? pid : -pid, signal);
    } catch {
      // Already gone.
    }
  }

  #finish(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#ended) return;
    clearInterval(this.#interruptTimer);
    this.#lane.end();
    this.#ended = {
      code,
      signal,
      ...(this.#exitCode === undefined ? {} : { exitCode: this.#exitCode }),
      outOfMemory: this.#errorTail.includes("JavaScript heap out of memory"),
    };
    // Programs that the cells left running go with their session.
    this.#signal("SIGKILL");
    this.#listener?.ended(this.#ended);
  }
}
