/** The sliding window of convolutions and pools: kernel, strides, dilations and pads of one node. */
import { attribute, intAttribute, intsAttribute, textAttribute } from "../attributes.js";
import type { RuleContext } from "./rule.js";

/** One sliding window, per spatial axis. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  /** Sizes of the windowed tensor, undefined where the file leaves them open. */
  readonly sizes: readonly (number | undefined)[];
  /**
   * Rows at the end that no window reaches, because the stride does not divide what is left; undefined where
   * the size is open.
   */
  readonly rest: readonly (number | undefined)[];
}

/**
 * Reads the window that slides over `input`.
 *
 * @param kernel Kernel sizes when a weight gives them; else the attribute does.
 */
export function windowOf(c: RuleContext, input: string, kernel?: readonly number[]): Window {
  const { node } = c;
  const shape = kernel ?? intsAttribute(node, "kernel_shape") ?? c.unsupported("has no kernel_shape");
  const spatial = shape.length;
  const strides = intsAttribute(node, "strides") ?? new Array<number>(spatial).fill(1);
  const dilations = intsAttribute(node, "dilations") ?? new Array<number>(spatial).fill(1);
  const dims = c.value(input).dims.slice(2);
  const sizes = shape.map((_, axis) => (typeof dims[axis] === "number" ? dims[axis] : undefined));
  const extents = shape.map((size, axis) => (size - 1) * dilations[axis]! + 1);
  const { padsBegin, padsEnd } = padsOf(c, sizes, extents, strides);
  const rest = sizes.map((size, axis) => {
    if (strides[axis] === 1) return 0;
    if (size === undefined) return undefined;
    return Math.max(0, (size + padsBegin[axis]! + padsEnd[axis]! - extents[axis]!) % strides[axis]!);
  });
  return { kernel: shape, strides, dilations, padsBegin, padsEnd, sizes, rest };
}

function padsOf(
  c: RuleContext,
  sizes: readonly (number | undefined)[],
  extents: readonly number[],
  strides: readonly number[],
): { padsBegin: number[]; padsEnd: number[] } {
  const spatial = extents.length;
  const auto = textAttribute(c.node, "auto_pad", "NOTSET");
  if (auto === "NOTSET" || auto === "") {
    const pads = intsAttribute(c.node, "pads") ?? new Array<number>(2 * spatial).fill(0);
    return { padsBegin: pads.slice(0, spatial), padsEnd: pads.slice(spatial) };
  }
  const none = new Array<number>(spatial).fill(0);
  if (auto === "VALID") return { padsBegin: none, padsEnd: none };
  const totals = extents.map((extent, axis) => {
    const size = sizes[axis];
    const stride = strides[axis]!;
    if (size !== undefined) return Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent - size);
    if (stride === 1) return extent - 1;
    return c.unsupported(`pads "${auto}" with stride ${stride}, which needs a fixed input size`);
  });
  const smaller = totals.map((total) => Math.floor(total / 2));
  const larger = totals.map((total) => Math.ceil(total / 2));
  return auto === "SAME_UPPER"
    ? { padsBegin: smaller, padsEnd: larger }
    : { padsBegin: larger, padsEnd: smaller };
}

/** True if pools round the number of windows up. */
export const ceilMode = (c: RuleContext): boolean => intAttribute(c.node, "ceil_mode", 0) === 1;

/** True if the attribute is there. */
export const hasAttribute = (c: RuleContext, name: string): boolean => attribute(c.node, name) !== undefined;

/**
 * The adjoint of sliding: spreads `gradient` over the windowed tensor with `weight`.
 *
 * ConvTranspose gives the size that the windows reach; the rest at the end is zero, and is added through
 * output_padding where the size is known and by padding at run time where it is not.
 */
export function spread(
  c: RuleContext,
  gradient: string,
  weight: string,
  window: Window,
  input: string,
  group: number,
): string {
  const { rest, strides, dilations, padsBegin, padsEnd, kernel } = window;
  const known = rest.every((size) => size !== undefined);
  const spreadOut = c.op("ConvTranspose", [gradient, weight], {
    strides,
    dilations,
    group,
    kernel_shape: kernel,
    // At run time all of the end is kept, and cut or filled to the input's size afterwards.
    pads: [...padsBegin, ...(known ? padsEnd : padsEnd.map(() => 0))],
    ...(known && rest.some((size) => size !== 0) ? { output_padding: rest as number[] } : {}),
  });
  if (known) return spreadOut;
  const spatial = kernel.length;
  const missing = c.op("Sub", [
    c.op("Shape", [input], { start: 2 }),
    c.op("Shape", [spreadOut], { start: 2 }),
  ]);
  const pads = c.op("Concat", [c.builder.integers(...new Array<number>(spatial + 4).fill(0)), missing], {
    axis: 0,
  });
  // Pads are all begins, then all ends: [0, 0, begins…, 0, 0, ends…].
  return c.op("Pad", [spreadOut, pads]);
}
