/** Says that something takes long, also while this thread is held up by a run that cannot be interrupted. */
import { Worker } from "node:worker_threads";

/** Milliseconds until the first line, and between two. */
const FIRST = 10_000;
const AGAIN = 60_000;

/**
 * Writes a line to standard error after ten seconds, and one a minute after that, until disposed.
 *
 * A run of a model blocks its thread, timers and all: the clock stands in a thread of its own.
 *
 * @param what What takes long, such as `the first runs of "m.onnx"`.
 */
export function sayIfLong(what: string, first = FIRST): Disposable {
  const worker = new Worker(clock, { eval: true, execArgv: [], workerData: { what, first, again: AGAIN } });
  // It must neither keep the process alive nor end it.
  worker.unref();
  worker.on("error", () => {});
  return {
    [Symbol.dispose]() {
      void worker.terminate();
    },
  };
}

const clock = `
const { writeSync } = require("node:fs");
const { workerData: { what, first, again } } = require("node:worker_threads");
const start = Date.now();
const say = () => {
  const seconds = Math.round((Date.now() - start) / 1000);
  try {
    writeSync(2, \`assay: \${what}: \${seconds} s so far. A run cannot be stopped halfway; Ctrl-C ends the audit.\\n\`);
  } catch {}
  setTimeout(say, again);
};
setTimeout(say, first);
`;
