/** Models that answer in maps, seen as models that answer in tensors. */
import { tensorOutputs } from "../onnx/index.js";
import { type LoadedModel, wrapModel } from "./model.js";

/** The model itself if all its outputs are tensors, else one with the tensors behind them; the model given is then released. */
export function withTensorOutputs(model: LoadedModel): LoadedModel {
  const graph = tensorOutputs(model.graph);
  if (graph === model.graph) return model;
  model.release();
  return wrapModel(graph, { name: model.name });
}
