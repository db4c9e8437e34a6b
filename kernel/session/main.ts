/** The session's process. Its pipes are described in events.ts. */
import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { render } from "../render/index.js";
import { PIPES, type SessionRequest } from "./events.js";
import { FrameReader } from "./frames.js";
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

// Interrupts of running code arrive as SIGINT and are seen by the virtual machine. Outside, it is harmless.
process.on("SIGINT", () => {});

const output = new Output(Buffer.from(process.argv[2] ?? "", "hex"));
process.argv.length = 1;
// Node would wait for the watchdog's inspector session and print a line about it; all output is out already.
process.reallyExit = (code = 0) => {
  output.urgent({ type: "exiting", code });
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable");
};

const session = new Session(process.cwd(), output, render);
const reader = new FrameReader<SessionRequest>();
const requests = new Socket({ fd: PIPES.requests });
requests.on("data", (chunk: Buffer) => {
  for (const { head, parts } of reader.push(chunk)) session.handle(head, parts);
});
// Without a supervisor nobody will ever read what the cells do.
requests.on("end", () => process.kill(process.pid, "SIGKILL"));

new Worker(new URL("./watchdog.js", import.meta.url), { stdin: false }).unref();
output.urgent({ type: "ready" });
