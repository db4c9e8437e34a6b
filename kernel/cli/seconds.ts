/** Times on the command line. */
import { AssayError } from "../../lib/errors.js";

/** Reads seconds, which may have a fraction. */
export function parseSeconds(text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new AssayError("INVALID_ARGUMENT", `expected seconds above 0, got "${text}".`);
}
