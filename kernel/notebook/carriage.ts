/** Text of a stream as a terminal leaves it: what a progress bar wrote over is gone. */

/**
 * Gathers a stream piece by piece. A carriage return goes back to the start of its line, and what follows is
 * written over what stands there; only the last line is ever looked at again.
 */
export class StreamText {
  readonly #lines: string[] = [];
  #last = "";
  /** The text ended in a carriage return: what comes next starts at the line's beginning. */
  #returned = false;

  write(text: string): void {
    const lines = (this.#returned ? `\r${text}` : text).replaceAll(/\r+\n/g, "\n").split("\n");
    this.#returned = false;
    for (const [i, line] of lines.entries()) {
      if (i > 0) {
        this.#lines.push(`${this.#last}\n`);
        this.#last = "";
      }
      this.#last = this.#writeOver(this.#last, line);
    }
  }

  toString(): string {
    return this.#lines.join("") + this.#last;
  }

  #writeOver(line: string, text: string): string {
    if (!text.includes("\r")) return line + text;
    const [first = "", ...passes] = text.split(/\r+/);
    let shown = line + first;
    for (const [i, pass] of passes.entries()) {
      if (pass === "" && i === passes.length - 1) this.#returned = true;
      shown = pass + shown.slice(pass.length);
    }
    return shown;
  }
}
