/**
 * The session's second thread. It terminates code that heeds neither signal nor message, through an
 * inspector session on the main thread, and ends the process when the supervisor is gone.
 */
import { Session } from "node:inspector";
import { Socket } from "node:net";
import { PIPES } from "./events.js";

const session = new Session();
session.connectToMainThread();

const orders = new Socket({ fd: PIPES.watchdog });
orders.on("data", () => session.post("Runtime.terminateExecution"));
// Without a supervisor nobody will ever read what the cells do.
for (const event of ["end", "error"]) orders.on(event, () => process.kill(process.pid, "SIGKILL"));
