/** A kernel that answers in this process: what the lab does with messages can be seen without a real one. */
import { randomUUID } from "node:crypto";
import type { KernelClient, StartOptions } from "../../../kernel/client/types.js";
import type { Channel, Message } from "../../../kernel/protocol/message.js";

type Listener = (channel: Channel, message: Message) => void;

/** Every execute_request gets its own code back on stdout. */
export class EchoKernel implements KernelClient {
  readonly options: StartOptions;
  readonly received: { readonly channel: Channel; readonly message: Message }[] = [];
  readonly calls: string[] = [];
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  readonly #listeners = new Set<Listener>();
  #exit: (how: { code: number | null; signal: string | null }) => void = () => {};

  constructor(options: StartOptions) {
    this.options = options;
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  async send(channel: Channel, message: Message): Promise<void> {
    this.received.push({ channel, message });
    const type = message.header.msg_type;
    this.#emit("iopub", "status", message, { execution_state: "busy" });
    if (type === "execute_request") {
      const text = String(message.content["code"]);
      this.#emit("iopub", "stream", message, { name: "stdout", text }, message.buffers);
      this.#emit("shell", "execute_reply", message, { status: "ok", execution_count: 1 });
    } else this.#emit(channel, type.replace("_request", "_reply"), message, { status: "ok" });
    this.#emit("iopub", "status", message, { execution_state: "idle" });
  }

  onMessage(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async interrupt(): Promise<void> {
    this.calls.push("interrupt");
  }

  async restart(): Promise<void> {
    this.calls.push("restart");
  }

  async dispose(): Promise<void> {
    this.calls.push("dispose");
    this.die(0);
  }

  /** Ends as if the process had. */
  die(code: number): void {
    this.#exit({ code, signal: null });
  }

  execute(): never {
    throw new Error("The lab only forwards.");
  }

  request(): never {
    throw new Error("The lab only forwards.");
  }

  #emit(
    channel: Channel,
    type: string,
    parent: Message,
    content: Readonly<Record<string, unknown>>,
    buffers: readonly Uint8Array[] = [],
  ): void {
    const header = {
      msg_id: randomUUID(),
      session: "echo",
      username: "echo",
      date: new Date().toISOString(),
      msg_type: type,
      version: "5.4",
    };
    const message: Message = { header, parent_header: parent.header, metadata: {}, content, buffers };
    for (const listener of this.#listeners) listener(channel, message);
  }
}
