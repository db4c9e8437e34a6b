/** Stack traces in the user's own lines: frames of cells are mapped, those of the machinery are left out. */
import { fileURLToPath } from "node:url";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { loadedModules } from "./process-state.js";
import type { MappedSource } from "./types.js";

export interface StackFrame {
  /** Name of the function, empty at the top level. */
  readonly name: string;
  readonly file: string;
  /** 1-based, as are columns. */
  readonly line: number;
  readonly column: number;
}

export interface MappedStack {
  /** User-visible frames, innermost first. */
  readonly frames: readonly StackFrame[];
  /** Those frames as text, one `    at name (file:line:column)` a line. */
  readonly text: string;
  /** The failing line of the innermost cell or local module, with its neighbours and a caret; or null. */
  readonly excerpt: string | null;
}

const framePattern = /^\s+at (?:(.*?) \()?(?:async )?(.+?):(\d+):(\d+)\)?$/;
const kernelFolder = fileURLToPath(new URL("..", import.meta.url));
const linesAround = 2;

/** Remembers what ran, and reads stacks in its terms. */
export class StackMapper {
  readonly #sources = new Map<string, MappedSource>();
  readonly #maps = new WeakMap<MappedSource, TraceMap>();

  /** Makes a cell known under the file name that its frames have; local modules are known already. */
  register(fileName: string, source: MappedSource): void {
    this.#sources.set(fileName, source);
  }

  /**
   * Reads the `stack` of an error.
   *
   * Frames of Node and of the kernel are left out, and so is everything below the cell that was run.
   * Frames without a file (natives such as `Array.map`) are left out too.
   */
  mapStack(stack: string): MappedStack {
    const frames: StackFrame[] = [];
    for (const line of stack.split("\n")) {
      const frame = this.#frameOf(line);
      if (frame) frames.push(frame);
    }
    const text = frames.map(frameText).join("\n");
    const own = frames.find(({ file }) => this.#sourceOf(file));
    return { frames, text, excerpt: own ? this.#excerpt(own) : null };
  }

  #frameOf(line: string): StackFrame | null {
    const match = framePattern.exec(line);
    if (!match) return null;
    const [, called = "", where = "", row = "", column = ""] = match;
    const file = where.startsWith("file://") ? fileURLToPath(where) : where;
    if (file.startsWith("node:") || file.startsWith(kernelFolder)) return null;
    const frame = { name: called.replace(/^async /, ""), file, line: Number(row), column: Number(column) };
    return this.#sourceOf(file) ? this.#mapFrame(frame) : frame;
  }

  /** A frame that stands where the user wrote nothing is the machinery's. */
  #mapFrame(frame: StackFrame): StackFrame | null {
    const { line, column, source } = originalPositionFor(this.#mapOf(frame.file), {
      line: frame.line,
      column: frame.column - 1,
    });
    return source === null ? null : { ...frame, line, column: column + 1 };
  }

  #sourceOf(fileName: string): MappedSource | undefined {
    return this.#sources.get(fileName) ?? loadedModules.get(fileName);
  }

  #mapOf(fileName: string): TraceMap {
    const source = this.#sourceOf(fileName)!;
    const known = this.#maps.get(source);
    if (known) return known;
    const map = new TraceMap(source.map);
    this.#maps.set(source, map);
    return map;
  }

  #excerpt({ file, line, column }: StackFrame): string {
    const lines = this.#sourceOf(file)!.source.split(/\r?\n/);
    const first = Math.max(1, line - linesAround);
    const last = Math.min(lines.length, line + linesAround);
    const width = String(last).length;
    const shown: string[] = [];
    for (let number = first; number <= last; number++) {
      const text = lines[number - 1]!;
      shown.push(`${number === line ? ">" : " "} ${String(number).padStart(width)} | ${text}`);
      if (number === line) {
        const indent = text.slice(0, column - 1).replace(/[^\t]/g, " ");
        shown.push(`  ${" ".repeat(width)} | ${indent}^`);
      }
    }
    return shown.join("\n");
  }
}

const frameText = ({ name, file, line, column }: StackFrame): string =>
  name === "" ? `    at ${file}:${line}:${column}` : `    at ${name} (${file}:${line}:${column})`;
