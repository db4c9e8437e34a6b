/** Says in words why a session ended. */
import type { Failure } from "../session/events.js";
import type { SessionEnd } from "./session-process.js";

/** The error of the cell that was running: what happened, what is lost, what to do. */
export function describeEnd(end: SessionEnd): Failure {
  const evalue = `${reason(end)} All variables are gone; the next cell starts in a fresh session.`;
  return { ename: "SessionEnded", evalue, traceback: [`\u001b[31mSessionEnded\u001b[39m: ${evalue}`] };
}

function reason({ code, signal, exitCode, outOfMemory }: SessionEnd): string {
  if (outOfMemory) {
    return "The cell needed more memory than JavaScript may use (start the kernel with NODE_OPTIONS=--max-old-space-size=8192 to allow 8 GB).";
  }
  if (exitCode !== undefined) return `The cell called process.exit(${exitCode}).`;
  if (signal === "SIGKILL") return "The session was killed, perhaps because the machine ran out of memory.";
  if (signal) return `The session was ended by ${signal}; native code may have failed.`;
  return `The session ended by itself with code ${code}.`;
}
