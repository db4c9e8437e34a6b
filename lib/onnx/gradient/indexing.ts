/** Gradients of gathering and scattering: one is the adjoint of the other. */
import { intAttribute, textAttribute } from "../attributes.js";
import { type RuleContext, registerGradients } from "./rule.js";

registerGradients({
  Gather: (c) => {
    const axis = intAttribute(c.node, "axis", 0);
    const data = c.rank(c.x(0));
    const indices = c.rank(c.x(1));
    const at = axis < 0 ? axis + data : axis;
    const column = c.op("Unsqueeze", [c.x(1), c.builder.integers(-1)]);
    if (at === 0) {
      return [c.op("ScatterND", [c.filledLike(c.x(0), 0), column, c.dy(0)!], { reduction: "add" })];
    }
    // The gathered axes come first, the sum is scattered, and the axis goes back to its place.
    const front = [...range(at, at + indices), ...range(0, at), ...range(at + indices, data - 1 + indices)];
    const moved = c.op("Transpose", [c.dy(0)!], { perm: front });
    const order = [at, ...range(0, at), ...range(at + 1, data)];
    const shape = c.op("Gather", [c.shapeOf(c.x(0)), c.builder.integers(...order)]);
    const zeros = c.op("Expand", [c.number(0), shape]);
    const summed = c.op("ScatterND", [zeros, column, moved], { reduction: "add" });
    return [c.op("Transpose", [summed], { perm: order.map((_, i) => order.indexOf(i)) })];
  },
  GatherElements: (c) => [
    c.op("ScatterElements", [c.filledLike(c.x(0), 0), c.x(1), c.dy(0)!], {
      axis: intAttribute(c.node, "axis", 0),
      reduction: "add",
    }),
  ],
  GatherND: (c) => {
    if (intAttribute(c.node, "batch_dims", 0) !== 0) c.unsupported("with batch_dims has no rule");
    return [c.op("ScatterND", [c.filledLike(c.x(0), 0), c.x(1), c.dy(0)!], { reduction: "add" })];
  },
  ScatterElements: (c) => {
    const axis = intAttribute(c.node, "axis", 0);
    const add = reductionOf(c) === "add";
    const cleared = (): string =>
      c.op("ScatterElements", [c.dy(0)!, c.x(1), c.filledLike(c.x(2), 0)], { axis });
    return [
      c.needs(0) ? (add ? c.dy(0) : cleared()) : undefined,
      undefined,
      c.needs(2) ? c.op("GatherElements", [c.dy(0)!, c.x(1)], { axis }) : undefined,
    ];
  },
  ScatterND: (c) => {
    const add = reductionOf(c) === "add";
    const cleared = (): string => c.op("ScatterND", [c.dy(0)!, c.x(1), c.filledLike(c.x(2), 0)]);
    return [
      c.needs(0) ? (add ? c.dy(0) : cleared()) : undefined,
      undefined,
      c.needs(2) ? c.op("GatherND", [c.dy(0)!, c.x(1)]) : undefined,
    ];
  },
  TopK: (c) => [
    c.op("ScatterElements", [c.filledLike(c.x(0), 0), c.y(1), c.dy(0)!], {
      axis: intAttribute(c.node, "axis", -1),
    }),
  ],
  MaxUnpool: (c) => {
    // Indices count through the whole result, as the matching MaxPool's do.
    const flat = c.builder.integers(-1);
    const taken = c.op("Gather", [c.op("Reshape", [c.dy(0)!, flat]), c.op("Reshape", [c.x(1), flat])]);
    return [c.reshapeLike(taken, c.x(0))];
  },
});

const range = (start: number, end: number): number[] =>
  Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);

function reductionOf(c: RuleContext): "none" | "add" {
  const reduction = textAttribute(c.node, "reduction", "none");
  if (reduction === "none" || reduction === "add") return reduction;
  return c.unsupported(`with reduction "${reduction}" has no rule`);
}
