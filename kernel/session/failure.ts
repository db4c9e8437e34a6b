/** Turns whatever was thrown into the error that the notebook shows. */
import { inspect } from "node:util";
import type { Failure } from "./events.js";

/** What a cell is told when the user stopped it. */
export class Interrupted extends Error {
  override readonly name = "KeyboardInterrupt";

  constructor() {
    super("Interrupted. Variables are kept.");
    this.stack = "";
  }
}

const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;

/** Name, message and traceback of a thrown value, whatever it is. */
export function describeFailure(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) {
    const shown = typeof thrown === "string" ? thrown : inspect(thrown);
    return { ename: "Thrown", evalue: shown, traceback: [`${red("Thrown")}: ${shown}`] };
  }
  const ename = String(thrown.name || thrown.constructor.name);
  const evalue = String(thrown.message);
  const frames = (thrown.stack ?? "").split("\n").filter((line) => /^\s+at .*\[\d+\]:/.test(line));
  return { ename, evalue, traceback: [`${red(ename)}: ${evalue}`, ...frames] };
}
