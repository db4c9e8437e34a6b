/** The kernel: receives messages, answers them, and runs cells through the executor. */
import { randomUUID } from "node:crypto";
import type { Connection } from "../protocol/connection.js";
import { isRequestType } from "../protocol/content.js";
import { newHeader } from "../protocol/header.js";
import { decode, encode } from "../protocol/wire.js";
import { Executor } from "./executor.js";
import { type Handler, handlers } from "./handlers.js";
import { History } from "./history.js";
import { Languages } from "./languages.js";
import { Publisher } from "./publisher.js";
import { errorReply, type Reply, type Request } from "./request.js";
import { type InboundChannel, Sockets } from "./sockets.js";

/** A kernel that is listening. */
export class Kernel {
  readonly sockets: Sockets;
  readonly history = new History();
  readonly languages: Languages;
  readonly executor: Executor;
  readonly #session = randomUUID();
  readonly #publisher: Publisher;
  readonly #closed: () => void;
  #dropped = 0;

  /**
   * Binds the sockets and starts the first session.
   *
   * @param folder The notebook's folder: where cells run and where their imports resolve.
   * @param closed Called once, after the kernel was asked to shut down and has done so.
   */
  static async start(connection: Connection, folder: string, closed: () => void): Promise<Kernel> {
    // The session's process starts while the sockets are bound.
    const binding = Sockets.bind(connection);
    binding.catch(() => {});
    return new Kernel(await binding, folder, closed);
  }

  private constructor(sockets: Sockets, folder: string, closed: () => void) {
    this.sockets = sockets;
    this.#closed = closed;
    this.#publisher = new Publisher(sockets, this.#session);
    this.languages = new Languages(folder);
    this.executor = new Executor(folder, {
      publisher: this.#publisher,
      history: this.history,
      reply: (request, content) => this.#reply(request, content),
      askInput: (request, prompt, password) =>
        this.#send(request, "input_request", { prompt, password }, "stdin"),
      pager: (code) => this.languages.page(code),
      committed: (code) => this.languages.commit(code),
      renewed: () => this.languages.reset(),
    });
    sockets.listen({
      received: (channel, frames) => this.#receive(channel, frames),
      subscribed: (topic) => this.#publisher.welcome(topic),
    });
    this.#publisher.status("starting", {});
  }

  /** Ends sessions and sockets after what was sent has gone out. Safe to call twice. */
  close(): void {
    this.executor.dispose();
    this.languages.dispose();
    this.#publisher.flush();
    this.sockets.close();
    this.#closed();
  }

  #receive(channel: InboundChannel, frames: readonly Uint8Array[]): void {
    let request: Request;
    try {
      request = { channel, ...decode(frames, this.sockets.connection.key) };
    } catch (error) {
      this.#drop(error);
      return;
    }
    const type = request.message.header.msg_type;
    if (channel === "stdin") {
      if (type === "input_reply") this.executor.answerInput(String(request.message.content["value"] ?? ""));
    } else if (type === "execute_request") this.executor.enqueue(request);
    else void this.#answer(request, type);
  }

  async #answer(request: Request, type: string): Promise<void> {
    const parent = request.message.header;
    this.#publisher.status("busy", parent);
    const content = await this.#handle(request, type);
    if (content) this.#reply(request, content);
    this.#publisher.status("idle", parent);
    // Front ends show the latest status: a completion during a cell must not make the kernel look idle.
    const running = this.executor.runningParent;
    if (running) this.#publisher.status("busy", running);
  }

  async #handle(request: Request, type: string): Promise<Reply | undefined> {
    try {
      if (!isRequestType(type) || !(type in handlers)) {
        return type.endsWith("_request") ? errorReply(new Error(`Assay does not serve ${type}.`)) : undefined;
      }
      const handler = handlers[type as keyof typeof handlers] as Handler;
      return await handler(this, request);
    } catch (error) {
      return type.endsWith("_request") ? errorReply(error) : undefined;
    }
  }

  #reply(request: Request, content: Reply): void {
    this.#send(
      request,
      request.message.header.msg_type.replace(/_request$/, "_reply"),
      content,
      request.channel,
    );
  }

  #send(
    request: Request,
    type: string,
    content: Readonly<Record<string, unknown>>,
    channel: InboundChannel,
  ): void {
    const header = newHeader(type, this.#session);
    const message = { header, parent_header: request.message.header, metadata: {}, content, buffers: [] };
    this.sockets.send(channel, encode(message, this.sockets.connection.key, request.identities));
  }

  /** Says why a message was dropped, a few times: a hostile sender must not fill the log. */
  #drop(error: unknown): void {
    if (++this.#dropped <= 10) process.stderr.write(`assay kernel: ${(error as Error).message}\n`);
  }
}
