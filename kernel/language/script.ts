/** From a compiled cell to a script of V8, with V8's own objections told in the user's lines. */
import vm from "node:vm";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { CellSyntaxError } from "./compile/syntax-error.js";
import type { CompiledCell } from "./types.js";

/**
 * Makes the script of a cell.
 *
 * @throws CellSyntaxError for the few early errors that only V8 finds, such as a malformed regular expression.
 */
export function createScript(cell: CompiledCell, source: string, fileName: string): vm.Script {
  try {
    return new vm.Script(cell.code, { filename: fileName });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { line, column, length } = placeOf(error.stack ?? "", cell);
    const lines = source.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column;
    throw new CellSyntaxError(error.message, source, start, start + length, fileName);
  }
}

/** V8 puts `file:line`, the line and carets above the message. */
function placeOf(stack: string, cell: CompiledCell): { line: number; column: number; length: number } {
  const [head = "", , carets = ""] = stack.split("\n");
  const line = Number(/:(\d+)$/.exec(head)?.[1] ?? 1);
  const place = originalPositionFor(new TraceMap(cell.map), {
    line,
    column: Math.max(0, carets.indexOf("^")),
  });
  return { line: place.line ?? 1, column: place.column ?? 0, length: carets.trim().length || 1 };
}
