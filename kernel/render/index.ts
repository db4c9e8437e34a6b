/** Turns any value into what a notebook shows. */
import { inspect } from "node:util";
import type { Display } from "../protocol/mime.js";

/** Draws a value: MIME bundle and metadata, always with a readable `text/plain`. */
export async function render(value: unknown): Promise<Display> {
  return { data: { "text/plain": typeof value === "string" ? value : inspect(value) }, metadata: {} };
}
