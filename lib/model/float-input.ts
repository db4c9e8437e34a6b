/** Models of images in other number types, seen as models of float32, and compared with what they were. */
import { floatInput as floatGraph } from "../onnx/index.js";
import { type Tensor, toFloat32 } from "../tensor/index.js";
import { ifAlike, sameOutputs } from "./agreement.js";
import { type LoadedModel, wrapModel } from "./model.js";

/** Examples that the two versions are compared on. */
const COMPARED = 16;

/**
 * A version of the model that takes float32, which the caller releases; undefined if none means the same.
 *
 * Images of bytes, say: what is added to a pixel need not be whole then, and has a gradient.
 *
 * @param examples Inputs as the model takes them, to compare the two versions on.
 */
export async function floatInput(model: LoadedModel, examples: Tensor): Promise<LoadedModel | undefined> {
  if (model.inputs.length !== 1) return undefined;
  const converted = model.outputs.filter(({ type }) => type === "float64" || type === "float16");
  const graph = floatGraph(
    model.graph,
    converted.map(({ name }) => name),
  );
  const made = wrapModel(graph, { name: model.name });
  return ifAlike(made, examples, COMPARED, async (few) =>
    sameOutputs(await model.run(few), await made.run(floatExamples(few))),
  );
}

/** The same numbers as float32. */
export const floatExamples = (examples: Tensor): Tensor<"float32"> => ({
  type: "float32",
  dims: examples.dims,
  data: toFloat32(examples),
});
