/** Whether a front end should run what was typed so far, or open another line. */
import type { OxcError } from "oxc-parser";
import { readingsOf } from "./compile/parse.js";
import type { Completeness } from "./types.js";

/** Errors that more text may cure although they are reported where the construct begins. */
const curable = /^(?:Unterminated multiline comment|Missing catch or finally clause|Missing initializer)/;

/**
 * Judges a source as Jupyter's `is_complete_request` asks for it: a parse error at the very end, or inside
 * a template, comment or tag that is still open, is cured by more text; any other is not.
 */
export function isComplete(source: string): Completeness {
  let isIncomplete = false;
  for (const { result } of readingsOf(source)) {
    const [error] = result.errors;
    if (error === undefined) return { status: "complete" };
    isIncomplete ||= isCurable(error, source);
  }
  return isIncomplete ? { status: "incomplete", indent: nextIndent(source) } : { status: "invalid" };
}

function isCurable(error: OxcError, source: string): boolean {
  const end = source.trimEnd().length;
  return error.labels.some(
    (label) =>
      label.start >= end ||
      (label.end >= end && curable.test(error.message)) ||
      (error.message === "Unterminated string" && source[label.start] === "`"),
  );
}

/** The indentation of the last line, two more after an opening bracket. */
function nextIndent(source: string): string {
  const line = source.trimEnd().split("\n").at(-1) ?? "";
  const indent = /^[ \t]*/.exec(line)?.[0] ?? "";
  return /[([{]$|=>$/.test(line) ? `${indent}  ` : indent;
}
