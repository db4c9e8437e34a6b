/** The tables that decide what a one-layer, one-head, attention-only network answers, folded from its weights. */
import { AssayError } from "../errors.js";
import { type Graph, initializersOf, readTensor } from "../onnx/index.js";
import { toFloat64 } from "../tensor/index.js";
import { attentionOnly } from "../train/index.js";

/** Tables of a network that reads its answer off the last of `length` positions. */
export interface AttentionTables {
  readonly symbols: number;
  readonly length: number;
  /** [query symbol, key symbol, position]: attention score, the query being the last position. */
  readonly score: Float64Array;
  /** [key symbol, position, answer]: what attending to a symbol at a position adds to the logits. */
  readonly value: Float64Array;
  /** [query symbol, answer]: what the last position adds to the logits by itself. */
  readonly direct: Float64Array;
}

const weightNames = [
  "tokens.weight",
  "positions.weight",
  "attention1.query.weight",
  "attention1.key.weight",
  "attention1.value.weight",
  "attention1.weight",
  "logits.weight",
] as const;

/**
 * Folds the weights of a network made by `train.attentionOnly` with one layer and one head.
 *
 * The graph is compared node by node with the one that the recipe writes, constants included: a node more, another
 * scale or a second head would change the answer in ways that the tables do not know.
 *
 * @throws AssayError INVALID_MODEL if the graph is anything else.
 */
export function attentionTables(graph: Graph): AttentionTables {
  const stored = initializersOf(graph);
  const missing = weightNames.filter((name) => !stored.has(name));
  if (missing.length > 0) throw foreign(`it lacks ${missing.join(", ")}`);
  const [vocabulary, width] = stored.get("tokens.weight")!.dims.map(Number) as [number, number];
  const length = Number(stored.get("positions.weight")!.dims[0]);
  const expected = attentionOnly({ vocabulary, length, width }).initial(0).graph;
  const difference = firstDifference(graph, expected);
  if (difference) throw foreign(difference);
  const read = (name: (typeof weightNames)[number]): Table => {
    const value = readTensor(stored.get(name)!);
    return { rows: value.dims[0]!, columns: value.dims[1]!, data: toFloat64(value) };
  };
  const [tokens, positions] = [read("tokens.weight"), read("positions.weight")];
  const symbols = tokens.rows;
  // Row symbol * length + position of what enters the layer.
  const embedded = Float64Array.from({ length: symbols * length * width }, (_, i) => {
    const row = Math.floor(i / width);
    const at = i % width;
    return tokens.data[Math.floor(row / length) * width + at]! + positions.data[(row % length) * width + at]!;
  });
  const x: Table = { rows: symbols * length, columns: width, data: embedded };
  const [query, key] = [times(x, read("attention1.query.weight")), times(x, read("attention1.key.weight"))];
  const unembedding = read("logits.weight");
  const value = times(
    times(times(x, read("attention1.value.weight")), read("attention1.weight")),
    unembedding,
  );
  const residual = times(x, unembedding);
  const score = new Float64Array(symbols * symbols * length);
  const direct = new Float64Array(symbols * symbols);
  for (let q = 0; q < symbols; q++) {
    const last = q * length + length - 1;
    direct.set(residual.data.subarray(last * symbols, (last + 1) * symbols), q * symbols);
    for (let row = 0; row < symbols * length; row++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += query.data[last * width + i]! * key.data[row * width + i]!;
      score[q * symbols * length + row] = sum / Math.sqrt(width);
    }
  }
  return { symbols, length, score, value: value.data, direct };
}

const foreign = (why: string): AssayError =>
  new AssayError(
    "INVALID_MODEL",
    `bounds: expected a network of train.attentionOnly with one layer and one head; ${why}.`,
  );

/** Where a graph differs from the recipe's, weights aside. */
function firstDifference(graph: Graph, expected: Graph): string | undefined {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, part) =>
      typeof part === "bigint"
        ? String(part)
        : ArrayBuffer.isView(part)
          ? Array.from(part as Uint8Array)
          : part,
    );
  const { nodes } = expected;
  if (graph.nodes.length !== nodes.length)
    return `it has ${graph.nodes.length} nodes instead of ${nodes.length}`;
  const shown = ({ opType, domain, inputs, outputs, attributes }: Graph["nodes"][number]): string =>
    // Entries in one order: a file's reader and the recipe's writer put them differently.
    text([opType, domain ?? "", inputs, outputs, attributes.map((one) => Object.entries(one).sort())]);
  const other = nodes.findIndex((node, i) => shown(node) !== shown(graph.nodes[i]!));
  if (other >= 0) return `its node ${other}, ${graph.nodes[other]!.opType}, is not the recipe's`;
  const [own, theirs] = [initializersOf(graph), initializersOf(expected)];
  for (const [name, message] of theirs) {
    const found = own.get(name);
    const isWeight = (weightNames as readonly string[]).includes(name);
    const same = found && (isWeight ? text(found.dims) === text(message.dims) : sameValues(found, message));
    if (!same) return `its tensor "${name}" is not the recipe's`;
  }
  if (own.size !== theirs.size) return `it stores ${own.size} tensors instead of ${theirs.size}`;
  const ends = ({ inputs, outputs }: Graph): string =>
    text([inputs, outputs].map((list) => list.map(({ name }) => name)));
  return ends(graph) === ends(expected) ? undefined : "it has other inputs or outputs";
}

function sameValues(a: Parameters<typeof readTensor>[0], b: Parameters<typeof readTensor>[0]): boolean {
  const [x, y] = [readTensor(a), readTensor(b)];
  return (
    x.type === y.type &&
    String(x.dims) === String(y.dims) &&
    toFloat64(x).every((value, i) => value === toFloat64(y)[i])
  );
}

interface Table {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

function times(a: Table, b: Table): Table {
  const data = new Float64Array(a.rows * b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[i * a.columns + k]!;
      for (let j = 0; j < b.columns; j++) data[i * b.columns + j]! += factor * b.data[k * b.columns + j]!;
    }
  }
  return { rows: a.rows, columns: b.columns, data };
}
