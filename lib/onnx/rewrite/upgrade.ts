/** Raises a model to the operator version in which Assay writes graphs: its meaning and its tensor names stay. */
import { AssayError } from "../../errors.js";
import {
  attribute,
  floatAttribute,
  intAttribute,
  intsAttribute,
  subgraphs,
  textAttribute,
} from "../attributes.js";
import { type GraphBuilder, graphBuilder, makeNode, OPSET } from "../builder.js";
import { isStandard, nodeLabel, opsetOf } from "../graph.js";
import type { Attribute, Model, Node } from "../schema.js";
import { tensorMessage } from "../tensors.js";
import { inlineFunctions } from "./inline.js";

/** Oldest version that is understood; before it, broadcasting had other rules. */
const OLDEST = 7;

/**
 * Inlines functions, makes stored tensors of Constant nodes, and raises the standard operators to version 21
 * (newer models keep theirs: what Assay writes means the same in all of them).
 *
 * @throws AssayError UNSUPPORTED_OPERATOR for versions below 7 and for the few old operators without a successor.
 */
export function upgradeModel(model: Model): Model {
  const inlined = inlineFunctions(model);
  const version = opsetOf(inlined) ?? OPSET;
  if (version < OLDEST) {
    throw new AssayError(
      "UNSUPPORTED_OPERATOR",
      `The model uses version ${version} of the ONNX operators; rewriting needs ${OLDEST} or newer. Export it again.`,
      { opset: version },
    );
  }
  const builder = graphBuilder({ ...inlined.graph, nodes: [] });
  // Names of the nodes to come are taken, so that nothing fresh collides with them.
  for (const node of inlined.graph.nodes)
    for (const output of node.outputs) if (output) builder.claim(output);
  for (const node of inlined.graph.nodes) raise(builder, node, version);
  const opsets = inlined.opsets.filter(({ domain }) => !isStandard(domain));
  return {
    ...inlined,
    irVersion: Math.max(10, Number(inlined.irVersion ?? 10)),
    graph: builder.graph(inlined.graph.name),
    opsets: [{ domain: "", version: Math.max(version, OPSET) }, ...opsets],
  };
}

/** Rewrites of one operator: `[versions below which it applies, rewrite]`. */
type Rewrite = (builder: GraphBuilder, node: Node, version: number) => void;

function raise(builder: GraphBuilder, node: Node, version: number): void {
  if (!isStandard(node.domain)) {
    builder.node(node);
    return;
  }
  if (node.opType === "Constant" && storeConstant(builder, node)) return;
  const [below, rewrite] = rewrites[node.opType] ?? [0, undefined];
  if (rewrite !== undefined && version < below) rewrite(builder, node, version);
  else if (version < OPSET && subgraphs(node).length > 0) {
    builder.node({ ...node, attributes: node.attributes.map((item) => raiseBranch(item, version)) });
  } else builder.node(node);
}

function raiseBranch(item: Attribute, version: number): Attribute {
  if (!item.g) return item;
  const inner = graphBuilder({ ...item.g, nodes: [] });
  for (const node of item.g.nodes) for (const output of node.outputs) if (output) inner.claim(output);
  for (const node of item.g.nodes) {
    // A branch may give a constant as its output, which a stored tensor of a subgraph may not be everywhere.
    if (node.opType === "Constant") inner.node(node);
    else raise(inner, node, version);
  }
  return { ...item, g: inner.graph(item.g.name) };
}

function storeConstant(builder: GraphBuilder, node: Node): boolean {
  const [output] = node.outputs;
  const [value] = node.attributes;
  if (output === undefined || value === undefined) return false;
  if (value.name === "value" && value.t) builder.stored({ ...value.t, name: output });
  else if (value.name === "value_float") {
    builder.stored(tensorMessage(output, { type: "float32", dims: [], data: Float32Array.of(value.f ?? 0) }));
  } else if (value.name === "value_int") {
    const data = BigInt64Array.of(BigInt(value.i ?? 0));
    builder.stored(tensorMessage(output, { type: "int64", dims: [], data }));
  } else if (value.name === "value_floats") {
    const data = Float32Array.from(value.floats);
    builder.stored(tensorMessage(output, { type: "float32", dims: [data.length], data }));
  } else if (value.name === "value_ints") {
    const data = BigInt64Array.from(value.ints, BigInt);
    builder.stored(tensorMessage(output, { type: "int64", dims: [data.length], data }));
  } else return false;
  return true;
}

const without = (node: Node, ...names: readonly string[]): readonly Attribute[] =>
  node.attributes.filter(({ name }) => !names.includes(name));

/** An attribute with integers becomes an input, as it has been since some version. */
const toInput =
  (name: string, place: number): Rewrite =>
  (builder, node) => {
    const values = attribute(node, name);
    if (values === undefined || node.inputs.length > place) {
      builder.node(node);
      return;
    }
    const list = values.i === undefined ? values.ints.map(Number) : [Number(values.i)];
    const inputs = [...node.inputs];
    while (inputs.length < place) inputs.push("");
    builder.node({
      ...node,
      inputs: [...inputs, builder.integers(...list)],
      attributes: without(node, name),
    });
  };

const axesToInput = toInput("axes", 1);

/** Before version 13 these worked on a matrix: all axes before `axis` by all from it on. */
const flattened: Rewrite = (builder, node) => {
  const axis = intAttribute(node, "axis", 1);
  if (axis === -1) {
    builder.node(node);
    return;
  }
  const [x] = node.inputs as [string];
  const rows = builder.op("Flatten", [x], { axis });
  const made = builder.op(node.opType, [rows], { axis: -1 });
  const reshape = makeNode("Reshape", [made, builder.op("Shape", [x])], node.outputs, { allowzero: 1 });
  builder.node({ ...reshape, name: node.name ?? "" });
};

const split: Rewrite = (builder, node) => {
  const sizes = intsAttribute(node, "split");
  const attributes = without(node, "split");
  if (sizes) builder.node({ ...node, inputs: [node.inputs[0]!, builder.integers(...sizes)], attributes });
  else if (node.inputs[1]) builder.node({ ...node, attributes });
  else {
    const count = makeNode("", [], [], { num_outputs: node.outputs.length }).attributes;
    builder.node({ ...node, attributes: [...attributes, ...count] });
  }
};

const slice: Rewrite = (builder, node) => {
  if (node.inputs.length > 1) {
    builder.node(node);
    return;
  }
  const raw = (name: string): string => {
    const values = attribute(node, name)?.ints ?? [];
    const data = BigInt64Array.from(values, BigInt);
    return builder.constant({ type: "int64", dims: [data.length], data });
  };
  const axes = attribute(node, "axes") ? [raw("axes")] : [];
  builder.node({ ...node, inputs: [node.inputs[0]!, raw("starts"), raw("ends"), ...axes], attributes: [] });
};

const clip: Rewrite = (builder, node) => {
  const bound = (name: string): string =>
    attribute(node, name) ? builder.number(floatAttribute(node, name, 0)) : "";
  builder.node({ ...node, inputs: [node.inputs[0]!, bound("min"), bound("max")], attributes: [] });
};

const pad: Rewrite = (builder, node) => {
  const pads = intsAttribute(node, "pads") ?? [];
  const value = builder.number(floatAttribute(node, "value", 0));
  builder.node({
    ...node,
    inputs: [node.inputs[0]!, builder.integers(...pads), value],
    attributes: without(node, "pads", "value"),
  });
};

const dropout: Rewrite = (builder, node) =>
  builder.node({ ...node, inputs: node.inputs.slice(0, 1), attributes: [] });

const batchNormalization: Rewrite = (builder, node) => {
  // Before version 14 a node with more outputs than one was one in training: it normalises by the batch.
  const isTraining = node.outputs.slice(1).some((name) => name !== "");
  const mode = makeNode("", [], [], { training_mode: 1 }).attributes;
  builder.node({
    ...node,
    outputs: node.outputs.slice(0, isTraining ? 3 : 1),
    attributes: [...without(node, "spatial"), ...(isTraining ? mode : [])],
  });
};

const upsample: Rewrite = (builder, node, version) => {
  const scales =
    version < 9
      ? builder.constant({
          type: "float32",
          dims: [attribute(node, "scales")!.floats.length],
          data: Float32Array.from(attribute(node, "scales")!.floats),
        })
      : node.inputs[1]!;
  const mode = textAttribute(node, "mode", "nearest");
  builder.node(oldResize(node, scales, mode));
};

const resize: Rewrite = (builder, node) =>
  builder.node(oldResize(node, node.inputs[1]!, textAttribute(node, "mode", "nearest")));

const oldResize = (node: Node, scales: string, mode: string): Node => ({
  ...makeNode("Resize", [node.inputs[0]!, "", scales], node.outputs, {
    mode,
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  }),
  name: node.name ?? "",
});

/** Version 18 had one scale per group; since 21 there is one per channel. */
const groupNormalization: Rewrite = (builder, node) => {
  const [x, scale, bias] = node.inputs as [string, string, string];
  const groups = intAttribute(node, "num_groups", 1);
  const channels = builder.op("Shape", [x], { start: 1, end: 2 });
  const each = builder.op("Div", [channels, builder.integers(groups)]);
  const shape = builder.op("Concat", [builder.integers(groups), each], { axis: 0 });
  const perChannel = (name: string): string => {
    const column = builder.op("Unsqueeze", [name, builder.integers(1)]);
    return builder.op("Reshape", [builder.op("Expand", [column, shape]), builder.integers(-1)]);
  };
  builder.node({ ...node, inputs: [x, perChannel(scale), perChannel(bias)] });
};

const gridSample: Rewrite = (builder, node) => {
  const mode = textAttribute(node, "mode", "bilinear")
    .replace("bilinear", "linear")
    .replace("bicubic", "cubic");
  const attributes = makeNode("", [], [], { mode }).attributes;
  builder.node({ ...node, attributes: [...without(node, "mode"), ...attributes] });
};

const refuse: Rewrite = (_builder, node, version) => {
  throw new AssayError(
    "UNSUPPORTED_OPERATOR",
    `The node ${nodeLabel(node)}: ${node.opType} (opset ${version}) has no successor in newer versions. Export the model with opset ${OPSET}.`,
    { node: node.name, operator: node.opType, opset: version },
  );
};

/** Operator: version below which a rewrite is needed, and the rewrite. */
const rewrites: Readonly<Record<string, readonly [number, Rewrite]>> = {
  DFT: [20, refuse],
  Softmax: [13, flattened],
  LogSoftmax: [13, flattened],
  Hardmax: [13, flattened],
  Squeeze: [13, axesToInput],
  Unsqueeze: [13, axesToInput],
  ReduceSum: [13, axesToInput],
  ReduceMax: [18, axesToInput],
  ReduceMin: [18, axesToInput],
  ReduceMean: [18, axesToInput],
  ReduceProd: [18, axesToInput],
  ReduceL1: [18, axesToInput],
  ReduceL2: [18, axesToInput],
  ReduceLogSum: [18, axesToInput],
  ReduceLogSumExp: [18, axesToInput],
  ReduceSumSquare: [18, axesToInput],
  Split: [18, split],
  Slice: [10, slice],
  Clip: [11, clip],
  Pad: [11, pad],
  TopK: [10, toInput("k", 1)],
  Dropout: [12, dropout],
  BatchNormalization: [14, batchNormalization],
  Upsample: [10, upsample],
  Resize: [11, resize],
  Scatter: [OPSET, (builder, node) => builder.node({ ...node, opType: "ScatterElements" })],
  GroupNormalization: [OPSET, groupNormalization],
  GridSample: [20, gridSample],
  Scan: [9, refuse],
};
