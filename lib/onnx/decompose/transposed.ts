/** ConvTranspose whose pads follow from the size of its result, as one that gives them. */
import { intsAttribute, textAttribute } from "../attributes.js";
import { makeNode } from "../builder.js";
import type { Decomposition } from "./decomposition.js";

/** ConvTranspose with output_shape or auto_pad; others, and those over free sizes, stay as they are. */
export const convTranspose: Decomposition = ({ node, builder, input, value }) => {
  const auto = textAttribute(node, "auto_pad", "NOTSET");
  const wanted = intsAttribute(node, "output_shape");
  const same = auto === "SAME_UPPER" || auto === "SAME_LOWER";
  const sizes = value(input(0)).dims.slice(2);
  const kernel = value(input(1)).dims.slice(2);
  const known = [...sizes, ...kernel].every((size) => typeof size === "number") && kernel.length > 0;
  if ((!same && wanted === undefined) || !known) return undefined;
  const ones = sizes.map(() => 1);
  const strides = intsAttribute(node, "strides") ?? ones;
  const dilations = intsAttribute(node, "dilations") ?? ones;
  const extra = intsAttribute(node, "output_padding") ?? sizes.map(() => 0);
  const target = wanted?.slice(-sizes.length) ?? sizes.map((size, i) => (size as number) * strides[i]!);
  const totals = sizes.map((size, i) => {
    const extent = ((kernel[i] as number) - 1) * dilations[i]! + 1;
    return strides[i]! * ((size as number) - 1) + extra[i]! + extent - target[i]!;
  });
  // Where the windows do not reach the wanted size, the rest is padding of the result.
  const padding = totals.map((total, i) => extra[i]! + Math.max(0, -total));
  const whole = totals.map((total) => Math.max(0, total));
  const smaller = whole.map((total) => Math.floor(total / 2));
  const larger = whole.map((total) => Math.ceil(total / 2));
  const pads = auto === "SAME_UPPER" ? [...smaller, ...larger] : [...larger, ...smaller];
  const set = new Set(["auto_pad", "output_shape", "output_padding", "pads"]);
  const { attributes } = makeNode("", [], [], {
    pads,
    output_padding: padding,
    kernel_shape: kernel as number[],
  });
  const output = builder.fresh("ConvTranspose");
  builder.node({
    ...makeNode("ConvTranspose", node.inputs, [output]),
    attributes: [
      ...node.attributes.filter(({ name }) => !set.has(name ?? "") && name !== "kernel_shape"),
      ...attributes,
    ],
  });
  return [output];
};
