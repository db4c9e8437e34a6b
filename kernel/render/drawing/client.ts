/** The session's side of the drawing worker: started on first use, closed when idle. */
import { Worker } from "node:worker_threads";
import type { Picture } from "../picture.js";
import type { Drawing, Job, JobResult } from "./jobs.js";

/** A picture, or why there is none. */
export type Drawn = Picture | { readonly problem: string };

const idleMs = 60_000;
const jobTimeoutMs = 30_000;

let worker: Worker | undefined;
let idleTimer: NodeJS.Timeout | undefined;
let nextId = 1;
const waiting = new Map<number, (drawn: Drawn) => void>();

/**
 * Makes a drawing in the worker. Never rejects: a picture that cannot be drawn leaves its output without one.
 * A drawing that takes longer than 30 s is given up.
 */
export async function draw(drawing: Drawing): Promise<Drawn> {
  const id = nextId++;
  const timer = setTimeout(() => stop("drawing took longer than 30 s"), jobTimeoutMs);
  try {
    return await new Promise<Drawn>((resolve) => {
      waiting.set(id, resolve);
      clearTimeout(idleTimer);
      const running = (worker ??= start());
      running.ref();
      running.postMessage({ id, drawing } satisfies Job);
    });
  } catch (error) {
    // Data that cannot be sent to another thread, e.g. a function among the traces.
    waiting.delete(id);
    return { problem: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
    if (waiting.size === 0) rest();
  }
}

/** Ends the worker now; the next drawing starts a new one. */
export async function closeDrawing(): Promise<void> {
  clearTimeout(idleTimer);
  const running = worker;
  worker = undefined;
  await running?.terminate();
}

function start(): Worker {
  // The worker's own output is none of the cell's, and flags meant for the session are not meant for it.
  const made = new Worker(new URL("./worker.js", import.meta.url), {
    execArgv: [],
    stdout: true,
    stderr: true,
    name: "assay drawing",
  });
  made.on("message", (result: JobResult) => settle(result));
  made.on("error", (error) => made === worker && stop(error.message));
  made.on("exit", () => made === worker && stop("the drawing worker ended"));
  return made;
}

function settle(result: JobResult): void {
  const resolve = waiting.get(result.id);
  waiting.delete(result.id);
  if ("problem" in result) resolve?.(result);
  else {
    const { png, width, height } = result;
    resolve?.({ base64: Buffer.from(png).toString("base64"), width, height });
  }
}

/** Gives up everything that waits. */
function stop(problem: string): void {
  const running = worker;
  worker = undefined;
  void running?.terminate();
  for (const resolve of waiting.values()) resolve({ problem });
  waiting.clear();
}

/** An idle worker neither keeps the process alive nor its 250 MB for long. */
function rest(): void {
  worker?.unref();
  clearTimeout(idleTimer);
  idleTimer = setTimeout(() => void closeDrawing(), idleMs);
  idleTimer.unref();
}
