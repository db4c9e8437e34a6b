/** Models of scikit-learn's converter, seen as models of plain arithmetic, and compared with what they were. */
import { plainOperators as plainGraph } from "../onnx/index.js";
import type { Tensor } from "../tensor/index.js";
import { ifAlike, sameOutputs } from "./agreement.js";
import { type LoadedModel, wrapModel } from "./model.js";

const COMPARED = 16;

/**
 * A version of the model without operators of its own for linear classifiers and the like, which the caller releases;
 * undefined if it has none, or a version does not answer the same.
 *
 * @param examples Inputs as the model takes them, to compare the two versions on.
 */
export async function plainOperators(model: LoadedModel, examples: Tensor): Promise<LoadedModel | undefined> {
  const graph = plainGraph(model.graph);
  if (graph === undefined) return undefined;
  const made = wrapModel(graph, { name: model.name });
  return ifAlike(made, examples, COMPARED, async (few) =>
    sameOutputs(await model.run(few), await made.run(few)),
  );
}
