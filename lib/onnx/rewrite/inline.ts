/** Replaces calls of a model's own functions by their bodies. */
import { AssayError } from "../../errors.js";
import { subgraphs } from "../attributes.js";
import { nodeLabel } from "../graph.js";
import { freshNames, renameNode } from "../rename.js";
import type { Attribute, FunctionDefinition, Graph, Model, Node, OperatorSet } from "../schema.js";

/** Nodes after which a chain of functions that call each other is taken for an attack. */
const MAX_NODES = 1_000_000;
/** Functions in functions, and graphs in graphs. */
const MAX_DEPTH = 100;

const keyOf = (domain = "", name: string, overload = ""): string => `${domain}::${name}::${overload}`;

/**
 * Inlines all local functions, those that call others included.
 *
 * @throws AssayError TOO_LARGE when functions call themselves, or blow the graph up beyond a million nodes.
 */
export function inlineFunctions(model: Model): Model {
  if (model.functions.length === 0) return model;
  const functions = new Map(
    model.functions.map((body) => [keyOf(body.domain, body.name, body.overload), body]),
  );
  checkFunctions(model);
  const names = freshNames(model.graph);
  const inlined = (node: Node): Node[] => {
    const body = functions.get(keyOf(node.domain, node.opType, node.overload));
    if (body) return expand(node, body, names.fresh).flatMap(inlined);
    return [withSubgraphs(node, graphOf)];
  };
  const graphOf = (graph: Graph): Graph => ({ ...graph, nodes: graph.nodes.flatMap(inlined) });
  return { ...model, graph: graphOf(model.graph), functions: [], opsets: mergedOpsets(model) };
}

/**
 * Counts the nodes that a model has with its functions put in, without putting them in.
 *
 * @throws AssayError TOO_LARGE as {@link inlineFunctions}: onnxruntime puts them in as well, and knows no bound.
 */
export function checkFunctions({ graph, functions }: Model): void {
  const bodies = new Map(functions.map((body) => [keyOf(body.domain, body.name, body.overload), body]));
  const sizes = new Map<string, number>();
  const refuse = (node: Node, how: string): never => {
    throw new AssayError("TOO_LARGE", `The functions of the model ${how}, at node ${nodeLabel(node)}.`);
  };
  const sizeOf = (nodes: readonly Node[], depth: number): number => {
    let sum = 0;
    for (const node of nodes) {
      if (depth > MAX_DEPTH) refuse(node, "call each other without end");
      const key = keyOf(node.domain, node.opType, node.overload);
      const body = bodies.get(key);
      if (body && !sizes.has(key)) sizes.set(key, sizeOf(body.nodes, depth + 1));
      sum += 1 + (sizes.get(key) ?? 0);
      for (const inner of subgraphs(node)) sum += sizeOf(inner.nodes, depth + 1);
      if (sum > MAX_NODES) refuse(node, `make more than ${MAX_NODES} nodes`);
    }
    return sum;
  };
  sizeOf(graph.nodes, 0);
}

/** The node with the graphs in its attributes changed. */
function withSubgraphs(node: Node, change: (graph: Graph) => Graph): Node {
  if (subgraphs(node).length === 0) return node;
  const attributes = node.attributes.map((item) => ({
    ...item,
    ...(item.g ? { g: change(item.g) } : {}),
    graphs: item.graphs.map(change),
  }));
  return { ...node, attributes };
}

function mergedOpsets(model: Model): OperatorSet[] {
  const versions = new Map<string, number>();
  const add = ({ domain = "", version = 1 }: OperatorSet): void => {
    const name = domain === "ai.onnx" ? "" : domain;
    versions.set(name, Math.max(versions.get(name) ?? 0, Number(version)));
  };
  for (const set of model.opsets) add(set);
  for (const body of model.functions) for (const set of body.opsets) add(set);
  return [...versions].map(([domain, version]) => ({ domain, version }));
}

function expand(call: Node, body: FunctionDefinition, fresh: (hint: string) => string): Node[] {
  const names = new Map<string, string>([["", ""]]);
  body.inputs.forEach((input, i) => {
    names.set(input, call.inputs[i] ?? "");
  });
  body.outputs.forEach((output, i) => {
    names.set(output, call.outputs[i] || fresh(output));
  });
  const rename = (name: string): string => {
    const known = names.get(name) ?? fresh(`${call.name || call.opType}/${name}`);
    names.set(name, known);
    return known;
  };
  const given = new Map([...body.attributeDefaults, ...call.attributes].map((item) => [item.name, item]));
  const bind = (attribute: Attribute): Attribute | undefined => {
    if (!attribute.refAttrName) return attribute;
    const value = given.get(attribute.refAttrName);
    return value && { ...value, name: attribute.name };
  };
  const bound = (node: Node): Node => {
    const attributes = node.attributes.map(bind).filter((item) => item !== undefined);
    return withSubgraphs({ ...node, attributes }, (graph) => ({ ...graph, nodes: graph.nodes.map(bound) }));
  };
  return body.nodes.map((node, i) => ({
    ...renameNode(bound(node), rename),
    // A name of its own, or none: onnxruntime refuses two nodes of one name.
    name: call.name ? `${call.name}/${node.name || `${node.opType}_${i}`}` : "",
  }));
}
