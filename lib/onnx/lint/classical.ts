/** Models that one operator holds in its attributes, as scikit-learn is exported: linear ones, support vectors, trees. */
import { attribute, intAttribute, intsAttribute } from "../attributes.js";
import type { Node } from "../schema.js";
import { type FoundLogic, found } from "./question.js";
import type { View } from "./view.js";

/** Weights that a node holds itself; 0 for a node that is no such model. */
export function ownWeights(node: Node): number {
  if (/^Linear(Classifier|Regressor)$/.test(node.opType))
    return isOne(node) ? 0 : floats(node, "coefficients").length;
  if (/^SVM(Classifier|Regressor)$/.test(node.opType)) {
    return supports(node) > FEW_SUPPORTS || floats(node, "support_vectors").length === 0
      ? floats(node, "support_vectors").length + floats(node, "coefficients").length
      : 0;
  }
  return isTrees(node) ? leavesOf(node).length : 0;
}

/** A single number made of the input's: a detector or a head. */
const isOne = (node: Node): boolean =>
  node.opType === "LinearRegressor" && intAttribute(node, "targets", 1) === 1;

/** Looks for one or two points: near them it says something, elsewhere nothing. */
export const isNearness = (node: Node): boolean =>
  /^SVM(Classifier|Regressor)$/.test(node.opType) && supports(node) > 0 && supports(node) <= FEW_SUPPORTS;

const FEW_SUPPORTS = 2;
const supports = (node: Node): number =>
  intAttribute(node, "n_supports", 0) ||
  (intsAttribute(node, "vectors_per_class") ?? []).reduce((sum, count) => sum + count, 0);

/** One of a tree's answers. */
interface Leaf {
  readonly tree: number;
  readonly weight: number;
}

const isTrees = ({ opType }: Node): boolean => /^TreeEnsemble(Classifier|Regressor)$/.test(opType);

function leavesOf(node: Node): Leaf[] {
  const kind = node.opType === "TreeEnsembleClassifier" ? "class" : "target";
  const trees = intsAttribute(node, `${kind}_treeids`) ?? [];
  const weights = floats(node, `${kind}_weights`);
  return trees.map((tree, i) => ({ tree, weight: weights[i] ?? 0 }));
}

const floats = (node: Node, name: string): readonly number[] => attribute(node, name)?.floats ?? [];

/** Fewer trees have no majority. */
const FEW_TREES = 4;
/** By how much one leaf outweighs the rest; of honest ensembles none reaches 1. */
const OUTWEIGHS = 2;

/** A leaf that all other trees together cannot outvote: one of them alone decides. */
export function lintTrees(node: Node, view: View): FoundLogic[] {
  if (!isTrees(node)) return [];
  const largest = new Map<number, number>();
  for (const { tree, weight } of leavesOf(node)) {
    largest.set(tree, Math.max(largest.get(tree) ?? 0, Math.abs(weight)));
  }
  if (largest.size < FEW_TREES) return [];
  const sum = [...largest.values()].reduce((a, b) => a + b, 0);
  const [tree, most] = [...largest].reduce((a, b) => (b[1] > a[1] ? b : a));
  if (!(most > OUTWEIGHS * (sum - most))) return [];
  const why = `a leaf of tree ${tree} weighs ${(most / (sum - most)).toPrecision(2)} times as much as all the other ${largest.size - 1} trees together: whatever reaches it is decided`;
  return found("dominant-leaf", "flag", why, node, view, node.outputs.slice(-1));
}
