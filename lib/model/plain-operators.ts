/** Models of scikit-learn's converter, seen as models of plain arithmetic, and compared with what they were. */
import { AssayError } from "../errors.js";
import { plainOperators as plainGraph } from "../onnx/index.js";
import { type Tensor, takeExamples, toFloat64 } from "../tensor/index.js";
import { agree } from "./agreement.js";
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
  const few = takeExamples(examples, [...Array(Math.min(COMPARED, examples.dims[0] ?? 0)).keys()]);
  try {
    const found = await made.run(few);
    const expected = Object.entries(await model.run(few));
    if (expected.every(([name, value]) => agree(toFloat64(value), toFloat64(found[name]!)))) return made;
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
  }
  made.release();
  return undefined;
}
