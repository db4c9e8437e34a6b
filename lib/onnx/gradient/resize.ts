/** Gradient of resampling: every mode of Resize is linear and works on one axis after the other. */
import { attribute } from "../attributes.js";
import { makeNode } from "../builder.js";
import { type RuleContext, registerGradients } from "./rule.js";

registerGradients({
  Resize: (c) => {
    const rank = c.rank(c.x(0));
    if (c.x(1) && c.value(c.x(1)).dims[0] !== 0) c.unsupported("with a region of interest has no rule");
    if (attribute(c.node, "axes"))
      c.unsupported("keeps an aspect ratio along some axes, for which there is no rule");
    if (rank < 3) c.unsupported("needs a batch and a channel axis");
    let g = c.dy(0)!;
    for (let axis = 2; axis < rank; axis++) g = alongAxis(c, g, axis, rank);
    return [g];
  },
});

/**
 * One axis of the adjoint: the same Resize applied to the unit vectors gives its matrix, by which the
 * gradient is multiplied.
 */
function alongAxis(c: RuleContext, g: string, axis: number, rank: number): string {
  const { builder } = c;
  const size = c.op("Shape", [c.x(0)], { start: axis, end: axis + 1 });
  const square = c.op("Concat", [size, size], { axis: 0 });
  const unit = c.op("EyeLike", [c.op("Expand", [c.number(0), square])]);
  const plane = c.op("Reshape", [
    unit,
    c.op("Concat", [builder.integers(1), square, builder.integers(1)], { axis: 0 }),
  ]);
  const one = builder.constant({ type: "float32", dims: [1], data: Float32Array.of(1) });
  const part = (name: string): string =>
    c.op("Slice", [name, builder.integers(axis), builder.integers(axis + 1), builder.integers(0)]);
  const bySize = Boolean(c.x(3));
  const inputs = bySize
    ? [
        plane,
        "",
        "",
        c.op("Concat", [builder.integers(1), size, part(c.x(3)), builder.integers(1)], { axis: 0 }),
      ]
    : [plane, "", c.op("Concat", [one, one, part(c.x(2)), one], { axis: 0 })];
  const resized = builder.fresh("Resize");
  builder.node({ ...makeNode("Resize", inputs, [resized]), attributes: c.node.attributes });
  // [size, resized size]: row i holds what element i contributes to.
  const matrix = c.op("Reshape", [resized, c.op("Concat", [size, builder.integers(-1)], { axis: 0 })]);
  if (axis === rank - 1) return c.op("MatMul", [g, c.op("Transpose", [matrix])]);
  const last = Array.from({ length: rank }, (_, i) => i);
  last.splice(axis, 1);
  last.push(axis);
  const turned = c.op("Transpose", [g], { perm: last });
  const product = c.op("MatMul", [turned, c.op("Transpose", [matrix])]);
  return c.op("Transpose", [product], { perm: last.map((_, i) => last.indexOf(i)) });
}
