/** Replaces calls of a model's own functions by their bodies. */
import { AssayError } from "../errors.js";
import { graphBuilder } from "./builder.js";
import { nodeLabel } from "./graph.js";
import { renameNode } from "./rename.js";
import type { Attribute, FunctionDefinition, Model, Node, OperatorSet } from "./schema.js";

/** Nodes after which a chain of functions that call each other is taken for an attack. */
const MAX_NODES = 1_000_000;

const keyOf = (domain: string | undefined, name: string): string => `${domain ?? ""}::${name}`;

/**
 * Inlines all local functions, those that call others included.
 *
 * @throws AssayError TOO_LARGE when functions call themselves, or blow the graph up beyond a million nodes.
 */
export function inlineFunctions(model: Model): Model {
  if (model.functions.length === 0) return model;
  const functions = new Map(model.functions.map((body) => [keyOf(body.domain, body.name), body]));
  const builder = graphBuilder({ ...model.graph, nodes: [] });
  let count = 0;
  const visit = (node: Node, depth: number): void => {
    if (++count > MAX_NODES || depth > 100) {
      throw new AssayError(
        "TOO_LARGE",
        `The functions of the model call each other without end, at node ${nodeLabel(node)}.`,
      );
    }
    const body = functions.get(keyOf(node.domain, node.opType));
    if (body === undefined) builder.node(node);
    else for (const inner of expand(node, body, (hint) => builder.fresh(hint))) visit(inner, depth + 1);
  };
  for (const node of model.graph.nodes) visit(node, 0);
  return {
    ...model,
    graph: builder.graph(model.graph.name),
    functions: [],
    opsets: mergedOpsets(model),
  };
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
  return body.nodes.map((node) => {
    const attributes = node.attributes.map(bind).filter((item) => item !== undefined);
    return {
      ...renameNode({ ...node, attributes }, rename),
      name: `${call.name || call.opType}/${node.name ?? ""}`,
    };
  });
}
