/**
 * The session's second thread: stops the code that runs on the first. Synchronous code is stopped by a signal,
 * which also reaches the programs that the cell started; code that runs in a promise job or a timer is
 * terminated through an inspector session.
 */
import { readFileSync } from "node:fs";
import { Session } from "node:inspector";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { workerData } from "node:worker_threads";
import { PIPES } from "./events.js";
import { GUARD, SLOTS } from "./guard.js";

const guard = workerData as Int32Array;
const session = new Session();
session.connectToMainThread();

/** Time for a signal to be delivered and ignored. */
const DELIVERY_MS = 2;
const LOOK_MS = 10;

/** Work that the main thread may do, after it was asked to stop, before it is terminated. */
const PATIENCE_MS = 40;

let pursuit: NodeJS.Timeout | undefined;
let pursued = 0;

/** Stops a run, however long it takes to begin or to give in. */
function pursue(run: number): void {
  if (pursued === run) return;
  clearInterval(pursuit);
  pursued = run;
  let toldGroup = false;
  let terminating = false;
  let start = workDone();
  const look = () => {
    const current = Atomics.load(guard, SLOTS.run);
    if (current === -run || Math.abs(current) > run) {
      clearInterval(pursuit);
      pursued = 0;
      return;
    }
    // What keeps a run from beginning may be a timer of an earlier cell; it is terminated all the same.
    if (current === run) toldGroup = signal(toldGroup);
    // Not the clock decides: on a busy machine a thread that would obey may not have had its turn.
    if (terminating || workDone() - start < PATIENCE_MS) return;
    if (Atomics.load(guard, SLOTS.state) !== GUARD.idle) return;
    terminating = true;
    session.post("Runtime.terminateExecution", () => {
      terminating = false;
      start = workDone();
    });
  };
  pursuit = setInterval(look, LOOK_MS);
  look();
}

/** Signals guarded code; otherwise, once, the programs that the cell started. Says whether they were told. */
function signal(toldGroup: boolean): boolean {
  if (Atomics.compareExchange(guard, SLOTS.state, GUARD.running, GUARD.signalled) === GUARD.running) {
    signalGroup();
    return true;
  }
  if (toldGroup) return true;
  if (Atomics.compareExchange(guard, SLOTS.state, GUARD.idle, GUARD.locked) !== GUARD.idle) return false;
  signalGroup();
  Atomics.wait(guard, SLOTS.state, GUARD.locked, DELIVERY_MS);
  Atomics.store(guard, SLOTS.state, GUARD.idle);
  return true;
}

function signalGroup(): void {
  process.kill(process.platform === "win32" ? process.pid : -process.pid, "SIGINT");
}

/** Milliseconds that the main thread has worked; where the system does not tell, part of the time that passed. */
function workDone(): number {
  try {
    const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
    return Number(nanoseconds) / 1e6;
  } catch {
    return performance.now() / 5;
  }
}

const orders = new Socket({ fd: PIPES.watchdog });
createInterface({ input: orders }).on("line", (run) => pursue(Number(run)));
// Without a supervisor nobody will ever read what the cells do.
for (const event of ["end", "error"]) orders.on(event, () => process.kill(process.pid, "SIGKILL"));
