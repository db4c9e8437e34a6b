/** Turns whatever was thrown into the error that the notebook shows: message, place in the cell, causes. */
import { fileURLToPath } from "node:url";
import { inspect, types } from "node:util";
import { CellSyntaxError, type StackMapper } from "../language/index.js";
import type { Failure } from "./events.js";

/** What a cell is told when the user stopped it. Front ends know the name. */
export class Interrupted extends Error {
  override readonly name = "KeyboardInterrupt";

  constructor() {
    super("Interrupted. Variables are kept.");
    this.stack = "";
  }
}

/** Causes of causes, and members of an AggregateError, are shown up to here. */
const MAX_DEPTH = 5;
const MAX_MEMBERS = 10;

const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;
const dim = (text: string): string => `\u001b[2m${text}\u001b[22m`;

/** Name, message and traceback of a thrown value, whatever it is. */
export function describeFailure(thrown: unknown, mapper: StackMapper): Failure {
  try {
    const { ename, evalue } = headOf(thrown);
    return { ename, evalue, traceback: describe(thrown, mapper, 0) };
  } catch (error) {
    // A thrown proxy, or getters that throw.
    const why = types.isNativeError(error) ? ` (${error.message})` : "";
    const evalue = `A value was thrown that cannot be shown${why}.`;
    return { ename: "Thrown", evalue, traceback: [red(evalue)] };
  }
}

function describe(thrown: unknown, mapper: StackMapper, depth: number): string[] {
  const { ename, evalue } = headOf(thrown);
  const text = [`${red(ename)}: ${evalue}`];
  if (!isError(thrown)) return text;
  if (thrown instanceof CellSyntaxError) {
    return [...text, `${dim(`at line ${thrown.line}, column ${thrown.column}`)}\n${thrown.excerpt}`];
  }
  const isOurs = thrown.name === "AssayError";
  const stack = String(thrown.stack ?? "");
  const { excerpt, text: frames } = mapper.mapStack(isOurs ? withoutOwnFrames(stack) : stack);
  if (excerpt) text.push(excerpt);
  if (frames) text.push(dim(frames));
  // Its message says what was wrong and what to do; how we found out is for error.cause, not for the page.
  if (isOurs) return text;
  if (depth >= MAX_DEPTH) return text;
  if (thrown instanceof AggregateError) text.push(...describeMembers(thrown, mapper, depth));
  if (thrown.cause !== undefined) {
    const [first = "", ...rest] = describe(thrown.cause, mapper, depth + 1);
    text.push(`Caused by ${first}`, ...rest);
  }
  return text;
}

const ownFolder = fileURLToPath(new URL("../../", import.meta.url));

/** The frames of the person who made the mistake: those of the cell and of their own modules. */
const withoutOwnFrames = (stack: string): string =>
  stack
    .split("\n")
    .filter((line) => !(/^\s+at /.test(line) && line.includes(ownFolder)))
    .join("\n");

function describeMembers({ errors }: AggregateError, mapper: StackMapper, depth: number): string[] {
  const shown = errors.slice(0, MAX_MEMBERS).flatMap((member, index) => {
    const [first = "", ...rest] = describe(member, mapper, depth + 1);
    return [`Error ${index + 1} of ${errors.length}: ${first}`, ...rest];
  });
  return errors.length > MAX_MEMBERS ? [...shown, `… and ${errors.length - MAX_MEMBERS} more`] : shown;
}

function headOf(thrown: unknown): { ename: string; evalue: string } {
  if (!isError(thrown)) {
    const shown = typeof thrown === "string" ? thrown : inspect(thrown);
    return { ename: "Thrown", evalue: shown };
  }
  // Most classes of errors do not set a name of their own.
  const { name, constructor: madeBy } = thrown;
  const ename = name === "Error" && madeBy?.name ? madeBy.name : String(name);
  return { ename, evalue: String(thrown.message) };
}

/** Also of errors that come from another realm. */
const isError = (value: unknown): value is Error => value instanceof Error || types.isNativeError(value);
