/** The error of a cell that cannot be parsed, with its place in the cell. */
import type { Diagnostic } from "../types.js";

/** Line and column (both 1-based, UTF-16 units) of an offset in a text. */
export function positionAt(source: string, offset: number): { line: number; column: number } {
  const before = source.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - (before.lastIndexOf("\n") + 1) + 1 };
}

/** The line of a source with a caret line under the place: two lines of text. */
function excerptAt(source: string, line: number, column: number, length = 1): string {
  const text = source.split(/\r\n|\n/)[line - 1] ?? "";
  const room = Math.max(1, Math.min(length, text.length - column + 1));
  const indent = text.slice(0, column - 1).replace(/[^\t]/g, " ");
  return `${text}\n${indent}${"^".repeat(room)}`;
}

/** Thrown by `compileCell`. Its `name` is `SyntaxError`, as the engine's own errors have it. */
export class CellSyntaxError extends SyntaxError implements Diagnostic {
  readonly line: number;
  readonly column: number;
  readonly length: number;
  /** The offending line with carets under the place. */
  readonly excerpt: string;

  constructor(message: string, source: string, start: number, end: number, fileName: string) {
    super(message);
    this.name = "SyntaxError";
    const { line, column } = positionAt(source, start);
    this.line = line;
    this.column = column;
    this.length = Math.max(1, end - start);
    this.excerpt = excerptAt(source, line, column, this.length);
    // The frames of this class are ours: only the place in the cell concerns the user.
    this.stack = `${fileName}:${line}:${column}\n${this.excerpt}\n\nSyntaxError: ${message}`;
  }
}
