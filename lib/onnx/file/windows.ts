/** Windows that are wider than what they slide over: onnxruntime makes negative dims of them, and ends on those. */
import { AssayError } from "../../errors.js";
import { declared, initializersOf, isStandard, nodeLabel, sortNodes } from "../graph.js";
import { type Extent, extentOf } from "../lint/extents.js";
import type { Graph, TensorMessage } from "../schema.js";
import { dimsOf, readTensor } from "../tensors.js";

const windowed = new Set(["Conv", "MaxPool", "AveragePool", "LpPool"]);
/** Longer lists are no places, axes or shapes. */
const FEW = 64;

/**
 * Refuses a graph some window of which is wider than its padded input, as far as dims are known before a run.
 *
 * @throws AssayError INVALID_MODEL.
 */
export function checkWindows(graph: Graph): void {
  if (!graph.nodes.some(({ opType }) => windowed.has(opType))) return;
  const stored = initializersOf(graph);
  const extents = new Map<string, Extent>();
  for (const input of graph.inputs) {
    const dims = declared(input).dims.map((dim) => (typeof dim === "number" ? dim : null));
    extents.set(input.name, input.type?.tensorType?.shape === undefined ? undefined : dims);
  }
  for (const node of graph.nodes) {
    const tensor = node.attributes.find(({ name }) => name === "value")?.t;
    if (node.opType === "Constant" && tensor) stored.set(node.outputs[0] ?? "", tensor);
  }
  for (const [name, message] of stored) extents.set(name, dimsOf(message));
  const scope = {
    extentOf: (name = "") => extents.get(name),
    valuesOf: (name = "") => numbersOf(stored.get(name)),
  };
  for (const node of sortNodes(graph.nodes)) {
    if (!isStandard(node.domain) || node.opType === "Constant") continue;
    const extent = extentOf(node, scope);
    const [first] = node.outputs;
    if (first !== undefined && !extents.has(first)) extents.set(first, extent);
    if (!windowed.has(node.opType) || !extent?.some((dim) => dim !== null && dim < 0)) continue;
    throw new AssayError(
      "INVALID_MODEL",
      `The node ${nodeLabel(node)} (${node.opType}) has a window that is wider than its input [${scope
        .extentOf(node.inputs[0])
        ?.map((dim) => dim ?? "?")
        .join(", ")}].`,
      { node: node.name },
    );
  }
}

function numbersOf(message: TensorMessage | undefined): readonly number[] | undefined {
  if (!message || !(dimsOf(message).reduce((product, dim) => product * dim, 1) <= FEW)) return undefined;
  try {
    return Array.from(readTensor(message).data as ArrayLike<number | bigint>, Number);
  } catch {
    // Outside the file, or no numbers.
    return undefined;
  }
}
