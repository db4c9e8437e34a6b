/** Quantized models with a slope: they answer themselves, and gradients are taken through a version in floats. */
import { floatArithmetic as floatGraph } from "../onnx/index.js";
import { type Tensor, toFloat64 } from "../tensor/index.js";
import { ifAlike } from "./agreement.js";
import { type LoadedModel, wrapModel } from "./model.js";

/** A model seen through its version in floats. */
export interface FloatVersion {
  /** Runs as the model does; its graph, gradients and rewritten sessions are those of the version. To be released. */
  readonly model: LoadedModel;
  /** Share of the examples compared that both give the highest score to the same class. */
  readonly agreement: number;
}

/** Examples that the two versions are compared on, and the share of answers that must agree. */
const COMPARED = 128;
const ALIKE = 0.9;

/**
 * A quantized model as one that can be differentiated; undefined if it is not quantized, or no version in floats
 * answers like it.
 *
 * @param examples Inputs as the model takes them, to compare the two versions on.
 */
export async function floatArithmetic(
  model: LoadedModel,
  examples: Tensor<"float32">,
): Promise<FloatVersion | undefined> {
  const graph = floatGraph(model.graph);
  if (graph === undefined) return undefined;
  const made = wrapModel(graph, { name: model.name });
  const output = (model.outputs.find(({ type }) => type?.startsWith("float")) ?? model.outputs[0]!).name;
  let agreement = 0;
  const kept = await ifAlike(made, examples, COMPARED, async (few) => {
    const [own, other] = [highest((await model.run(few))[output]!), highest((await made.run(few))[output]!)];
    agreement = own.filter((answer, i) => answer === other[i]).length / own.length;
    return agreement >= ALIKE;
  });
  return kept && { model: answeringAs(kept, model), agreement };
}

function answeringAs(made: LoadedModel, model: LoadedModel): LoadedModel {
  return {
    ...made,
    inputs: model.inputs,
    outputs: model.outputs,
    run: (feeds, options) => model.run(feeds, options),
  };
}

/** The class of the highest score in each row. */
function highest(scores: Tensor): number[] {
  const classes = scores.dims.at(-1) ?? 1;
  const values = toFloat64(scores);
  return Array.from({ length: values.length / classes }, (_, row) => {
    const own = values.subarray(row * classes, (row + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
}
