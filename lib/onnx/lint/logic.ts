/** Rules about logic that looks at an input's content and acts on it: how a backdoor is written into a graph. */
import { subgraphs } from "../attributes.js";
import type { Graph, Node } from "../schema.js";
import { lintBranch } from "./branch.js";
import { lintCircumstance } from "./circumstances.js";
import { lintTrees } from "./classical.js";
import { lintForeign } from "./custom-operators.js";
import { flowsOf } from "./dataflow.js";
import { type Finding, finding } from "./finding.js";
import { lintLoudWeights } from "./loud-weights.js";
import { lintBypass, lintMix } from "./mix.js";
import { tellsShapeOnly } from "./operators.js";
import type { FoundLogic } from "./question.js";
import { lintSelection, selecting } from "./selection.js";
import { type View, viewOf } from "./view.js";
import { lintWhere } from "./where.js";

/** Runs all rules on a graph and on the graphs in its nodes. */
export function lintLogic(graph: Graph): FoundLogic[] {
  return lintGraph(viewOf(graph, flowsOf(graph)));
}

/** Outputs that the input does not reach, or reaches without the network; weights that outweigh all others. */
export function lintOutputs(graph: Graph): Finding[] {
  const { flowOf } = viewOf(graph, flowsOf(graph));
  const loud = lintLoudWeights(graph, flowOf);
  const outputs = graph.outputs.flatMap(({ name }) => {
    const flow = flowOf(name);
    if (!flow.isData)
      return [finding("constant-output", "warn", name, "the output does not depend on any input")];
    if (flow.fewestLayers > 0 || flow.mostLayers < 2 || !flow.isContent || flow.isToken) return [];
    const why = `the input reaches this output without passing any of up to ${flow.mostLayers} layers of weights`;
    return [finding("bypass", "info", name, why)];
  });
  return [...loud, ...outputs];
}

function lintGraph(view: View): FoundLogic[] {
  return view.graph.nodes.flatMap((node) => [
    ...lintNode(node, view),
    ...lintCircumstance(node, view),
    ...lintTrees(node, view),
    ...lintForeign(node, view),
    ...subgraphs(node).flatMap((body) => lintGraph(view.inner(body, node))),
  ]);
}

/** They make questions and answers, and do not act on them. */
const questioning = new Set([
  ...["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "Not", "Sign"],
  ...["IsNaN", "IsInf", "RegexFullMatch"],
]);

function lintNode(node: Node, view: View): FoundLogic[] {
  if (questioning.has(node.opType) || tellsShapeOnly(node)) return [];
  if (node.opType === "Where") return lintWhere(node, view);
  if (node.opType === "If" || node.opType === "Loop" || node.opType === "Scan") return lintBranch(node, view);
  if (selecting.has(node.opType)) return lintSelection(node, view);
  if (node.inputs.length < 2) return [];
  return [...lintMix(node, view, node.inputs), ...lintBypass(node, view)];
}
