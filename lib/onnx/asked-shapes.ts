/** Tensors that a graph asks for by a stored shape: small nodes can so ask for more memory than there is. */
import { intsAttribute } from "./attributes.js";
import { initializersOf, visitNodes } from "./graph.js";
import type { Graph, Node, TensorMessage } from "./schema.js";
import { dimsOf, readTensor } from "./tensors.js";

/** A node that makes, or multiplies, a tensor by stored numbers. */
export interface AskedShape {
  readonly node: Node;
  readonly dims: readonly number[];
  /** Product of the dims: elements that come out at least. */
  readonly elements: number;
}

/** Which input of each operator holds the shape; -1: an attribute does. */
const shapeInputs = new Map([
  ["ConstantOfShape", 0],
  ["Expand", 1],
  ["Tile", 1],
  ["RandomNormal", -1],
  ["RandomUniform", -1],
]);

/** Shapes have few dims: longer lists are not read. */
const MAX_DIMS = 64;

/** All of a graph, those of the graphs in its nodes included, whose shapes are stored. */
export function askedShapes(graph: Graph): AskedShape[] {
  const found: AskedShape[] = [];
  const storedIn = new Map<Graph, Map<string, TensorMessage>>();
  visitNodes(graph, (node, owner) => {
    const place = shapeInputs.get(node.opType);
    if (place === undefined) return;
    const stored = storedIn.get(owner) ?? storedTensors(owner);
    storedIn.set(owner, stored);
    const message = stored.get(node.inputs[place] ?? "");
    const dims = intsAttribute(node, "shape") ?? (message && numbersOf(message));
    if (dims) found.push({ node, dims, elements: dims.reduce((product, dim) => product * Math.abs(dim), 1) });
  });
  return found;
}

function storedTensors(graph: Graph): Map<string, TensorMessage> {
  const stored = initializersOf(graph);
  for (const { opType, outputs, attributes } of graph.nodes) {
    const tensor = opType === "Constant" ? attributes.find(({ t }) => t !== undefined)?.t : undefined;
    if (tensor) stored.set(outputs[0] ?? "", tensor);
  }
  return stored;
}

function numbersOf(message: TensorMessage): readonly number[] | undefined {
  if (!(dimsOf(message).reduce((product, dim) => product * dim, 1) <= MAX_DIMS)) return undefined;
  try {
    return Array.from(readTensor(message).data as ArrayLike<number | bigint>, Number);
  } catch {
    // Not whole: other checks tell.
    return undefined;
  }
}
