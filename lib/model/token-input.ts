/** Models of texts as models of one input of int64 token ids. */
import { tokenInput as tokenGraph } from "../onnx/index.js";
import { type LoadedModel, wrapModel } from "./model.js";

/**
 * The model itself if it takes int64 token ids and nothing else, or no texts at all; else a version of it that does,
 * and the model given is then released.
 *
 * Masks, segments and lengths that the model takes beside the ids are computed from them.
 *
 * @param options.padding Token that fills texts up. Default 0.
 * @throws AssayError INVALID_MODEL naming an input that cannot be filled in.
 * @example
 * const model = tokenInput(await loadModel("bert.onnx"));   // input_ids, attention_mask, token_type_ids
 */
export function tokenInput(
  model: LoadedModel,
  { padding = 0 }: { readonly padding?: number } = {},
): LoadedModel {
  const graph = tokenGraph(model.graph, padding);
  if (graph === undefined || graph === model.graph) return model;
  const made = wrapModel(graph, { name: model.name });
  model.release();
  return made;
}
