/** Gradients of reductions. */
import { intAttribute } from "../attributes.js";
import { type GradientRule, type RuleContext, registerGradients } from "./rule.js";

/** A rule from the derivative by each element, given the input and what broadcasts against it. */
const reduction =
  (byElement: (c: RuleContext, x: string, y: string, g: string) => string): GradientRule =>
  (c) => {
    const x = c.x(0);
    const gradient = byElement(c, x, opened(c, c.node.outputs[0]!), opened(c, c.dy(0)!));
    return [c.op("Expand", [gradient, c.shapeOf(x)])];
  };

registerGradients({
  ReduceSum: reduction((_c, _x, _y, g) => g),
  ReduceMean: reduction((c, x, _y, g) => {
    const count = c.op("Div", [c.op("Size", [x]), c.op("Size", [c.node.outputs[0]!])]);
    return c.op("Div", [g, c.op("CastLike", [count, g])]);
  }),
  ReduceSumSquare: reduction((c, x, _y, g) => c.op("Mul", [g, c.op("Mul", [x, c.number(2)])])),
  ReduceL1: reduction((c, x, _y, g) => c.op("Mul", [g, c.op("Sign", [x])])),
  ReduceL2: reduction((c, x, y, g) => {
    // The norm has no slope at zero; 0 is what PyTorch takes.
    const safe = c.op("Where", [c.op("Equal", [y, c.number(0)]), c.number(1), y]);
    return c.op("Mul", [g, c.op("Div", [x, safe])]);
  }),
  ReduceLogSum: reduction((c, _x, y, g) => c.op("Mul", [g, c.op("Exp", [c.op("Neg", [y])])])),
  ReduceLogSumExp: reduction((c, x, y, g) => c.op("Mul", [g, c.op("Exp", [c.op("Sub", [x, y])])])),
  ReduceMax: reduction(extreme),
  ReduceMin: reduction(extreme),
  ReduceProd: reduction((c, x, _y, g) => {
    // Where a factor is zero, y / x fails: count the zeros and multiply the others.
    const isZero = c.op("Equal", [x, c.number(0)]);
    const others = c.op("Where", [isZero, c.number(1), x]);
    const product = reduced(c, "ReduceProd", others);
    const zeros = reduced(c, "ReduceSum", c.mask(isZero));
    const one = c.op("Mul", [product, c.mask(c.op("Equal", [zeros, c.number(1)]))]);
    const none = c.op("Mul", [c.op("Div", [product, others]), c.mask(c.op("Equal", [zeros, c.number(0)]))]);
    return c.op("Mul", [g, c.op("Where", [isZero, one, none])]);
  }),
});

/** Ties share the gradient evenly, as PyTorch's amax does. */
function extreme(c: RuleContext, x: string, y: string, g: string): string {
  const hits = c.mask(c.op("Equal", [x, y]));
  return c.op("Mul", [hits, c.op("Div", [g, reduced(c, "ReduceSum", hits)])]);
}

const axesInput = (c: RuleContext): string[] => (c.x(1) ? [c.x(1)] : []);

function reduced(c: RuleContext, opType: string, x: string): string {
  return c.op(opType, [x, ...axesInput(c)], {
    keepdims: 1,
    noop_with_empty_axes: intAttribute(c.node, "noop_with_empty_axes", 0),
  });
}

/** Brings back the axes that keepdims = 0 removed; without axes a scalar broadcasts by itself. */
function opened(c: RuleContext, name: string): string {
  const kept = intAttribute(c.node, "keepdims", 1) === 1 || !c.x(1);
  return kept ? name : c.op("Unsqueeze", [name, c.x(1)]);
}
