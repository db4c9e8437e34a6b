/** What cells can call. The functions find the session they run in; elsewhere they print, or say why they cannot. */
import { inspect } from "node:util";
import { AssayError } from "../../lib/errors.js";
import type { Comm, Comms } from "./comms.js";

export interface DisplayOptions {
  /** The value is a MIME bundle that is shown as it stands. */
  readonly raw?: boolean;
  /** Names the display, so that it can be updated later and from other cells. */
  readonly displayId?: string;
  /** Metadata of the MIME bundle, e.g. `{ "image/png": { width: 300 } }`. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A display that can be changed after it was shown. */
export interface DisplayHandle {
  readonly displayId: string;
  /** Shows another value in its place. */
  update(value: unknown, options?: Pick<DisplayOptions, "raw" | "metadata">): void;
}

export interface InputOptions {
  /** Does not show what is typed. */
  readonly password?: boolean;
}

/** What a session provides to the code that runs in it. */
export interface CellApi {
  display(value: unknown, options?: DisplayOptions): DisplayHandle;
  clearOutput(options?: { readonly wait?: boolean }): void;
  input(prompt?: string, options?: InputOptions): Promise<string>;
  readonly comm: Comms;
}

/** Global, since user code may load another copy of this file than the session did. */
const SESSION = Symbol.for("assay.session");

interface WithSession {
  [SESSION]?: CellApi;
}

/** Makes the functions below work in this process. */
export function provideCellApi(api: CellApi): void {
  (globalThis as WithSession)[SESSION] = api;
}

const session = (): CellApi | undefined => (globalThis as WithSession)[SESSION];

function required(what: string): CellApi {
  const api = session();
  if (api) return api;
  throw new AssayError(
    "INVALID_ARGUMENT",
    `${what} works in a notebook cell only: no front end is connected here.`,
  );
}

/**
 * Draws any value: a tensor, a figure, a table, an audit result, or whatever has a
 * `[Symbol.for("Jupyter.display")]()` method. In plain Node it prints the value.
 *
 * @returns A handle whose `update` replaces what was drawn.
 *
 * @example
 * display({ "text/html": "<b>bold</b>" }, { raw: true });
 * const progress = display("0 %");
 * progress.update("50 %");
 */
export function display(value: unknown, options: DisplayOptions = {}): DisplayHandle {
  const api = session();
  if (api) return api.display(value, options);
  const print = (shown: unknown) =>
    void process.stdout.write(`${typeof shown === "string" ? shown : inspect(shown)}\n`);
  print(value);
  return { displayId: options.displayId ?? "", update: print };
}

/** Clears what the cell has shown; with `wait`, when the next output comes, so that nothing flickers. */
export function clearOutput(options: { readonly wait?: boolean } = {}): void {
  session()?.clearOutput(options);
}

/**
 * Asks the person at the front end for a line of text.
 *
 * @throws AssayError INVALID_ARGUMENT if the front end takes no input, as in a headless run.
 */
export function input(prompt = "", options: InputOptions = {}): Promise<string> {
  return required("input").input(prompt, options);
}

/**
 * Messages to and from widgets in the front end.
 *
 * @example
 * const c = comm.open("target", { a: 1 });
 * c.onMessage((message) => console.log(message.data));
 * c.send({ b: 2 });
 */
export const comm: Comms = {
  open: (target, data, options): Comm => required("comm.open").comm.open(target, data, options),
  registerTarget: (target, opened) => required("comm.registerTarget").comm.registerTarget(target, opened),
};
