/** Where a classifier's logits are. */

import type { LoadedModel } from "../model/index.js";
import { type Model, producersOf } from "../onnx/index.js";

/** The output that holds a classifier's answers: the first of a float type. */
export const answerOf = ({ outputs }: Pick<LoadedModel, "outputs">): string =>
  (outputs.find(({ type }) => type?.startsWith("float")) ?? outputs[0]!).name;

/** The logits behind an output: what a final Softmax reads, or the output itself. */
export function logitsOf(
  model: Model,
  output: string,
): { readonly logits: string; readonly isProbability: boolean } {
  const producers = producersOf(model.graph);
  let logits = output;
  for (let node = producers.get(logits); node; node = producers.get(logits)) {
    if (node.opType === "Softmax") return { logits: node.inputs[0]!, isProbability: true };
    if (node.opType !== "Identity") break;
    logits = node.inputs[0]!;
  }
  return { logits, isProbability: false };
}
