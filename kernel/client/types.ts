/** What the runner, the lab and the tests may ask of a kernel. */
import type { Channel, Message } from "../protocol/message.js";

export interface StartOptions {
  /** Folder of the notebook: the cells' working folder, and where their imports resolve from. */
  readonly cwd: string;
  /** Variables added to the kernel's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ExecuteOptions {
  readonly silent?: boolean;
  readonly storeHistory?: boolean;
  readonly stopOnError?: boolean;
  /** Metadata of the request; the runner and the lab put `{ cellId }` here. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Every iopub message that this cell caused, in order. */
  readonly onOutput?: (message: Message) => void;
  /** Answers `input()`; without it the cell is told that there is no input. */
  readonly onInput?: (prompt: string, password: boolean) => Promise<string>;
}

export interface ExecuteReply {
  readonly status: "ok" | "error" | "aborted";
  readonly execution_count: number;
  readonly ename?: string;
  readonly evalue?: string;
  readonly traceback?: readonly string[];
}

/** A running kernel, spoken to over its real ZeroMQ sockets. */
export interface KernelClient {
  /** Runs a cell; settles after both the reply and the idle status, so no output is missing. */
  execute(code: string, options?: ExecuteOptions): Promise<ExecuteReply>;
  /** Sends any request and waits for its reply, e.g. `request("shell", "complete_request", …)`. */
  request(
    channel: "shell" | "control",
    type: string,
    content: Readonly<Record<string, unknown>>,
  ): Promise<Message>;
  /** Sends a message as it stands (the lab forwards the browser's). */
  send(channel: Channel, message: Message): Promise<void>;
  /** Called for every message received; returns the function that stops it. */
  onMessage(listener: (channel: Channel, message: Message) => void): () => void;
  interrupt(): Promise<void>;
  /** A fresh session: all variables are gone, the client and its listeners stay. */
  restart(): Promise<void>;
  /** Asks the kernel to end, then makes sure of it. Safe to call twice. */
  dispose(): Promise<void>;
  /** Settles when the kernel's process has ended, for whatever reason. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}
