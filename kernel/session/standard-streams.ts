/** Replaces process.stdout and process.stderr, so that text reaches the cell whose code printed it. */
import { Writable } from "node:stream";

/** What is done with a piece of text that code printed. */
export type Print = (name: "stdout" | "stderr", text: string) => void;

/** Installs streams that hand their text on at once; console prints through them. */
export function installStandardStreams(print: Print): void {
  for (const [fd, name] of [
    [1, "stdout"],
    [2, "stderr"],
  ] as const) {
    const stream = new CellStream(fd, (text) => print(name, text));
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
  }
}

class CellStream extends Writable {
  readonly fd: number;
  readonly isTTY = false;
  readonly #print: (text: string) => void;
  readonly #decoder = new TextDecoder();

  constructor(fd: number, print: (text: string) => void) {
    super({ decodeStrings: false });
    this.fd = fd;
    this.#print = print;
  }

  override _write(chunk: string | Uint8Array, encoding: BufferEncoding, done: () => void): void {
    if (typeof chunk !== "string") this.#print(this.#decoder.decode(chunk, { stream: true }));
    else if (encoding === "utf8" || encoding === "utf-8") this.#print(chunk);
    else this.#print(Buffer.from(chunk, encoding).toString("utf8"));
    done();
  }

  /** Ending standard output would silence all later cells. */
  override end(...args: unknown[]): this {
    const [chunk] = args;
    if (typeof chunk === "string" || chunk instanceof Uint8Array) this.write(chunk);
    return this;
  }
}
