/**
 * The rule about weights that outweigh their whole layer: one word's row of an embedding, one unit's way to the
 * answers.
 *
 * Training keeps rows of one matrix within a small factor of each other; who edits weights by hand makes a few of
 * them decide. Of 374 matrices in honest files the loudest row had 3.2 times the median's norm, edited ones 90 and
 * more. A patient editor stays below: then `assay audit` has to find it.
 */
import { intAttribute } from "../attributes.js";
import { initializersOf } from "../graph.js";
import type { Graph, Node, TensorMessage } from "../schema.js";
import { dimsOf, readTensor } from "../tensors.js";
import { type Finding, finding, placeOf } from "./finding.js";
import type { Flow } from "./flow.js";

/** Rows with this many times the norm of nearly all others. */
const LOUD = 25;
/** Fewer rows, or shorter ones, are a table of something, not weights. */
const ROWS = 32;
const COLUMNS = 3;
/** The norm that nine of ten rows stay below: what is that common is no exception. */
const COMMON = 0.9;
/** Larger matrices are not read: 1 GiB of float32. */
const MAX_ELEMENTS = 2 ** 28;

/** Runs the rule on tables of embeddings or of tones and on dense layers of the main graph. */
export function lintLoudWeights(graph: Graph, flowOf: (name: string) => Flow): Finding[] {
  const stored = initializersOf(graph);
  for (const { opType, outputs, attributes } of graph.nodes) {
    const tensor = attributes.find(({ name }) => name === "value")?.t;
    if (opType === "Constant" && tensor) stored.set(outputs[0] ?? "", tensor);
  }
  return graph.nodes.flatMap((node) => {
    const weights = weightsOf(node, stored);
    const { isContent, isToken, mostLayers } = flowOf(node.inputs[1] ?? "");
    const isTones = node.opType === "Gather" && isContent && !isToken && mostLayers === 0;
    const loud = weights && loudRows(weights.tensor, weights.isTransposed, isTones ? 1 : 2);
    if (!loud) return [];
    const what = node.opType === "Gather" ? "rows of a table" : "inputs of a dense layer";
    const why = `${loud.rows.length} of ${loud.of} ${what} (${loud.rows.slice(0, 3).join(", ")}${loud.rows.length > 3 ? ", ..." : ""}) have weights ${loud.factor.toPrecision(2)} times as large as nearly all others`;
    return [finding("loud-weights", "flag", placeOf(node), why)];
  });
}

function weightsOf(
  node: Node,
  stored: ReadonlyMap<string, TensorMessage>,
): { tensor: TensorMessage; isTransposed: boolean } | undefined {
  const place = node.opType === "Gather" ? 0 : node.opType === "Gemm" || node.opType === "MatMul" ? 1 : -1;
  const tensor = stored.get(node.inputs[place] ?? "");
  if (!tensor) return undefined;
  return { tensor, isTransposed: node.opType === "Gemm" && intAttribute(node, "transB", 0) === 1 };
}

/** Rows of a matrix that are loud, and how much the loudest is. */
function loudRows(
  tensor: TensorMessage,
  isTransposed: boolean,
  rank: number,
): { rows: number[]; of: number; factor: number } | undefined {
  const dims = dimsOf(tensor);
  const [rows = 0, columns = 1] = isTransposed ? [...dims].reverse() : dims;
  const isNarrow = dims.length === 2 && columns < COLUMNS;
  if (dims.length > 2 || dims.length < rank || rows < ROWS || isNarrow || rows * columns > MAX_ELEMENTS)
    return undefined;
  const values = readFloats(tensor);
  if (!values) return undefined;
  const norms = new Float64Array(rows);
  for (let i = 0; i < rows * columns; i++) {
    const row = isTransposed ? i % rows : Math.floor(i / columns);
    norms[row] = norms[row]! + values[i]! ** 2;
  }
  const sorted = norms.filter((square) => square > 0).sort();
  const common = Math.sqrt(sorted[Math.floor(COMMON * sorted.length)] ?? 0);
  const loudest = Math.sqrt(sorted.at(-1) ?? 0);
  // Rows of zeros are words that never came: without them too few may be left to compare with.
  if (sorted.length < ROWS || !(loudest > LOUD * common)) return undefined;
  const found = Array.from(norms.keys()).filter((row) => Math.sqrt(norms[row]!) > LOUD * common);
  return { rows: found, of: rows, factor: loudest / common };
}

function readFloats(tensor: TensorMessage): Float32Array | Float64Array | undefined {
  try {
    const { data } = readTensor(tensor);
    return data instanceof Float32Array || data instanceof Float64Array ? data : undefined;
  } catch {
    // Data outside the file, or of another size than its dims say: other rules tell.
    return undefined;
  }
}
