/** Gives every use of a stored tensor its own copy: exporters merge equal weights, which then train as one. */
import { graphBuilder } from "../builder.js";
import type { Model } from "../schema.js";
import { upgradeModel } from "./upgrade.js";

/** A model without shared stored tensors. */
export interface UnmergedModel {
  readonly model: Model;
  /** For each stored tensor that was shared, the names of its copies in the order of the nodes that read them; the first keeps the name. */
  readonly copies: Readonly<Record<string, readonly string[]>>;
}

/**
 * Splits stored float32 tensors that several nodes read, directly or through Identity nodes.
 *
 * The gradient by a merged tensor is the sum over its uses; after this each use has its own. The model computes
 * the same. Leave models as they are whose weights are tied on purpose (an embedding that is also the output
 * layer).
 *
 * @example
 * const { model, copies } = unmergeWeights(openModel("encoder.onnx"));
 * copies["layers.0.bias"]   // ["layers.0.bias", "layers.0.bias~0"]
 */
export function unmergeWeights(source: Model): UnmergedModel {
  const raised = upgradeModel(source);
  const stored = new Map(
    raised.graph.initializers
      .filter(({ dataType, dims }) => Number(dataType) === 1 && dims.length > 0)
      .map((message) => [message.name ?? "", message]),
  );
  const builder = graphBuilder({ ...raised.graph, nodes: [] }, raised.opsets);
  for (const node of raised.graph.nodes) for (const output of node.outputs) if (output) builder.claim(output);
  const alias = new Map<string, string>();
  for (const { opType, domain, inputs, outputs } of raised.graph.nodes) {
    const from = alias.get(inputs[0] ?? "") ?? inputs[0] ?? "";
    if (opType === "Identity" && !domain && stored.has(from) && outputs[0]) alias.set(outputs[0], from);
  }
  const copies = new Map<string, string[]>();
  const take = (input: string): string => {
    const original = alias.get(input) ?? input;
    const message = stored.get(original);
    if (message === undefined) return input;
    const made = copies.get(original);
    if (made === undefined) {
      copies.set(original, [original]);
      return original;
    }
    const name = builder.fresh(original);
    builder.stored({ ...message, name });
    made.push(name);
    return name;
  };
  const outputs = new Set(raised.graph.outputs.map(({ name }) => name));
  for (const node of raised.graph.nodes) {
    const isAlias = alias.has(node.outputs[0] ?? "");
    if (isAlias && outputs.has(node.outputs[0]!)) builder.node(node);
    else if (!isAlias) builder.node({ ...node, inputs: node.inputs.map(take) });
  }
  const graph = { ...builder.graph(raised.graph.name), outputs: raised.graph.outputs };
  const shared = [...copies].filter(([, names]) => names.length > 1);
  return { model: { ...raised, graph }, copies: Object.fromEntries(shared) };
}
