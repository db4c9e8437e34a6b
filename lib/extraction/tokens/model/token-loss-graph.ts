/** A language model as a graph of the cross-entropies of some of its tokens. */
import {
  attribute,
  graphBuilder,
  initializersOf,
  lastFeatures,
  type Model,
  type Node,
  producersOf,
  prune,
  upgradeModel,
} from "../../../onnx/index.js";
import { beforeSoftmax } from "../../bare-model.js";

/** Names of what is fed to a graph of token losses beside the model's inputs, and of what it gives. */
export const lossNames = {
  /** First and last place plus one, int64 `[1]`. */
  from: "losses/from",
  to: "losses/to",
  /** Tokens of the texts, int64 `[n, length]`. */
  tokens: "losses/tokens",
  /** `[n, to - from]`. */
  losses: "losses/losses",
  /** Size of the vocabulary, int64 `[1]`. */
  classes: "losses/classes",
} as const;

/**
 * The graph of the cross-entropy of each token at the places `from` up to `to`, given those before it.
 *
 * Only what these tokens need is read out: of a large vocabulary the read-out is a good part of a small model.
 *
 * @param output Name of the scores, `[n, length, vocabulary]`.
 */
export function tokenLossGraph(source: Model, output: string): Model {
  const { model, logits } = beforeSoftmax(upgradeModel(source), output);
  const b = graphBuilder({ ...model.graph, outputs: [] }, model.opsets);
  const { op, integers } = b;
  b.input(lossNames.from, "int64", [1]);
  b.input(lossNames.to, "int64", [1]);
  b.input(lossNames.tokens, "int64", ["batch", "length"]);
  const before = (places: string): string => op("Sub", [places, integers(1)]);
  const cut = (of: string): string =>
    op("Slice", [of, before(lossNames.from), before(lossNames.to), integers(1)]);
  const features = lastFeatures(model, logits);
  let at = features;
  let scores = cut(features);
  for (const node of readOut(model, features, logits) ?? []) {
    const made = b.fresh(node.outputs[0]!);
    const inputs = node.inputs.map((name) => (name === at ? scores : name));
    b.node({ ...node, name: made, inputs, outputs: [made] });
    [at, scores] = [node.outputs[0]!, made];
  }
  if (at !== logits) scores = cut(logits);
  const said = op("Slice", [lossNames.tokens, lossNames.from, lossNames.to, integers(1)]);
  const column = op("Unsqueeze", [said, integers(-1)]);
  const logProbabilities = op("LogSoftmax", [op("Cast", [scores], { to: 1 })], { axis: -1 });
  const found = op("GatherElements", [logProbabilities, column], { axis: -1 });
  b.output(lossNames.losses, op("Neg", [op("Squeeze", [found, integers(-1)])]));
  b.output(lossNames.classes, op("Shape", [scores], { start: -1 }));
  const graph = b.graph("token losses");
  return { ...model, graph: prune(graph) };
}

/** The nodes from the features to the scores, if each treats every token by itself. */
function readOut(model: Model, features: string, logits: string): readonly Node[] | undefined {
  const producers = producersOf(model.graph);
  const stored = initializersOf(model.graph);
  /** Number of dims of a constant; undefined for anything else. */
  const rankOf = (name: string): number | undefined => {
    const constant = producers.get(name);
    const value = constant?.opType === "Constant" ? attribute(constant, "value")?.t : undefined;
    return (stored.get(name) ?? value)?.dims.length;
  };
  const nodes: Node[] = [];
  for (let at = logits; at !== features; ) {
    const node = producers.get(at);
    const [first = "", second = ""] = node?.inputs ?? [];
    if (node?.opType === "MatMul" && rankOf(second) === 2) at = first;
    else if (node?.opType === "Add" && rankOf(second) === 1) at = first;
    else if (node?.opType === "Add" && rankOf(first) === 1) at = second;
    else return undefined;
    nodes.unshift(node);
  }
  return nodes;
}
