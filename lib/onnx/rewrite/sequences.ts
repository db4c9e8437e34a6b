/** Takes sequences of tensors out of a graph where it is known which tensors they hold. */
import { attribute, intAttribute } from "../attributes.js";
import { type GraphBuilder, graphBuilder, makeNode } from "../builder.js";
import { initializersOf, readsOf } from "../graph.js";
import type { Model, Node } from "../schema.js";
import { type InnerValue, inferShapes } from "../shapes.js";
import { readTensor } from "../tensors.js";

/** Operators that make, change or read a sequence. */
const SEQUENCE = /^(Sequence(Empty|Construct|Insert|Erase|At|Length)|SplitToSequence|ConcatFromSequence)$/;

/** Parts beyond which a split is left to onnxruntime. */
const MAX_PARTS = 4096;

/**
 * Rewrites lists that a graph builds and joins (as TorchScript does in loops) to the tensors they hold, so that
 * gradients pass. The graph has no If and Loop around them any more; sequences of unknown length stay.
 */
export function resolveSequences(model: Model): Model {
  if (!model.graph.nodes.some(({ opType }) => SEQUENCE.test(opType))) return model;
  const builder = graphBuilder({ ...model.graph, nodes: [] }, model.opsets);
  for (const node of model.graph.nodes) for (const output of node.outputs) if (output) builder.claim(output);
  const initializers = initializersOf(model.graph);
  const context: Context = {
    builder,
    lists: new Map(),
    integer: (name) => {
      const message = initializers.get(name);
      if (message === undefined) return undefined;
      const { data } = readTensor(message);
      return data.length === 1 ? Number(data[0]) : undefined;
    },
    values: undefined,
    shapes: () => {
      context.values ??= inferShapes(model);
      return context.values;
    },
  };
  for (const node of model.graph.nodes) {
    if (rewrites[node.opType]?.(node, context)) continue;
    for (const name of readsOf(node)) materialise(name, context);
    builder.node(node);
  }
  for (const { name } of model.graph.outputs) materialise(name, context);
  const graph = { ...builder.graph(model.graph.name), outputs: model.graph.outputs };
  return { ...model, graph };
}

interface Context {
  readonly builder: GraphBuilder;
  /** What each known sequence holds. */
  readonly lists: Map<string, readonly string[]>;
  /** The number that a stored scalar holds. */
  integer(name: string): number | undefined;
  values: ReadonlyMap<string, InnerValue> | undefined;
  shapes(): ReadonlyMap<string, InnerValue>;
}

/** Makes a sequence after all, for what has to read it as one. */
function materialise(name: string, { builder, lists }: Context): void {
  const list = lists.get(name);
  if (list === undefined || list.length === 0) return;
  lists.delete(name);
  builder.node(makeNode("SequenceConstruct", list, [name]));
}

/** Returns false if the node has to stay. */
type Rewrite = (node: Node, context: Context) => boolean;

const rewrites: Readonly<Record<string, Rewrite>> = {
  Identity: (node, { lists }) => {
    const list = lists.get(node.inputs[0]!);
    return list !== undefined && keep(lists, node, list);
  },
  SequenceEmpty: (node, { lists, builder }) => {
    // Nothing else can make an empty one: it stays, and is pruned where nothing reads it.
    builder.node(node);
    return keep(lists, node, []);
  },
  SequenceConstruct: (node, { lists }) => keep(lists, node, node.inputs),
  SequenceInsert: (node, context) => {
    const [list, place] = placed(node, 2, context, 1);
    if (list === undefined || place === undefined) return false;
    return keep(context.lists, node, [...list.slice(0, place), node.inputs[1]!, ...list.slice(place)]);
  },
  SequenceErase: (node, context) => {
    const [list, place] = placed(node, 1, context, 0);
    if (list === undefined || place === undefined) return false;
    return keep(
      context.lists,
      node,
      list.filter((_, i) => i !== place),
    );
  },
  SequenceAt: (node, context) => {
    const [list, place] = placed(node, 1, context, 0);
    const name = place === undefined ? undefined : list?.[place];
    if (name === undefined) return false;
    context.builder.alias(node.outputs[0]!, name);
    return true;
  },
  SequenceLength: (node, { lists, builder }) => {
    const list = lists.get(node.inputs[0]!);
    if (list === undefined) return false;
    const data = BigInt64Array.of(BigInt(list.length));
    builder.alias(node.outputs[0]!, builder.constant({ type: "int64", dims: [], data }));
    return true;
  },
  ConcatFromSequence: (node, { lists, builder }) => {
    const list = lists.get(node.inputs[0]!);
    if (list === undefined || list.length === 0) return false;
    const axis = intAttribute(node, "axis", 0);
    const isNew = intAttribute(node, "new_axis", 0) === 1;
    const parts = isNew ? list.map((name) => builder.op("Unsqueeze", [name, builder.integers(axis)])) : list;
    builder.alias(node.outputs[0]!, builder.op("Concat", parts, { axis }));
    return true;
  },
  SplitToSequence: (node, { builder, lists, integer, shapes }) => {
    const [x, split] = node.inputs as [string, string?];
    const { dims, ranked } = shapes().get(x) ?? { dims: [], ranked: false };
    const axis = intAttribute(node, "axis", 0);
    const size = dims.at(axis);
    const each = split ? integer(split) : 1;
    if (!ranked || typeof size !== "number" || !each || size / each > MAX_PARTS) return false;
    const count = Math.ceil(size / each);
    const sizes = Array.from({ length: count }, (_, i) => Math.min(each, size - i * each));
    const parts = builder.ops("Split", [x, builder.integers(...sizes)], count, { axis });
    const flat =
      !split && attribute(node, "keepdims") !== undefined && intAttribute(node, "keepdims", 1) === 0;
    return keep(
      lists,
      node,
      flat ? parts.map((part) => builder.op("Squeeze", [part, builder.integers(axis)])) : parts,
    );
  },
};

function keep(lists: Map<string, readonly string[]>, node: Node, list: readonly string[]): boolean {
  lists.set(node.outputs[0]!, list);
  return true;
}

/** A node's list and the place its input `index` names, counted from the end if negative; the end if left out. */
function placed(
  node: Node,
  index: number,
  { lists, integer }: Context,
  beyond: 0 | 1,
): readonly [readonly string[] | undefined, number | undefined] {
  const list = lists.get(node.inputs[0]!);
  if (list === undefined) return [undefined, undefined];
  const name = node.inputs[index];
  const given = name ? integer(name) : list.length - 1 + beyond;
  if (given === undefined) return [list, undefined];
  const place = given < 0 ? given + list.length : given;
  return [list, place >= 0 && place < list.length + beyond ? place : undefined];
}
