/** Which output of a model is its answer, where it has several: the audit takes the first one of floats. */
import { AssayError } from "../../../lib/errors.js";
import type { LoadedModel } from "../../../lib/model/index.js";
import type { CleanFile } from "./input.js";

const TRIED = 128;

/**
 * The model with the output first that its answers stand in: the one that is most often right; without labels the one
 * named so. The model itself if there is nothing to choose; else the model given is released.
 */
export async function answerFirst(model: LoadedModel, { inputs, labels }: CleanFile): Promise<LoadedModel> {
  const choices = model.outputs.filter(({ type, dims }) => type?.startsWith("float") && dims.length === 2);
  if (choices.length < 2) return model;
  const { takeExamples } = await import("../../../lib/tensor/index.js");
  const count = Math.min(TRIED, inputs.dims[0] ?? 0);
  const few = takeExamples(
    inputs,
    Uint32Array.from({ length: count }, (_, i) => i),
  );
  const ratings = new Map<string, number>();
  for (const { name } of choices) {
    const right = labels && (await rightAnswers(model, few, labels.data, name));
    ratings.set(name, right ?? (ANSWERS.test(name) ? 1 : 0));
  }
  // Of equals the first: probabilities beside their logits are as good.
  const [best] = choices.reduce<[string, number]>(
    (high, { name }) => (ratings.get(name)! > high[1] ? [name, ratings.get(name)!] : high),
    ["", Number.NEGATIVE_INFINITY],
  );
  if (best === choices[0]!.name) return model;
  const { wrapModel } = await import("../../../lib/model/index.js");
  const { graph } = model.graph;
  const outputs = [
    ...graph.outputs.filter(({ name }) => name === best),
    ...graph.outputs.filter(({ name }) => name !== best),
  ];
  const chosen = wrapModel({ ...model.graph, graph: { ...graph, outputs } }, { name: model.name });
  model.release();
  return chosen;
}

const ANSWERS = /logit|prob|score|class|softmax|predict/i;

/** How many examples an output's largest value answers rightly; less than none where it is no classifier's. */
async function rightAnswers(
  model: LoadedModel,
  few: CleanFile["inputs"],
  labels: BigInt64Array,
  output: string,
): Promise<number> {
  const { observe } = await import("../../../lib/spec/index.js");
  try {
    const { predicted, classes } = await observe(model, few, { output });
    const isNamed = predicted.every((_, i) => labels[i]! < BigInt(classes));
    return isNamed ? predicted.filter((answer, i) => BigInt(answer) === labels[i]).length : -1;
  } catch (error) {
    if (error instanceof AssayError) return -1;
    throw error;
  }
}
