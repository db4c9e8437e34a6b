/** A Jupyter client over ZeroMQ: what the runner, the lab and the tests speak to a kernel with. */
import { randomUUID } from "node:crypto";
import { AssayError } from "../../lib/errors.js";
import type { Connection } from "../protocol/connection.js";
import { newHeader } from "../protocol/header.js";
import type { Channel, Message } from "../protocol/message.js";
import { decode, encode } from "../protocol/wire.js";
import { ClientSockets } from "./sockets.js";
import type { ExecuteOptions, ExecuteReply, KernelClient } from "./types.js";

type Listener = (channel: Channel, message: Message) => void;

/** What the client knows about the kernel's process; a client that only connected knows nothing. */
export interface KernelProcess {
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Why it ended, in the kernel's own words. */
  readonly lastWords: () => string;
  /** Ends it if it did not end when asked; `answered` settles when it said that it will. */
  readonly end: (answered: Promise<unknown>) => Promise<void>;
}

/** Time between the first questions to a kernel that is still starting. */
const NUDGE_MS = 250;

interface Pending {
  readonly settle: (reply: Message) => void;
  readonly reject: (error: AssayError) => void;
}

interface Execution {
  readonly onOutput: ((message: Message) => void) | undefined;
  readonly onInput: ExecuteOptions["onInput"];
  reply?: Message;
  idle: boolean;
  readonly done: (reply: Message) => void;
}

/** One client of one kernel. */
export class Client implements KernelClient {
  readonly exited: KernelProcess["exited"];
  readonly #connection: Connection;
  readonly #process: KernelProcess;
  readonly #session = randomUUID();
  readonly #sockets: ClientSockets;
  readonly #listeners = new Set<Listener>();
  readonly #pending = new Map<string, Pending>();
  readonly #executions = new Map<string, Execution>();
  #failure: AssayError | undefined;
  #disposed: Promise<void> | undefined;

  /** Connects; `ready` tells when the kernel answers and its output is received. */
  constructor(connection: Connection, kernel: KernelProcess) {
    this.#connection = connection;
    this.#process = kernel;
    this.exited = kernel.exited;
    this.#sockets = new ClientSockets(connection, this.#session, (channel, frames) =>
      this.#receive(channel, frames),
    );
    void kernel.exited.then(() => this.#fail());
  }

  /** Settles when the kernel answers and its output reaches this client. */
  async ready(): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      const stop = this.onMessage((channel) => {
        if (channel !== "iopub") return;
        stop();
        resolve();
      });
    });
    // Kernels that welcome subscribers need no question; the status that a question causes does for the others.
    const nudge = setInterval(
      () => void this.request("shell", "kernel_info_request", {}).catch(() => {}),
      NUDGE_MS,
    );
    try {
      await Promise.race([heard, this.exited.then(() => Promise.reject(this.#fail()))]);
    } finally {
      clearInterval(nudge);
    }
  }

  async execute(code: string, options: ExecuteOptions = {}): Promise<ExecuteReply> {
    const content = {
      code,
      silent: options.silent ?? false,
      store_history: options.storeHistory ?? !options.silent,
      user_expressions: {},
      allow_stdin: options.onInput !== undefined,
      stop_on_error: options.stopOnError ?? true,
    };
    const message = this.#message("execute_request", content, options.metadata);
    const id = message.header.msg_id;
    try {
      const reply = await new Promise<Message>((done, reject) => {
        const { onOutput, onInput } = options;
        this.#executions.set(id, { onOutput, onInput, idle: false, done });
        this.#expect(id, reject);
        this.send("shell", message).catch(reject);
      });
      return reply.content as unknown as ExecuteReply;
    } finally {
      this.#executions.delete(id);
      this.#pending.delete(id);
    }
  }

  async request(
    channel: "shell" | "control",
    type: string,
    content: Readonly<Record<string, unknown>>,
  ): Promise<Message> {
    const message = this.#message(type, content);
    const id = message.header.msg_id;
    try {
      return await new Promise<Message>((settle, reject) => {
        this.#expect(id, reject, settle);
        this.send(channel, message).catch(reject);
      });
    } finally {
      this.#pending.delete(id);
    }
  }

  async send(channel: Channel, message: Message): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (channel === "iopub") {
      throw new AssayError("INVALID_ARGUMENT", "A client receives on iopub; it cannot send there.");
    }
    this.#sockets.send(channel, encode(message, this.#connection.key));
  }

  onMessage(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async interrupt(): Promise<void> {
    await this.request("control", "interrupt_request", {});
  }

  async restart(): Promise<void> {
    await this.request("control", "restart_session_request", {});
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#shutDown();
    return this.#disposed;
  }

  async #shutDown(): Promise<void> {
    if (!this.#failure) {
      const asked = this.request("control", "shutdown_request", { restart: false });
      await this.#process.end(asked.catch(() => {}));
    }
    this.#fail();
    this.#sockets.close();
  }

  #message(
    type: string,
    content: Readonly<Record<string, unknown>>,
    metadata: Readonly<Record<string, unknown>> = {},
  ): Message {
    return { header: newHeader(type, this.#session), parent_header: {}, metadata, content, buffers: [] };
  }

  #expect(
    id: string,
    reject: (error: AssayError) => void,
    settle: (reply: Message) => void = () => {},
  ): void {
    this.#pending.set(id, { settle, reject });
  }

  #receive(channel: Channel, frames: readonly Uint8Array[]): void {
    let message: Message;
    try {
      ({ message } = decode(frames, this.#connection.key));
    } catch {
      // Not of our kernel: nothing that can be answered.
      return;
    }
    for (const listener of this.#listeners) listener(channel, message);
    const parent = message.parent_header.msg_id;
    if (parent === undefined) return;
    const execution = this.#executions.get(parent);
    if (!execution) {
      if (channel === "shell" || channel === "control") this.#pending.get(parent)?.settle(message);
    } else if (channel === "iopub") this.#output(execution, message);
    else if (channel === "stdin") void this.#answerInput(execution, message);
    else {
      execution.reply = message;
      if (execution.idle) execution.done(message);
    }
  }

  #output(execution: Execution, message: Message): void {
    execution.onOutput?.(message);
    if (message.header.msg_type !== "status" || message.content["execution_state"] !== "idle") return;
    execution.idle = true;
    if (execution.reply) execution.done(execution.reply);
  }

  async #answerInput({ onInput }: Execution, request: Message): Promise<void> {
    if (!onInput || request.header.msg_type !== "input_request") return;
    const { prompt, password } = request.content;
    const value = await onInput(String(prompt), password === true);
    const reply = { ...this.#message("input_reply", { status: "ok", value }), parent_header: request.header };
    await this.send("stdin", reply as Message);
  }

  /** The kernel is gone: whoever waits is told why. */
  #fail(): AssayError {
    if (!this.#failure) {
      const words = this.#process.lastWords().trim();
      const why = words === "" ? "" : ` Its last words: ${words}`;
      this.#failure = new AssayError("KERNEL_DIED", `The kernel has ended.${why}`, {});
      for (const { reject } of this.#pending.values()) reject(this.#failure);
      this.#pending.clear();
    }
    return this.#failure;
  }
}
