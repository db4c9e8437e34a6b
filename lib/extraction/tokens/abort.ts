/** Stopping a search between two runs of a model. */
import { AssayError } from "../../errors.js";

/** @throws AssayError ABORTED when the signal has fired. */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new AssayError("ABORTED", "The search was stopped by its signal.", {}, { cause: signal.reason });
}
