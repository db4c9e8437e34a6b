/** Runs cells: one at a time, in one global scope, with everything they say passed on to the supervisor. */
import { types } from "node:util";
import { AssayError } from "../../lib/errors.js";
import { type CellApi, type InputOptions, provideCellApi } from "./api.js";
import { type Cell, Cells } from "./cells.js";
import { CommTable } from "./comms.js";
import { followTimers, originOf, stopTimersOf, within } from "./context.js";
import { Displays, type Publish, type Render } from "./displays.js";
import type { RunId, SessionRequest } from "./events.js";
import { evaluateExpressions } from "./expressions.js";
import { describeFailure, Interrupted } from "./failure.js";
import type { GuardedRunner } from "./guard.js";
import type { Output } from "./output.js";
import { OutputQueue } from "./queue.js";
import { installStandardStreams } from "./standard-streams.js";
import { connectTslab } from "./tslab.js";

type ExecuteRequest = Extract<SessionRequest, { type: "execute" }>;

/** The run in progress. */
interface ActiveRun {
  readonly id: RunId;
  readonly request: ExecuteRequest;
  readonly interrupt: () => void;
}

/** One session; there is one in a process. */
export class Session {
  readonly #output: Output;
  readonly #queue = new OutputQueue();
  readonly #runner: GuardedRunner;
  readonly #cells: Cells;
  readonly #displays: Displays;
  readonly #comms: CommTable;
  #active: ActiveRun | undefined;
  #lastRun: RunId = 0;
  #inputs = new Map<number, (value: string) => void>();
  #inputCount = 0;

  constructor(folder: string, output: Output, render: Render, runner: GuardedRunner) {
    this.#output = output;
    this.#runner = runner;
    this.#cells = new Cells(folder, runner);
    this.#displays = new Displays(this.#queue, this.#publish, render, () => this.#origin());
    this.#comms = new CommTable((type, content, { buffers = [] }) => {
      const run = this.#origin();
      this.#queue.add(() => this.#publish(run, type, content, { buffers }));
    });
    followTimers(() => this.#origin());
    installStandardStreams((name, text) => this.#print(name, text));
    const api: CellApi = {
      display: (value, options) => this.#displays.show(value, options),
      clearOutput: ({ wait = false } = {}) => {
        const run = this.#origin();
        this.#queue.add(() => this.#publish(run, "clear_output", { wait }));
      },
      input: (prompt = "", options = {}) => this.#input(prompt, options),
      comm: this.#comms,
    };
    provideCellApi(api);
    connectTslab(({ data, metadata, transient }, update) => {
      const run = this.#origin();
      const type = update ? "update_display_data" : "display_data";
      this.#queue.add(() => this.#publish(run, type, { data, metadata, transient: transient ?? {} }));
    });
    Object.assign(globalThis, api);
    process.on("uncaughtException", (error) => this.#reportStray(error));
    process.on("unhandledRejection", (reason) => this.#reportStray(reason));
  }

  /** Does what the supervisor asks. */
  handle(request: SessionRequest, parts: readonly Uint8Array[]): void {
    if (request.type === "execute") this.#execute(request);
    else if (request.type === "interrupt") this.#interrupt(request.run);
    else if (request.type === "input") {
      this.#inputs.get(request.id)?.(request.value);
      this.#inputs.delete(request.id);
    } else {
      const { message, content, metadata, run } = request;
      const data = (content["data"] ?? {}) as Readonly<Record<string, unknown>>;
      within(run, () => {
        try {
          this.#comms.receive(message, content, { data, metadata, buffers: parts });
        } catch (error) {
          this.#reportStray(error);
        }
      });
    }
  }

  // Written with callbacks, not awaits: terminating a run drops the promise jobs that are due, and with
  // them an await of ours would never come back.
  #execute(request: ExecuteRequest): void {
    const { run, code, count, fileName } = request;
    let settled = false;
    let cell: Cell | undefined;
    let conclude = () => {};
    const settle = (finish: () => void) => {
      if (settled) return;
      settled = true;
      finish();
    };
    const end = (failed?: { readonly error: unknown }) => {
      conclude = this.#conclusion(request, cell, failed);
      this.#queue.add(conclude);
    };
    const succeed = (value: unknown) =>
      settle(() => {
        if (!request.silent) this.#displays.result(run, count, value);
        end();
      });
    const fail = (error: unknown) => settle(() => end({ error }));
    this.#active = {
      id: run,
      request,
      interrupt: () => {
        stopTimersOf(run);
        this.#queue.abandon();
        fail(new Interrupted());
        // Termination may have hit our own code after the cell: what it left undone is done now.
        conclude();
      },
    };
    this.#runner.begin(run);
    this.#lastRun = run;
    within(run, () => {
      try {
        cell = this.#cells.compile(code, fileName);
        const value = cell.run();
        if (value instanceof Promise) value.then(succeed, fail);
        else succeed(value);
      } catch (error) {
        fail(isInterrupt(error) ? new Interrupted() : error);
      }
    });
  }

  /** What ends a run: its error and the word that it is done. Does nothing when that was said already. */
  #conclusion(
    request: ExecuteRequest,
    cell: Cell | undefined,
    failed: { readonly error: unknown } | undefined,
  ): () => void {
    const { run } = request;
    const expressions = failed ? {} : evaluateExpressions(request.expressions, this.#cells);
    return () => {
      if (this.#active?.id !== run) return;
      this.#runner.end(run);
      const failure = failed && describeFailure(failed.error, this.#cells.stacks);
      if (failure && !request.silent) this.#publish(run, "error", { ...failure });
      const declared = cell?.declared ?? [];
      this.#output.event({ type: "done", run, ...(failure ? { failure } : {}), expressions, declared });
      this.#active = undefined;
    };
  }

  #interrupt(run: RunId): void {
    if (this.#active?.id === run) this.#active.interrupt();
    this.#output.urgent({ type: "interrupted", run });
  }

  /** The run that present output belongs to. */
  #origin(): RunId {
    return originOf() ?? this.#active?.id ?? this.#lastRun;
  }

  readonly #publish: Publish = (run, message, content, { text, buffers = [] } = {}) => {
    const id = content["comm_id"];
    const target = content["target_name"];
    const comm =
      typeof id === "string" ? { id, ...(typeof target === "string" ? { target } : {}) } : undefined;
    this.#output.event(
      { type: "publish", run, message, ...(text === undefined ? {} : { text }), ...(comm ? { comm } : {}) },
      [Buffer.from(JSON.stringify(content)), ...buffers],
    );
  };

  #print(name: "stdout" | "stderr", text: string): void {
    const run = this.#origin();
    this.#queue.add(() => {
      if (name === "stdout" && run === this.#active?.id) this.#output.print(text);
      else this.#output.event({ type: "stream", run, name }, [Buffer.from(text)]);
    });
  }

  /** An error that no cell awaits: shown under the cell whose code threw it; the session goes on. */
  #reportStray(error: unknown): void {
    const { traceback } = describeFailure(error, this.#cells.stacks);
    this.#print("stderr", `Uncaught ${traceback.join("\n")}\n`);
  }

  #input(prompt: string, { password = false }: InputOptions): Promise<string> {
    const active = this.#active;
    if (!active?.request.allowStdin) {
      const why = active ? "this front end takes no input" : "no cell is running";
      return Promise.reject(new AssayError("INVALID_ARGUMENT", `input("${prompt}"): ${why}.`));
    }
    const id = ++this.#inputCount;
    return new Promise((resolve) => {
      this.#inputs.set(id, resolve);
      this.#queue.add(() =>
        this.#output.event({ type: "input", run: active.id, id, prompt: String(prompt), password }),
      );
    });
  }
}

/** Only a genuine error is asked for its code: what was thrown may be a proxy that throws. */
const isInterrupt = (error: unknown): boolean =>
  types.isNativeError(error) && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_INTERRUPTED";
