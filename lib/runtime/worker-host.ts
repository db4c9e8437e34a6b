/** Sessions that run in a worker thread, so that this thread's timers, messages and cells go on meanwhile. */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { AssayError } from "../errors.js";
import type { Tensor } from "../tensor/index.js";
import { GATE } from "./gate.js";
import { nativeFeeds, type Session, type SessionOptions, type Tensors } from "./session.js";
import { type Created, copied, type Reply, type Request, thrownError } from "./worker-messages.js";

/** Milliseconds in which the worker must start, on the slowest machine. */
const START = 60_000;
/** Milliseconds that an ending process waits for a run to end. */
const LAST_RUN = 30_000;

/** Without the name of its reply, which the host gives. */
type Question = Request extends infer Each ? (Each extends unknown ? Omit<Each, "id"> : never) : never;

interface Host {
  /** Asks and goes on. */
  ask(question: Question, memory?: readonly ArrayBuffer[]): Promise<unknown>;
  /** Asks and waits, with this thread standing still. */
  askSync(question: Question, memory?: readonly ArrayBuffer[]): unknown;
}

let host: Host | undefined;
let sessionsMade = 0;

/**
 * Makes a session in the worker thread of this process, which is started on first use.
 *
 * Making it blocks as a session of this thread does; its awaited runs do not. All such sessions share one worker,
 * so that their runs queue as they would here. The worker is never ended during a run (that would abort the process):
 * jobs stop between runs, and an ending process waits for the run at hand.
 */
export function createWorkerSession(model: Uint8Array | string, options: SessionOptions): Session {
  host ??= startHost();
  const { ask, askSync } = host;
  const session = ++sessionsMade;
  const bytes = typeof model === "string" ? model : model.slice();
  const memory = typeof bytes === "string" ? [] : [bytes.buffer as ArrayBuffer];
  const { inputs, outputs } = askSync(
    { kind: "create", session, model: bytes, options: { ...options, worker: false } },
    memory,
  ) as Created;
  const byName = new Map(inputs.map((input) => [input.name, input]));
  let disposed = false;
  let held: Tensors = {};
  const question = (
    feeds: Tensors,
    wanted: readonly string[] | undefined,
  ): readonly [Question, ArrayBuffer[]] => {
    if (disposed) {
      throw new AssayError("INVALID_ARGUMENT", "This session was disposed of; load the model again.");
    }
    // Here, so that a wrong feed fails at the caller's line and is never sent.
    nativeFeeds(byName, { ...held, ...feeds });
    const { tensors, memory: given } = copied(feeds);
    return [{ kind: "run", session, feeds: tensors, outputs: wanted }, given];
  };
  const dispose = (): void => {
    if (disposed) return;
    disposed = true;
    // After the runs that were asked for; nobody waits for it.
    void ask({ kind: "dispose", session }).catch(() => {});
  };
  return {
    inputs,
    outputs,
    run: async (feeds, wanted) => (await ask(...question(feeds, wanted))) as Record<string, Tensor>,
    runSync: (feeds, wanted) => askSync(...question(feeds, wanted)) as Record<string, Tensor>,
    hold: (feeds) => {
      held = { ...held, ...feeds };
      const { tensors, memory: given } = copied(feeds);
      askSync({ kind: "hold", session, feeds: tensors }, given);
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

function startHost(): Host {
  const { port1, port2 } = new MessageChannel();
  const memory = new Int32Array(new SharedArrayBuffer(4 * Object.keys(GATE).length));
  const worker = new Worker(new URL("./worker.js", import.meta.url), {
    workerData: { port: port2, memory },
    transferList: [port2],
    name: "assay sessions",
    // Not this process's: with "-e" or "--input-type" a thread that starts from a file would not start.
    execArgv: [],
  });
  // While this thread waits it cannot be told that the other one failed.
  if (Atomics.wait(memory, GATE.ready, 0, START) === "timed-out") {
    throw new AssayError(
      "RUN_FAILED",
      `The worker thread of sessions did not start within ${START / 1000} s.`,
    );
  }
  worker.unref();
  const pending = new Map<number, Pending>();
  let asked = 0;
  const settle = (reply: Reply): void => {
    const waiting = pending.get(reply.id);
    pending.delete(reply.id);
    if (pending.size === 0) port1.unref();
    if ("error" in reply) waiting?.reject(thrownError(reply.error));
    else waiting?.resolve(reply.value);
  };
  const send = (question: Question, given: readonly ArrayBuffer[], waiting: Pending): number => {
    const id = ++asked;
    pending.set(id, waiting);
    port1.ref();
    port1.postMessage({ ...question, id }, given as ArrayBuffer[]);
    return id;
  };
  port1.on("message", settle);
  port1.unref();
  worker.on("error", (cause) => fail(pending, cause));
  worker.on("exit", () => fail(pending, new Error("the thread has ended")));
  process.once("exit", () => finishRun(memory));
  return {
    ask: (question, given = []) =>
      new Promise((resolve, reject) => {
        send(question, given, { resolve, reject });
      }),
    askSync(question, given = []) {
      let answer: { value: unknown } | { error: Error } | undefined;
      send(question, given, {
        resolve: (value) => {
          answer = { value };
        },
        reject: (error) => {
          answer = { error };
        },
      });
      while (answer === undefined) waitForReply(port1, memory, settle);
      if ("error" in answer) throw answer.error;
      return answer.value;
    },
  };
}

/** Takes one reply off the port, or stands still until there is one. */
function waitForReply(port: MessagePort, memory: Int32Array, settle: (reply: Reply) => void): void {
  const seen = Atomics.load(memory, GATE.replies);
  const received = receiveMessageOnPort(port) as { message: Reply } | undefined;
  if (received) settle(received.message);
  else Atomics.wait(memory, GATE.replies, seen);
}

/** Closes the gate and waits until no native code runs behind it. */
function finishRun(memory: Int32Array): void {
  Atomics.store(memory, GATE.closed, 1);
  if (Atomics.load(memory, GATE.busy) === 1) Atomics.wait(memory, GATE.busy, 1, LAST_RUN);
}

function fail(pending: Map<number, Pending>, cause: Error): void {
  host = undefined;
  for (const { reject } of pending.values()) {
    reject(
      new AssayError("RUN_FAILED", `The worker thread of sessions failed: ${cause.message}.`, {}, { cause }),
    );
  }
  pending.clear();
}
