/** Everything without a picture: strings as they are, the rest as `util.inspect` writes it, with bounds. */
import { inspect } from "node:util";
import type { Display } from "../../protocol/mime.js";
import { formatInteger } from "../format.js";

const limits = { depth: 4, maxArrayLength: 100, maxStringLength: 10_000, breakLength: 100 } as const;

/** Longer text would make the notebook's file too large for its viewers. */
const maxLength = 1_000_000;

/** The value as text. */
export function renderPlain(value: unknown): Display {
  const text = typeof value === "string" ? value : inspectSafely(value);
  const rest = text.length - maxLength;
  const shown = rest > 0 ? `${text.slice(0, maxLength)}\n… ${formatInteger(rest)} more characters` : text;
  return { data: { "text/plain": shown }, metadata: {} };
}

function inspectSafely(value: unknown): string {
  try {
    return inspect(value, limits);
  } catch (error) {
    // The value's own inspect method, or a getter it uses, threw.
    const why = error instanceof Error ? error.message : "unknown reason";
    return `${inspect(value, { ...limits, customInspect: false })}\n(its own inspect failed: ${why})`;
  }
}
