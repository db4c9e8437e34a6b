/** How often a sample model is right. */
import type { LabelledData } from "../data/index.js";
import type { LoadedModel } from "../model/index.js";
import { observe } from "../spec/index.js";
import { type Estimate, wilson } from "../stats/index.js";

/** Share of examples that a classifier gives their label. */
export async function accuracyOf(model: LoadedModel, { inputs, labels }: LabelledData): Promise<Estimate> {
  const { predicted } = await observe(model, inputs);
  const right = predicted.filter((answer, i) => answer === Number(labels.data[i])).length;
  return wilson(right, predicted.length);
}
