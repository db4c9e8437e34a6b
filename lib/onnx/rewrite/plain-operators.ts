/** Operators of scikit-learn's converter (domain ai.onnx.ml) that are plain arithmetic, written as such. */
import { attribute, textAttribute } from "../attributes.js";
import { type GraphBuilder, graphBuilder } from "../builder.js";
import { producersOf, prune } from "../graph.js";
import type { Model, Node } from "../schema.js";
import { upgradeModel } from "./upgrade.js";

const DOMAIN = "ai.onnx.ml";

/**
 * The model with linear classifiers, scalers and normalizers as products, sums and quotients, so that it has a slope and
 * weights that can be trained; undefined if it has none that can be so written.
 */
export function plainOperators(model: Model): Model | undefined {
  if (!model.graph.nodes.some(isKnown)) return undefined;
  const own = upgradeModel(model);
  const b = graphBuilder({ ...own.graph, nodes: [] }, own.opsets);
  for (const node of own.graph.nodes) for (const output of node.outputs) if (output) b.claim(output);
  const producers = producersOf(own.graph);
  let isChanged = false;
  for (const node of own.graph.nodes) {
    const made = isKnown(node)
      ? rules[node.opType]!(b, node, producers.get(node.inputs[0] ?? ""))
      : undefined;
    if (made === undefined) {
      b.node(node);
      continue;
    }
    isChanged = true;
    node.outputs.forEach((output, i) => {
      if (output !== "") b.alias(output, made[i]!);
    });
  }
  return isChanged ? { ...own, graph: prune(b.graph(own.graph.name), own.graph.outputs) } : undefined;
}

const isKnown = ({ domain, opType }: Node): boolean => domain === DOMAIN && opType in rules;

/** Gives the tensors in place of the node's outputs; undefined if it must stay. */
type Rule = (b: GraphBuilder, node: Node, before: Node | undefined) => string[] | undefined;

const rules: Readonly<Record<string, Rule>> = {
  LinearClassifier(b, node) {
    const offsets = floats(node, "intercepts");
    const weights = floats(node, "coefficients");
    const classes = offsets.length;
    const labels = attribute(node, "classlabels_ints")?.ints ?? [];
    const transform = after[textAttribute(node, "post_transform", "NONE")];
    // Two classes by one row of weights have rules of their own.
    if (classes < 2 || labels.length !== classes || weights.length % classes !== 0 || !transform)
      return undefined;
    const dims = [classes, weights.length / classes];
    const weight = b.initializer(b.fresh("coefficients"), { type: "float32", dims, data: weights });
    const offset = b.initializer(b.fresh("intercepts"), { type: "float32", dims: [classes], data: offsets });
    const sums = b.op("Gemm", [node.inputs[0]!, weight, offset], { transB: 1 });
    const numbers = b.constant({ type: "int64", dims: [classes], data: BigInt64Array.from(labels, BigInt) });
    const best = b.op("ArgMax", [sums], { axis: 1, keepdims: 0 });
    return [b.op("Gather", [numbers, best]), transform(b, sums)];
  },
  Scaler(b, node) {
    const [offset, scale] = [floats(node, "offset"), floats(node, "scale")];
    const row = (data: Float32Array) => b.constant({ type: "float32", dims: [data.length], data });
    return [b.op("Mul", [b.op("Sub", [node.inputs[0]!, row(offset)]), row(scale)])];
  },
  Normalizer(b, node, before) {
    const [x = ""] = node.inputs;
    if (textAttribute(node, "norm", "MAX") !== "L1") return undefined;
    // Probabilities add up to 1 already, and are found as such where they end in Softmax.
    const isSoftmax =
      before?.opType === "Softmax" ||
      (before?.opType === "LinearClassifier" &&
        textAttribute(before, "post_transform", "NONE") === "SOFTMAX");
    if (isSoftmax) return [b.op("Identity", [x])];
    return [b.op("Div", [x, b.op("ReduceSum", [b.op("Abs", [x]), b.integers(1)], { keepdims: 1 })])];
  },
};

/** What is done to the sums of a linear classifier. */
const after: Readonly<Record<string, ((b: GraphBuilder, sums: string) => string) | undefined>> = {
  NONE: (_, sums) => sums,
  SOFTMAX: (b, sums) => b.op("Softmax", [sums], { axis: 1 }),
  LOGISTIC: (b, sums) => b.op("Sigmoid", [sums]),
};

const floats = (node: Node, name: string): Float32Array =>
  Float32Array.from(attribute(node, name)?.floats ?? []);
