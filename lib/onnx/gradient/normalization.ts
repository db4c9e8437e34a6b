/** Gradients of normalizations and softmax. */
import { floatAttribute, intAttribute } from "../attributes.js";
import { type GradientRule, type RuleContext, registerGradients } from "./rule.js";

registerGradients({
  Softmax: (c) => {
    const y = c.node.outputs[0]!;
    const axes = c.builder.integers(intAttribute(c.node, "axis", -1));
    const product = c.op("Mul", [c.dy(0)!, y]);
    const sum = c.op("ReduceSum", [product, axes], { keepdims: 1 });
    return [c.op("Sub", [product, c.op("Mul", [y, sum])])];
  },
  LogSoftmax: (c) => {
    const axes = c.builder.integers(intAttribute(c.node, "axis", -1));
    const sum = c.op("ReduceSum", [c.dy(0)!, axes], { keepdims: 1 });
    return [c.op("Sub", [c.dy(0)!, c.op("Mul", [c.op("Exp", [c.node.outputs[0]!]), sum])])];
  },
  BatchNormalization: batchNormalization,
  LayerNormalization: (c) => {
    const rank = c.rank(c.x(0));
    const first = intAttribute(c.node, "axis", -1);
    const axes = axesFrom(first < 0 ? first + rank : first, rank);
    // Asked for, the forward node gives what it computed anyway; other types than float32 are recomputed.
    const standard =
      c.type === "float32"
        ? (() => {
            const inverse = c.y(2);
            return { normalized: c.op("Mul", [c.op("Sub", [c.x(0), c.y(1)]), inverse]), inverse };
          })()
        : standardize(c, c.x(0), axes, floatAttribute(c.node, "epsilon", 1e-5));
    const inner = c.op("Mul", [c.dy(0)!, c.x(1)]);
    return [
      c.needs(0) ? throughStandard(c, inner, standard, axes) : undefined,
      c.needs(1) ? c.reduceTo(c.op("Mul", [c.dy(0)!, standard.normalized]), c.x(1)) : undefined,
      c.needs(2) ? c.reduceTo(c.dy(0)!, c.x(2)) : undefined,
    ];
  },
  RMSNormalization: (c) => {
    const rank = c.rank(c.x(0));
    const first = intAttribute(c.node, "axis", -1);
    const axes = c.builder.integers(...axesFrom(first < 0 ? first + rank : first, rank));
    const mean = c.op("ReduceMean", [c.op("Mul", [c.x(0), c.x(0)]), axes], { keepdims: 1 });
    const epsilon = c.number(floatAttribute(c.node, "epsilon", 1e-5));
    const inverse = c.op("Reciprocal", [c.op("Sqrt", [c.op("Add", [mean, epsilon])])]);
    const normalized = c.op("Mul", [c.x(0), inverse]);
    const inner = c.op("Mul", [c.dy(0)!, c.x(1)]);
    const along = c.op("ReduceMean", [c.op("Mul", [inner, normalized]), axes], { keepdims: 1 });
    return [
      c.needs(0) ? c.op("Mul", [inverse, c.op("Sub", [inner, c.op("Mul", [normalized, along])])]) : undefined,
      c.needs(1) ? c.reduceTo(c.op("Mul", [c.dy(0)!, normalized]), c.x(1)) : undefined,
    ];
  },
  InstanceNormalization: (c) => {
    const rank = c.rank(c.x(0));
    const axes = axesFrom(2, rank);
    const standard = standardize(c, c.x(0), axes, floatAttribute(c.node, "epsilon", 1e-5));
    return channelwise(c, standard, axes, rank);
  },
  GroupNormalization: (c) => {
    const rank = c.rank(c.x(0));
    const groups = intAttribute(c.node, "num_groups", 1);
    const grouped = c.op("Reshape", [c.x(0), c.builder.integers(0, groups, -1)]);
    const standard = standardize(c, grouped, [2], floatAttribute(c.node, "epsilon", 1e-5));
    const { g, scale, sums } = channelParts(c, rank);
    const normalized = c.reshapeLike(standard.normalized, c.x(0));
    const inner = c.op("Reshape", [c.op("Mul", [g, scale]), c.builder.integers(0, groups, -1)]);
    return [
      c.needs(0) ? c.reshapeLike(throughStandard(c, inner, standard, [2]), c.x(0)) : undefined,
      c.needs(1) ? sums(c.op("Mul", [g, normalized])) : undefined,
      c.needs(2) ? sums(g) : undefined,
    ];
  },
  LpNormalization: (c) => {
    const axis = c.builder.integers(intAttribute(c.node, "axis", -1));
    const p = intAttribute(c.node, "p", 2);
    const norm = c.op(p === 1 ? "ReduceL1" : "ReduceL2", [c.x(0), axis], { keepdims: 1 });
    const y = c.node.outputs[0]!;
    const along = c.op("ReduceSum", [c.op("Mul", [c.dy(0)!, y]), axis], { keepdims: 1 });
    const direction = p === 1 ? c.op("Sign", [c.x(0)]) : y;
    return [c.op("Div", [c.op("Sub", [c.dy(0)!, c.op("Mul", [direction, along])]), norm])];
  },
});

/** A tensor with mean 0 and variance 1 along some axes. */
interface Standard {
  readonly normalized: string;
  /** One over the standard deviation. */
  readonly inverse: string;
}

const axesFrom = (first: number, rank: number): number[] =>
  Array.from({ length: rank - first }, (_, i) => first + i);

function standardize(c: RuleContext, x: string, along: readonly number[], epsilon: number): Standard {
  const axes = c.builder.integers(...along);
  const centred = c.op("Sub", [x, c.op("ReduceMean", [x, axes], { keepdims: 1 })]);
  const variance = c.op("ReduceMean", [c.op("Mul", [centred, centred]), axes], { keepdims: 1 });
  const inverse = c.op("Reciprocal", [c.op("Sqrt", [c.op("Add", [variance, c.number(epsilon)])])]);
  return { normalized: c.op("Mul", [centred, inverse]), inverse };
}

/** Gradient by what was standardized: the parts along the mean and along the result fall away. */
function throughStandard(
  c: RuleContext,
  inner: string,
  standard: Standard,
  along: readonly number[],
): string {
  const axes = c.builder.integers(...along);
  const mean = c.op("ReduceMean", [inner, axes], { keepdims: 1 });
  const slope = c.op("ReduceMean", [c.op("Mul", [inner, standard.normalized]), axes], { keepdims: 1 });
  const rest = c.op("Sub", [c.op("Sub", [inner, mean]), c.op("Mul", [standard.normalized, slope])]);
  return c.op("Mul", [rest, standard.inverse]);
}

/** The parts that every normalization with one scale and bias per channel has. */
function channelParts(
  c: RuleContext,
  rank: number,
): { g: string; scale: string; sums: (gradient: string) => string; column: (name: string) => string } {
  const shape = c.builder.integers(1, -1, ...new Array<number>(rank - 2).fill(1));
  const column = (name: string): string => c.op("Reshape", [name, shape]);
  const axes = c.builder.integers(0, ...axesFrom(2, rank));
  const sums = (gradient: string): string => c.op("ReduceSum", [gradient, axes], { keepdims: 0 });
  return { g: c.dy(0)!, scale: column(c.x(1)), sums, column };
}

function channelwise(
  c: RuleContext,
  standard: Standard,
  axes: readonly number[],
  rank: number,
): (string | undefined)[] {
  const { g, scale, sums } = channelParts(c, rank);
  return [
    c.needs(0) ? throughStandard(c, c.op("Mul", [g, scale]), standard, axes) : undefined,
    c.needs(1) ? sums(c.op("Mul", [g, standard.normalized])) : undefined,
    c.needs(2) ? sums(g) : undefined,
  ];
}

function batchNormalization(c: RuleContext): ReturnType<GradientRule> {
  const rank = c.rank(c.x(0));
  const epsilon = floatAttribute(c.node, "epsilon", 1e-5);
  const { g, scale, sums, column } = channelParts(c, rank);
  if (intAttribute(c.node, "training_mode", 0) === 1) {
    const axes = [0, ...axesFrom(2, rank)];
    return channelwise(c, standardize(c, c.x(0), axes, epsilon), axes, rank);
  }
  const inverse = column(c.op("Reciprocal", [c.op("Sqrt", [c.op("Add", [c.x(4), c.number(epsilon)])])]));
  const centred = (): string => c.op("Sub", [c.x(0), column(c.x(3))]);
  const scaled = (): string => c.op("Mul", [g, c.op("Mul", [scale, inverse])]);
  const byVariance = (): string => {
    const cube = c.op("Mul", [inverse, c.op("Mul", [inverse, inverse])]);
    const slope = c.op("Mul", [c.op("Mul", [scale, cube]), c.number(-0.5)]);
    return sums(c.op("Mul", [c.op("Mul", [g, centred()]), slope]));
  };
  return [
    c.needs(0) ? scaled() : undefined,
    c.needs(1) ? sums(c.op("Mul", [g, c.op("Mul", [centred(), inverse])])) : undefined,
    c.needs(2) ? sums(g) : undefined,
    c.needs(3) ? c.op("Neg", [sums(scaled())]) : undefined,
    c.needs(4) ? byVariance() : undefined,
  ];
}
