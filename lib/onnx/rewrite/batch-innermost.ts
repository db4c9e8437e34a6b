/** Lays images out with the batch innermost where a convolution's weight changes: one product instead of one per image. */
import { intAttribute, intsAttribute, textAttribute } from "../attributes.js";
import { type GraphBuilder, graphBuilder, makeNode } from "../builder.js";
import { isStandard, sortNodes } from "../graph.js";
import type { Model, Node } from "../schema.js";
import { type InnerValue, inferShapes } from "../shapes.js";

/** Channels from which one wide product wins more on one thread than laying the image out anew costs. */
const WIDE = 16;

/**
 * Rewrites convolutions whose weight is not fixed, as in training.
 *
 * onnxruntime gathers and multiplies image by image, and wakes its threads for each; its better layout (NCHWc)
 * is for constant weights only. [N, C, …, W] as one image [1, C, …, W·N], with dilations and pads of the last
 * axis times N, gives the same sums as [1, M, …, W·N], as long as the stride along that axis is 1.
 *
 * @param model Convolutions of images whose sizes it does not fix stay as they are.
 * @param changing Stored tensors that are not constants.
 * @param threads With several, images of few channels gain too: one of 28 x 28 is less work than waking a thread.
 */
export function batchInnermost(model: Model, changing: ReadonlySet<string>, threads = 1): Model {
  const { graph } = model;
  const sorted = sortNodes(graph.nodes);
  const variable = new Set(changing);
  for (const { inputs, outputs } of sorted) {
    if (inputs.some((name) => variable.has(name))) for (const name of outputs) variable.add(name);
  }
  const candidates = new Set(
    sorted.filter((node) => isPlainConv(node) && variable.has(node.inputs[1] ?? "")),
  );
  if (candidates.size === 0) return model;
  const values = inferShapes(model);
  const builder = graphBuilder({ ...graph, nodes: [] }, model.opsets);
  for (const { outputs } of sorted) for (const name of outputs) if (name !== "") builder.claim(name);
  for (const node of sorted) {
    if (!candidates.has(node) || !rewrite(builder, node, values, threads > 1 ? 1 : WIDE)) builder.node(node);
  }
  return { ...model, graph: { ...builder.graph(graph.name), outputs: graph.outputs } };
}

function isPlainConv(node: Node): boolean {
  const auto = textAttribute(node, "auto_pad", "NOTSET");
  return (
    node.opType === "Conv" &&
    isStandard(node.domain) &&
    intAttribute(node, "group", 1) === 1 &&
    (auto === "NOTSET" || auto === "") &&
    (intsAttribute(node, "strides") ?? []).every((stride) => stride === 1)
  );
}

/** Writes the convolution with the batch innermost, if its sizes are known and it is worth it. */
function rewrite(
  builder: GraphBuilder,
  node: Node,
  values: ReadonlyMap<string, InnerValue>,
  leastChannels: number,
): boolean {
  const [x, weight, ...bias] = node.inputs as [string, string];
  const image = fixed(values.get(x));
  const kernel = fixed(values.get(weight))?.slice(2);
  const result = fixed(values.get(node.outputs[0]!));
  if (image === undefined || kernel === undefined || result === undefined) return false;
  const [batch, channels] = image as [number, number];
  if (batch === 1 || channels < leastChannels || kernel.every((size) => size === 1)) return false;
  const spatial = kernel.map((_, axis) => axis + 1);
  const last = kernel.length - 1;
  const merged = (sizes: readonly number[]): number[] =>
    sizes.map((size, axis) => (axis === last ? size * batch : size));
  const pads = intsAttribute(node, "pads") ?? kernel.flatMap(() => [0, 0]);
  const turned = builder.op("Transpose", [x], { perm: [1, ...spatial.map((axis) => axis + 1), 0] });
  const wide = builder.op("Reshape", [turned, builder.integers(1, channels, ...merged(image.slice(2)))]);
  const convolved = builder.op("Conv", [wide, weight, ...bias], {
    kernel_shape: kernel,
    dilations: merged(intsAttribute(node, "dilations") ?? kernel.map(() => 1)),
    pads: [...merged(pads.slice(0, last + 1)), ...merged(pads.slice(last + 1))],
  });
  const apart = builder.op("Reshape", [convolved, builder.integers(...result.slice(1), batch)]);
  builder.node(makeNode("Transpose", [apart], node.outputs, { perm: [last + 2, 0, ...spatial] }));
  return true;
}

/** The dims of a tensor, if all are known. */
function fixed(value: InnerValue | undefined): readonly number[] | undefined {
  const isKnown = value?.ranked && value.dims.every((dim) => typeof dim === "number");
  return isKnown ? (value.dims as number[]) : undefined;
}
