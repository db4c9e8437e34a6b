/** Spells out composite operators in simple ones, so that one gradient rule per simple operator suffices. */
import { graphBuilder } from "../builder.js";
import { isStandard } from "../graph.js";
import type { Model, Node } from "../schema.js";
import { type InnerValue, inferShapes } from "../shapes.js";
import { attentions } from "./attention.js";
import { ceilingPool } from "./ceiling.js";
import type { Decomposition } from "./decomposition.js";
import { einsum } from "./einsum.js";
import { fused } from "./fused.js";
import { losses } from "./losses.js";
import { recurrent } from "./recurrent.js";
import { resizing } from "./resizing.js";
import { sampling } from "./sampling.js";
import { selecting } from "./selecting.js";
import { convTranspose } from "./transposed.js";

const decompositions: Readonly<Record<string, Decomposition>> = {
  ...recurrent,
  ...sampling,
  ...losses,
  ...fused,
  ...attentions,
  ...selecting,
  ...resizing,
  Einsum: einsum,
  ConvTranspose: convTranspose,
  MaxPool: ceilingPool,
  AveragePool: ceilingPool,
};

const find = (node: Node): Decomposition | undefined =>
  decompositions[isStandard(node.domain) ? node.opType : `${node.domain}::${node.opType}`];

/** True if the operator is spelled out before it is differentiated. */
export const isDecomposable = (opType: string, domain = ""): boolean =>
  (isStandard(domain) ? opType : `${domain}::${opType}`) in decompositions;

/** Names of all operators that are spelled out, sorted. */
export const decomposableOperators = (): string[] => Object.keys(decompositions).sort();

/**
 * The model with composite operators spelled out: recurrent layers of a fixed length, losses, resampling at
 * given points, attention, and onnxruntime's fused operators.
 *
 * A node that cannot be spelled out, such as a recurrent layer over a free length, stays as it is.
 */
export function decomposeModel(model: Model): Model {
  if (!model.graph.nodes.some(find)) return model;
  const values = inferShapes(model);
  const builder = graphBuilder({ ...model.graph, nodes: [] }, model.opsets);
  for (const node of model.graph.nodes) for (const output of node.outputs) if (output) builder.claim(output);
  const value = (name: string): InnerValue =>
    values.get(name) ?? { name, type: null, dims: [], ranked: false };
  for (const node of model.graph.nodes) {
    const spelled = find(node)?.({ node, builder, value, input: (index) => node.inputs[index] ?? "" });
    if (spelled === undefined) builder.node(node);
    else {
      node.outputs.forEach((output, i) => {
        const made = spelled[i];
        if (output !== "" && made !== undefined) builder.alias(output, made);
      });
    }
  }
  return {
    ...model,
    graph: { ...builder.graph(model.graph.name), outputs: model.graph.outputs, valueInfo: [] },
  };
}
