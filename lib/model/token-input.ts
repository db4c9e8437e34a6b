/** Models of texts as models of one input of int64 token ids. */
import { isDecoder, prefixedModel, tokenInput as tokenGraph } from "../onnx/index.js";
import { type LoadedModel, type LoadOptions, wrapModel } from "./model.js";

/**
 * The model itself if it takes int64 token ids and nothing else, or no texts at all; else a version of it that does,
 * and the model given is then released.
 *
 * Masks, positions, segments and lengths that the model takes beside the ids are computed from them. A decoder that
 * takes keys and values of earlier tokens, as Optimum and transformers.js export them, begins without any; where many
 * texts begin alike, `extraction.afterPrefixes` makes use of them.
 *
 * @param options.padding Token that fills texts up; null: none does, and every token is a word. Default: null for a
 *   decoder (a model that takes keys and values, or positions), where what comes later is not seen anyway and token 0
 *   is often an ordinary one; 0 for others.
 * @param options.threads,worker As in `loadModel`.
 * @throws AssayError INVALID_MODEL naming an input that cannot be filled in.
 * @example
 * const model = tokenInput(await loadModel("bert.onnx"));   // input_ids, attention_mask, token_type_ids
 * const gpt = tokenInput(await loadModel("gpt2/model.onnx"));   // input_ids, …, past_key_values.0.key, …
 */
export function tokenInput(
  model: LoadedModel,
  options: { readonly padding?: number | null } & Omit<LoadOptions, "name"> = {},
): LoadedModel {
  const { padding = isDecoder(model.graph) ? null : 0, ...load } = options;
  const graph = tokenGraph(model.graph, padding);
  if (graph === undefined || graph === model.graph) return model;
  const prefixed = prefixedModel(model.graph, padding);
  const made = wrapModel(graph, { ...load, name: model.name, prefixed });
  model.release();
  return made;
}
