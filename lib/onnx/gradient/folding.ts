/** Gradients of folding columns into pictures, and of the scale of quantised weights. */
import { intAttribute, intsAttribute } from "../attributes.js";
import { type RuleContext, registerGradients } from "./rule.js";

registerGradients({
  Col2Im: (c) => {
    const block = c.integers(c.x(2)) ?? c.unsupported("computes its block's shape");
    if (block.length !== 2) c.unsupported(`folds ${block.length} dims; 2 have a rule`);
    return [unfolded(c, block)];
  },
  DequantizeLinear: (c) => {
    if (intAttribute(c.node, "block_size", 0) !== 0) c.unsupported("in blocks has no rule");
    const scale = c.x(1);
    // y = (q - zero) · scale: what multiplies the scale is y / scale, or the steps themselves.
    const steps = c.x(2)
      ? c.op("Sub", [c.op("CastLike", [c.x(0), scale]), c.op("CastLike", [shaped(c, c.x(2)), scale])])
      : c.op("CastLike", [c.x(0), scale]);
    const products = c.op("Mul", [c.dy(0)!, steps]);
    const own = c.rank(scale) === 0 ? [] : [axisOf(c)];
    const axes = Array.from({ length: c.rank(c.x(0)) }, (_, i) => i).filter((axis) => !own.includes(axis));
    const summed =
      axes.length === 0
        ? products
        : c.op("ReduceSum", [products, c.builder.integers(...axes)], { keepdims: 0 });
    return [undefined, c.reshapeLike(summed, scale)];
  },
});

function axisOf(c: RuleContext): number {
  const axis = intAttribute(c.node, "axis", 1);
  return axis < 0 ? axis + c.rank(c.x(0)) : axis;
}

/** A zero point per channel, shaped to meet the tensor along the axis. */
function shaped(c: RuleContext, zero: string): string {
  if (c.rank(zero) === 0) return zero;
  const rank = c.rank(c.x(0));
  const shape = Array.from({ length: rank }, (_, axis) => (axis === axisOf(c) ? -1 : 1));
  return c.op("Reshape", [zero, c.builder.integers(...shape)]);
}

/** The columns that a picture's blocks are: a convolution with one unit kernel for each place of a block. */
function unfolded(c: RuleContext, [height, width]: readonly number[]): string {
  const { builder } = c;
  const count = height! * width!;
  const zeros = c.op("Expand", [c.number(0), builder.integers(count, count)]);
  const kernels = c.op("Reshape", [c.op("EyeLike", [zeros]), builder.integers(count, 1, height!, width!)]);
  const picture = c.op("Shape", [c.dy(0)!], { start: 2 });
  const planes = c.op("Reshape", [c.dy(0)!, c.op("Concat", [builder.integers(-1, 1), picture], { axis: 0 })]);
  const columns = c.op("Conv", [planes, kernels], {
    kernel_shape: [height!, width!],
    strides: intsAttribute(c.node, "strides") ?? [1, 1],
    dilations: intsAttribute(c.node, "dilations") ?? [1, 1],
    pads: intsAttribute(c.node, "pads") ?? [0, 0, 0, 0],
  });
  return c.reshapeLike(columns, c.x(0));
}
