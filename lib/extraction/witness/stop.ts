/** Stopping a search on request. */
import { AssayError } from "../../errors.js";

/** @throws AssayError ABORTED once the signal has fired. */
export function stopIf(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AssayError("ABORTED", "findWitness: stopped by its signal.");
}
