/** Values that are not results of ours: recognised by their shape, never by their class. */
import { types } from "node:util";
import type { Display } from "../../protocol/mime.js";
import { isFrame, isRecords, renderFrame, renderRecords } from "./frame.js";
import { renderPlain } from "./plain.js";
import { isTensor, renderTensor, renderTypedArray } from "./tensor.js";

/** A typed array up to this length is shown whole. */
const shortArray = 20;

/** Draws tensors, data frames and lists of records as tables, everything else as text. */
export function renderValue(value: unknown): Display {
  if (types.isProxy(value)) return renderPlain(value);
  if (isTensor(value)) return renderTensor(value);
  if (types.isTypedArray(value) && !Buffer.isBuffer(value) && value.length > shortArray) {
    return renderTypedArray(value, value[Symbol.toStringTag]);
  }
  if (isFrame(value)) return renderFrame(value);
  if (isRecords(value)) return renderRecords(value);
  return renderPlain(value);
}
