/** The session's process. Its pipes are described in events.ts. */
import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import type { Render } from "./displays.js";
import { PIPES, type SessionRequest } from "./events.js";
import { type Frame, FrameReader } from "./frames.js";
import { GuardedRunner, newGuard } from "./guard.js";
import { Output } from "./output.js";
import { Session } from "./session.js";

declare global {
  namespace NodeJS {
    interface Process {
      /** What process.exit calls after the exit listeners ran. */
      reallyExit(code?: number): never;
    }
  }
}

// A signal ends guarded code only (guard.ts); at any other time it is harmless.
process.on("SIGINT", () => {});

const output = new Output(Buffer.from(process.argv[2] ?? "", "hex"));
process.argv.length = 1;
// Node would wait for the watchdog's inspector session and print a line about it; all output is out already.
process.reallyExit = (code = 0) => {
  output.urgent({ type: "exiting", code });
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable");
};

// Loaded behind the first cell: most first cells show nothing that needs drawing.
let renderer: Promise<typeof import("../render/index.js")> | undefined;
const loadRenderer = () => (renderer ??= import("../render/index.js"));
const render: Render = async (value) => (await loadRenderer()).render(value);

// Node's own, before the session makes timers follow the cells.
const afterThisTurn = setImmediate;
const guard = newGuard();
const runner = new GuardedRunner(guard);
const session = new Session(process.cwd(), output, render, runner);
const reader = new FrameReader<SessionRequest>();
const requests = new Socket({ fd: PIPES.requests });
// One request a turn of the event loop: an interrupt that came with its cell finds the cell's code running.
// Terminated code takes with it what it was about to do; requests that wait here are not lost with it.
const waiting: Frame<SessionRequest>[] = [];
const next = () => {
  const request = waiting.shift();
  if (!request) return;
  if (waiting.length > 0) afterThisTurn(next);
  session.handle(request.head, request.parts);
  if (!renderer) afterThisTurn(loadRenderer);
};
requests.on("data", (chunk: Buffer) => {
  const idle = waiting.length === 0;
  waiting.push(...reader.push(chunk));
  if (idle) next();
});
// Without a supervisor nobody will ever read what the cells do.
requests.on("end", () => process.kill(process.pid, "SIGKILL"));

new Worker(new URL("./watchdog.js", import.meta.url), { workerData: guard }).unref();
runner.open();
output.urgent({ type: "ready" });
