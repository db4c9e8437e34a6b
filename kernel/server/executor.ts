/** Runs the cells, one after the other, in a session that is replaced when it ends. */
import type { RequestContent } from "../protocol/content.js";
import { parseRequest } from "../protocol/content.js";
import type { Failure, RunId, SessionEvent } from "../session/events.js";
import type { Frame } from "../session/frames.js";
import { CommRegistry } from "./comms.js";
import type { History, HistoryEntry } from "./history.js";
import { OutputLimit } from "./output-limit.js";
import type { Parent, Publisher } from "./publisher.js";
import { errorReply, type Reply, type Request } from "./request.js";
import { describeEnd } from "./session-end.js";
import type { SessionEnd, SessionProcess } from "./session-process.js";
import { Sessions } from "./sessions.js";

/** What the executor needs of the kernel around it. */
export interface ExecutorHost {
  readonly publisher: Publisher;
  readonly history: History;
  readonly reply: (request: Request, content: Reply) => void;
  /** Sends input_request to the client whose cell asked. */
  readonly askInput: (request: Request, prompt: string, password: boolean) => void;
  /** A page to show instead of running the cell, for `name?`. */
  readonly pager: (code: string) => Promise<Reply | undefined> | undefined;
  /** A cell ran without an error: later cells may use its declarations. */
  readonly committed: (code: string) => void;
  /** A fresh session took the place of another: nothing is declared any more. */
  readonly renewed: () => void;
}

interface Run {
  readonly id: RunId;
  readonly request: Request;
  readonly parent: Parent;
  readonly content: RequestContent<"execute_request">;
  readonly count: number;
  readonly history: HistoryEntry | undefined;
  readonly limit: OutputLimit;
  inputId: number | undefined;
}

/** Runs whose late output still finds its cell. */
const REMEMBERED_RUNS = 10_000;

/** The execution queue of one kernel. */
export class Executor {
  readonly comms = new CommRegistry();
  readonly #host: ExecutorHost;
  readonly #sessions: Sessions;
  #session: SessionProcess;
  #queue: Request[] = [];
  #run: Run | undefined;
  #advancing = false;
  #count = 0;
  #runs = 0;
  #parents = new Map<RunId, Parent>();
  #lastParent: Parent = {};
  /** Top-level names that cells declared in the present session. */
  #declared = new Set<string>();

  constructor(folder: string, host: ExecutorHost) {
    this.#host = host;
    this.#sessions = new Sessions(folder);
    this.#session = this.#open();
  }

  get declared(): readonly string[] {
    return [...this.#declared];
  }

  /** Header of the request whose cell is running. */
  get runningParent(): Parent | undefined {
    return this.#run?.parent;
  }

  enqueue(request: Request): void {
    this.#queue.push(request);
    this.#sessions.busy();
    if (!this.#advancing) void this.#advance();
  }

  /** Stops the running cell and keeps the variables; does nothing when none is running. */
  interrupt(): void {
    if (this.#run) this.#session.interrupt(this.#run.id);
  }

  /** Ends the session, whatever it is doing, and goes on with a fresh one. */
  restart(): void {
    const old = this.#session;
    old.listen({ text: () => {}, event: () => {}, ended: () => {} });
    old.kill();
    this.#session = this.#open();
    this.#host.renewed();
    this.#count = 0;
    if (this.#run) this.#finish({ ename: "Restarted", evalue: "The session was restarted.", traceback: [] });
  }

  /** Hands a client's answer to the cell that asked for it. */
  answerInput(value: string): void {
    const run = this.#run;
    if (run?.inputId === undefined) return;
    this.#session.send({ type: "input", id: run.inputId, value });
    run.inputId = undefined;
  }

  /** Passes a comm message from a client on to the session. */
  comm(message: "comm_open" | "comm_msg" | "comm_close", request: Request): void {
    const { content, metadata, buffers, header } = request.message;
    const id = content["comm_id"] as string;
    if (message === "comm_open") this.comms.opened(id, content["target_name"] as string);
    if (message === "comm_close") this.comms.closed(id);
    const run = this.#remember(header);
    this.#session.send({ type: "comm", run, message, content, metadata }, buffers);
  }

  /** Ends all sessions. Safe to call twice. */
  dispose(): void {
    this.#queue = [];
    this.#sessions.dispose();
    this.#session.listen({ text: () => {}, event: () => {}, ended: () => {} });
    this.#session.kill();
  }

  #open(): SessionProcess {
    const session = this.#sessions.take();
    this.#declared.clear();
    this.comms.clear();
    session.listen({
      text: (name, text) => this.#stream(name, text, this.#lastParent, this.#run),
      event: (frame) => this.#event(frame),
      ended: (end) => this.#ended(session, end),
    });
    return session;
  }

  async #advance(): Promise<void> {
    this.#advancing = true;
    for (let request = this.#queue.shift(); request; request = this.#queue.shift()) {
      await this.#execute(request);
    }
    this.#advancing = false;
    this.#sessions.quiet();
  }

  #finish: (failure?: Failure, expressions?: Readonly<Record<string, unknown>>) => void = () => {};

  async #execute(request: Request): Promise<void> {
    const { publisher, history, reply, pager, committed } = this.#host;
    const parent = request.message.header;
    publisher.status("busy", parent);
    let answer: Reply;
    let stop = false;
    try {
      const content = parseRequest("execute_request", request.message.content);
      const counted = content.store_history && !content.silent;
      const count = counted ? ++this.#count : this.#count;
      if (!content.silent)
        publisher.publish("execute_input", { code: content.code, execution_count: count }, parent);
      const entry = counted ? history.add(count, content.code) : undefined;
      const page = await pager(content.code);
      if (page) answer = { ...page, execution_count: count };
      else {
        const id = this.#remember(parent);
        const run = {
          id,
          request,
          parent,
          content,
          count,
          history: entry,
          limit: new OutputLimit(),
          inputId: undefined,
        };
        const { failure, expressions } = await this.#inSession(run);
        answer = failure
          ? { status: "error", ...failure, execution_count: count, user_expressions: {}, payload: [] }
          : { status: "ok", execution_count: count, user_expressions: expressions, payload: [] };
        stop = failure !== undefined && content.stop_on_error;
        if (!failure) committed(content.code);
      }
    } catch (error) {
      answer = { ...errorReply(error), execution_count: this.#count };
    }
    publisher.flush();
    // What the client sends after it has seen the reply is meant to run, so this is settled before.
    const aborted = stop ? await this.#sentTogether() : [];
    reply(request, answer);
    publisher.status("idle", parent);
    for (const one of aborted) this.#abort(one);
  }

  #inSession(
    run: Run,
  ): Promise<{ failure: Failure | undefined; expressions: Readonly<Record<string, unknown>> }> {
    return new Promise((resolve) => {
      this.#run = run;
      this.#lastParent = run.parent;
      this.#finish = (failure, expressions = {}) => {
        this.#run = undefined;
        this.#finish = () => {};
        resolve({ failure, expressions });
      };
      const { code, silent, allow_stdin, user_expressions } = run.content;
      const expressions = Object.fromEntries(
        Object.entries(user_expressions).map(([name, expression]) => [name, String(expression)]),
      );
      this.#session.send({
        type: "execute",
        run: run.id,
        count: run.count,
        // Cells without a number of their own must not take the name of one that has it.
        fileName: run.history ? `[${run.count}]` : `[unnumbered ${run.id}]`,
        code,
        silent,
        allowStdin: allow_stdin,
        expressions,
      });
    });
  }

  /** The cells that were sent together with the failed one. Takes them off the queue. */
  async #sentTogether(): Promise<Request[]> {
    // They may still be on their way from the socket to the queue.
    await new Promise((resolve) => setImmediate(resolve));
    return this.#queue.splice(0);
  }

  #abort(request: Request): void {
    const parent = request.message.header;
    this.#host.publisher.status("busy", parent);
    this.#host.reply(request, { status: "aborted", execution_count: this.#count });
    this.#host.publisher.status("idle", parent);
  }

  #event({ head, parts }: Frame<SessionEvent>): void {
    if (head.type === "ready" || head.type === "interrupted" || head.type === "exiting") return;
    const parent = this.#parents.get(head.run) ?? this.#lastParent;
    const run = this.#run?.id === head.run ? this.#run : undefined;
    if (head.type === "done") {
      for (const name of head.declared) this.#declared.add(name);
      if (run) this.#finish(head.failure, head.expressions);
    } else if (head.type === "stream") {
      this.#stream(head.name, Buffer.from(parts[0]!).toString("utf8"), parent, run);
    } else if (head.type === "input") {
      if (!run) return;
      run.inputId = head.id;
      this.#host.publisher.flush();
      this.#host.askInput(run.request, head.prompt, head.password);
    } else {
      if (head.comm && head.message === "comm_open") this.comms.opened(head.comm.id, head.comm.target ?? "");
      if (head.comm && head.message === "comm_close") this.comms.closed(head.comm.id);
      if (run?.content.silent) return;
      if (run?.history && head.text !== undefined) run.history.output = head.text;
      this.#host.publisher.publish(head.message, parts[0]!, parent, { buffers: parts.slice(1) });
    }
  }

  #stream(name: "stdout" | "stderr", text: string, parent: Parent, run: Run | undefined): void {
    if (run?.content.silent) return;
    this.#host.publisher.stream(name, run ? run.limit.admit(text) : text, run?.parent ?? parent);
  }

  #ended(session: SessionProcess, end: SessionEnd): void {
    if (session !== this.#session) return;
    this.#session = this.#open();
    this.#host.renewed();
    const failure = describeEnd(end);
    const { publisher } = this.#host;
    const run = this.#run;
    if (run && !run.content.silent) publisher.publish("error", { ...failure }, run.parent);
    if (!run) publisher.stream("stderr", `${failure.evalue}\n`, this.#lastParent);
    this.#finish(failure);
  }

  #remember(parent: Parent): RunId {
    const id = ++this.#runs;
    this.#parents.set(id, parent);
    this.#parents.delete(id - REMEMBERED_RUNS);
    return id;
  }
}
