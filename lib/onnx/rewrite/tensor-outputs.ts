/** Gives the tensors behind outputs that are maps, as scikit-learn's converter writes class probabilities. */
import { producersOf, prune, untyped } from "../graph.js";
import type { Model } from "../schema.js";

/**
 * The model with the probabilities `[batch, classes]` in place of every output that ZipMap makes a list of maps of;
 * the model itself if it has none. Columns stand in the order of ZipMap's labels.
 */
export function tensorOutputs(model: Model): Model {
  const producers = producersOf(model.graph);
  const behind = (name: string): string => {
    const node = producers.get(name);
    return node?.opType === "ZipMap" ? (node.inputs[0] ?? name) : name;
  };
  if (model.graph.outputs.every(({ name }) => behind(name) === name)) return model;
  const outputs = model.graph.outputs.map((output) => {
    const name = behind(output.name);
    return name === output.name ? output : untyped(name);
  });
  return { ...model, graph: prune({ ...model.graph, outputs }, outputs) };
}
