/** Trains a model with new weights to give shares of classes as its answers. */
import type { LoadedModel } from "../model/index.js";
import { graphBuilder, type Model, OPSET } from "../onnx/index.js";
import type { Tensor } from "../tensor/index.js";
import { minimise, type Objective, withParameters } from "../train/index.js";
import type { FreshModel } from "./fresh-weights.js";
import { answerOf, logitsOf } from "./logits.js";

/**
 * Minimises the cross-entropy between the answers wanted and those of a fresh model.
 *
 * @param suspect The model that the fresh one has its graph from.
 * @param data The model's input by its name, and as `answers` the shares of the classes, `[n, classes]`.
 */
export async function trainCopy(
  suspect: LoadedModel,
  { model, parameters }: FreshModel,
  { answers, ...inputs }: { readonly answers: Tensor<"float32"> } & Readonly<Record<string, Tensor>>,
  options: Parameters<typeof minimise>[2],
): Promise<Model> {
  const { logits } = logitsOf(model, answerOf(suspect));
  const b = graphBuilder({ ...model.graph, outputs: [] }, [{ domain: "", version: OPSET }]);
  b.input("assay/answers", "float32", ["batch", answers.dims[1]!]);
  const log = b.op("LogSoftmax", [logits], { axis: -1 });
  const each = b.op("ReduceSum", [b.op("Mul", [log, "assay/answers"]), b.integers(-1)], { keepdims: 0 });
  b.output("assay/loss", b.op("Neg", [b.op("ReduceMean", [each], { keepdims: 0 })]));
  const objective: Objective = {
    model: { ...model, graph: b.graph(model.graph.name) },
    loss: "assay/loss",
    parameters,
  };
  // On one thread: sums in another order give other weights, and an audit must not depend on the machine's cores.
  const data = { ...inputs, "assay/answers": answers };
  const trained = await minimise(objective, data, { ...options, threads: 1 });
  return withParameters(model, trained.parameters);
}
