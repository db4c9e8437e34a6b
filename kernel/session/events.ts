/** What the session tells the supervisor, and what the supervisor asks of the session. */

/** A number for each run of a cell; also what late output is attributed to. */
export type RunId = number;

/** How a cell ended. Parts of the frame: none. */
export interface Failure {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** Outcome of one user expression, as execute_reply carries it. */
export type ExpressionResult =
  | { readonly status: "ok"; readonly data: Readonly<Record<string, unknown>>; readonly metadata: object }
  | ({ readonly status: "error" } & Failure);

/** Messages that the session makes whole; their content is the frame's first part, buffers follow. */
export type PublishedType =
  | "display_data"
  | "update_display_data"
  | "execute_result"
  | "clear_output"
  | "error"
  | "comm_open"
  | "comm_msg"
  | "comm_close";

/** From the session. Events with a `run` keep their place between the bytes on standard output. */
export type SessionEvent =
  | { readonly type: "ready" }
  /** Text that belongs to a run: standard error, or output of a run that is over. Part 0: the text. */
  | { readonly type: "stream"; readonly run: RunId; readonly name: "stdout" | "stderr" }
  | {
      readonly type: "publish";
      readonly run: RunId;
      readonly message: PublishedType;
      /** For execute_result: its text, which the history keeps. */
      readonly text?: string;
      /** For comm messages: which comm, so that comm_info answers without asking the session. */
      readonly comm?: { readonly id: string; readonly target?: string };
    }
  | {
      readonly type: "input";
      readonly run: RunId;
      readonly id: number;
      readonly prompt: string;
      readonly password: boolean;
    }
  | {
      readonly type: "done";
      readonly run: RunId;
      readonly failure?: Failure;
      readonly expressions: Readonly<Record<string, ExpressionResult>>;
      /** Names that the cell declared, for completion when types are not to be had. */
      readonly declared: readonly string[];
    }
  /** The session's main thread has seen the interrupt of this run. */
  | { readonly type: "interrupted"; readonly run: RunId }
  /** Code called process.exit. */
  | { readonly type: "exiting"; readonly code: number };

/** To the session's main thread. */
export type SessionRequest =
  | {
      readonly type: "execute";
      readonly run: RunId;
      readonly count: number;
      /** What stack traces call the cell. */
      readonly fileName: string;
      readonly code: string;
      readonly silent: boolean;
      readonly allowStdin: boolean;
      readonly expressions: Readonly<Record<string, string>>;
    }
  | { readonly type: "interrupt"; readonly run: RunId }
  | { readonly type: "input"; readonly id: number; readonly value: string }
  | {
      readonly type: "comm";
      readonly run: RunId;
      readonly message: "comm_open" | "comm_msg" | "comm_close";
      readonly content: Readonly<Record<string, unknown>>;
      readonly metadata: Readonly<Record<string, unknown>>;
    };

/** The session's pipes besides standard input, output and error. */
export const PIPES = { events: 3, requests: 4, watchdog: 5 } as const;

/** Bytes of the mark that the session writes to standard output where an event belongs. */
export const MARK_BYTES = 16;
