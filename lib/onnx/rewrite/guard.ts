/** Checks that native kernels leave out, written into the graph where only a run can tell. */
import { intsAttribute } from "../attributes.js";
import { makeNode } from "../builder.js";
import { isStandard } from "../graph.js";
import type { Graph, Model, Node } from "../schema.js";

/**
 * The model with the scales of each Resize forced to one number for each axis.
 *
 * onnxruntime 1.30 copies scales that are computed or fed into an array of the input's rank before it looks at
 * their number: too many of them overwrite the stack and end the process. A Reshape to that number fails
 * first, with an error. Stored scales are checked by onnxruntime when it loads the model, and are left alone.
 */
export function guardResize(model: Model): Model {
  const functions = model.functions.map((body) => ({ ...body, nodes: guarded(body.nodes, new Set()) }));
  return { ...model, graph: guardedGraph(model.graph), functions };
}

function guardedGraph(graph: Graph): Graph {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const stored = graph.initializers.map(({ name }) => name ?? "").filter((name) => !inputs.has(name));
  return { ...graph, nodes: guarded(graph.nodes, new Set(stored)) };
}

function guarded(nodes: readonly Node[], stored: Set<string>): Node[] {
  const fixed = new Set(stored);
  for (const { opType, domain, outputs } of nodes) {
    if (opType === "Constant" && isStandard(domain)) for (const name of outputs) fixed.add(name);
  }
  return nodes.flatMap((node) => {
    const scalesAt = scalesInput(node);
    const scales = node.inputs[scalesAt] ?? "";
    const inner = withSubgraphs(node);
    return scales === "" || fixed.has(scales) ? [inner] : guard(inner, scalesAt, scales);
  });
}

/** Where a node reads its scales; none for other operators. */
function scalesInput({ opType, domain, inputs }: Node): number {
  if (!isStandard(domain) || (opType !== "Resize" && opType !== "Upsample")) return -1;
  // Resize had no region of interest before version 11.
  return inputs.length === 2 ? 1 : opType === "Resize" ? 2 : -1;
}

function guard(node: Node, at: number, scales: string): Node[] {
  const name = (what: string): string => `assay/${what}/${node.outputs[0]}`;
  const axes = intsAttribute(node, "axes");
  const count =
    axes && axes.length > 0
      ? [makeNode("Constant", [], [name("count")], { value_ints: [axes.length] })]
      : [
          makeNode("Shape", [node.inputs[0]!], [name("dims")]),
          makeNode("Shape", [name("dims")], [name("count")]),
        ];
  return [
    ...count,
    makeNode("Reshape", [scales, name("count")], [name("scales")]),
    { ...node, inputs: node.inputs.map((input, i) => (i === at ? name("scales") : input)) },
  ];
}

function withSubgraphs(node: Node): Node {
  if (!node.attributes.some(({ g, graphs }) => g || graphs.length > 0)) return node;
  const attributes = node.attributes.map((attribute) => ({
    ...attribute,
    ...(attribute.g ? { g: guardedGraph(attribute.g) } : {}),
    graphs: attribute.graphs.map(guardedGraph),
  }));
  return { ...node, attributes };
}
