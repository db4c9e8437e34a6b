/** Pools that round the number of windows up, as pools with more pads at the end. */
import { intAttribute, intsAttribute, textAttribute } from "../attributes.js";
import { makeNode } from "../builder.js";
import type { Decomposition } from "./decomposition.js";

/**
 * MaxPool, and AveragePool that leaves pads out of its mean, with ceil_mode over known sizes.
 *
 * onnxruntime infers one window too many where the last one would start in the padding; without ceil_mode it does
 * not, and what is inferred behind the pool holds.
 */
export const ceilingPool: Decomposition = ({ node, builder, input, value }) => {
  const kernel = intsAttribute(node, "kernel_shape");
  const sizes = value(input(0)).dims.slice(2);
  const auto = textAttribute(node, "auto_pad", "NOTSET");
  const counted = intAttribute(node, "count_include_pad", 0) === 1;
  const plain = (auto === "NOTSET" || auto === "") && !counted && intAttribute(node, "ceil_mode", 0) === 1;
  if (!plain || kernel === undefined || sizes.length !== kernel.length) return undefined;
  if (!sizes.every((size) => typeof size === "number")) return undefined;
  const ones = kernel.map(() => 1);
  const strides = intsAttribute(node, "strides") ?? ones;
  const dilations = intsAttribute(node, "dilations") ?? ones;
  const pads = intsAttribute(node, "pads") ?? [...ones, ...ones].map(() => 0);
  const ends = kernel.map((size, axis) => {
    const [begin, end] = [pads[axis]!, pads[axis + kernel.length]!];
    const extent = (size - 1) * dilations[axis]! + 1;
    const room = (sizes[axis] as number) + begin + end - extent;
    let windows = Math.ceil(room / strides[axis]!) + 1;
    if ((windows - 1) * strides[axis]! >= (sizes[axis] as number) + begin) windows--;
    return Math.max(end, (windows - 1) * strides[axis]! + extent - (sizes[axis] as number) - begin);
  });
  // onnxruntime refuses pads as large as the kernel.
  if (ends.some((end, axis) => end >= kernel[axis]!)) return undefined;
  const { attributes } = makeNode("", [], [], { pads: [...pads.slice(0, kernel.length), ...ends] });
  const outputs = node.outputs.map((name) => (name === "" ? "" : builder.fresh(node.opType)));
  builder.node({
    ...makeNode(node.opType, node.inputs, outputs),
    attributes: [
      ...node.attributes.filter(({ name }) => name !== "pads" && name !== "ceil_mode"),
      ...attributes,
    ],
  });
  return outputs;
};
