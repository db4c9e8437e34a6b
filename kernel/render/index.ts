/** Turns any value into what a notebook shows. Loads nothing heavy: pictures are drawn in a worker. */
import type { Display } from "../protocol/mime.js";
import { isResult, renderResult } from "./results/index.js";
import { displayOf } from "./values/custom.js";
import { renderValue } from "./values/index.js";
import { renderPlain } from "./values/plain.js";

/**
 * Draws a value: MIME bundle and metadata, always with a readable `text/plain`.
 *
 * In order: the value's own `[Symbol.for("Jupyter.display")]()`, the renderer of a result's `kind`, tensors,
 * data frames, lists of records, and `util.inspect` for everything else. Never rejects: what cannot be drawn
 * as intended is shown as a plain object.
 */
export async function render(value: unknown): Promise<Display> {
  const own = await displayOf(value);
  if (own) return own;
  try {
    if (isResult(value)) return await renderResult(value);
    return renderValue(value);
  } catch {
    // A user's object may look like a result, or have getters that throw.
    return renderPlain(value);
  }
}
