/** Takes If nodes out of a graph where it is known which branch runs. */
import type { Tensors } from "../../runtime/index.js";
import { attribute } from "../attributes.js";
import { graphBuilder } from "../builder.js";
import { modelSession } from "../file/open.js";
import { fedInputs, initializersOf, prune, untyped } from "../graph.js";
import type { Graph, Model, Node } from "../schema.js";
import { inferShapes } from "../shapes.js";
import { tensorMessage } from "../tensors.js";
import { copySubgraph } from "./subgraph.js";
import { upgradeModel } from "./upgrade.js";

/** Branches within branches; each round inlines one level. */
const MAX_ROUNDS = 20;

/** A model in which branches were decided. */
export interface DecidedModel {
  readonly model: Model;
  /** The decisions in order, "1" for then and "0" for else: equal for inputs that take the same way. */
  readonly way: string;
}

/** True if the main graph has an If. */
export const hasBranches = (model: Model): boolean => model.graph.nodes.some(({ opType }) => opType === "If");

/**
 * Inlines the branches that these inputs take, so that what is left has no If at the top.
 *
 * The gradient at these inputs is that of the branch taken: a branch's condition has no derivative.
 */
export function followBranches(source: Model, feeds: Tensors): DecidedModel {
  return decideAll(upgradeModel(source), (model, conditions) => {
    const asked = { ...model, graph: prune(model.graph, conditions.map(untyped)) };
    using session = modelSession(asked, { optimization: "disabled" });
    const needed = Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]!]));
    const values = session.runSync(needed);
    return new Map(conditions.map((name) => [name, Boolean((values[name]!.data as Uint8Array)[0])]));
  });
}

/** Inlines the branches whose condition no input can change, such as those on a fixed number of dims. */
export function foldBranches(source: Model): Model {
  if (!hasBranches(source)) return source;
  return decideAll(source, (model, conditions) => constantConditions(model, conditions)).model;
}

type Decide = (model: Model, conditions: readonly string[]) => ReadonlyMap<string, boolean>;

function decideAll(source: Model, decide: Decide): DecidedModel {
  let model = source;
  let way = "";
  for (let round = 0; round < MAX_ROUNDS && hasBranches(model); round++) {
    const conditions = [
      ...new Set(model.graph.nodes.filter(({ opType }) => opType === "If").map((node) => node.inputs[0]!)),
    ];
    const decided = decide(model, conditions);
    if (decided.size === 0) break;
    way += `${conditions.map((name) => Number(decided.get(name) ?? 2)).join("")}.`;
    model = inline(model, decided);
  }
  return { model, way };
}

function constantConditions(model: Model, conditions: readonly string[]): Map<string, boolean> {
  const known = new Map<string, boolean>();
  const values = inferShapes(model);
  const initializers = initializersOf(model.graph);
  // A Shape of fixed dims is a constant, whatever its tensor holds.
  const builder = graphBuilder({ ...model.graph, nodes: [] }, model.opsets);
  for (const node of model.graph.nodes) {
    const dims = values.get(node.inputs[0] ?? "")?.dims;
    const fixed =
      node.opType === "Shape" &&
      node.attributes.length === 0 &&
      dims?.every((dim) => typeof dim === "number");
    if (!fixed) builder.node(node);
    else {
      const data = BigInt64Array.from(dims as number[], BigInt);
      builder.stored(tensorMessage(node.outputs[0]!, { type: "int64", dims: [data.length], data }));
    }
  }
  const folded = { ...model, graph: builder.graph() };
  for (const name of conditions) {
    const graph = prune(folded.graph, [untyped(name)]);
    if (fedInputs(graph).length > 0 && !initializers.has(name)) continue;
    using session = modelSession({ ...folded, graph }, { optimization: "disabled", threads: 1 });
    known.set(name, Boolean((session.runSync({})[name]!.data as Uint8Array)[0]));
  }
  return known;
}

function inline(model: Model, decided: ReadonlyMap<string, boolean>): Model {
  const builder = graphBuilder({ ...model.graph, nodes: [] }, model.opsets);
  for (const node of model.graph.nodes) for (const output of node.outputs) if (output) builder.claim(output);
  for (const node of model.graph.nodes) {
    const choice = node.opType === "If" ? decided.get(node.inputs[0]!) : undefined;
    const branch =
      choice === undefined ? undefined : attribute(node, choice ? "then_branch" : "else_branch")?.g;
    if (branch === undefined) builder.node(node);
    else copyBranch(builder, node, branch);
  }
  return { ...model, graph: { ...builder.graph(model.graph.name), outputs: model.graph.outputs } };
}

function copyBranch(builder: ReturnType<typeof graphBuilder>, node: Node, branch: Graph): void {
  const outside = copySubgraph(builder, branch);
  branch.outputs.forEach(({ name }, i) => {
    const output = node.outputs[i];
    if (output) builder.alias(output, outside(name));
  });
}
