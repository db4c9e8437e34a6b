/** Loss operators as logarithms, masks and means. */
import { attribute, intAttribute, textAttribute } from "../attributes.js";
import type { Decomposition, DecompositionContext } from "./decomposition.js";

/** -log p of the label, weighted, and reduced as the node says. `log` is [batch, classes, …]. */
function likelihood(context: DecompositionContext, log: string): string {
  const { node, builder: b, input } = context;
  const labels = input(1);
  const column = b.op("Unsqueeze", [labels, b.integers(1)]);
  const scalar = (value: number): string => b.op("CastLike", [b.integers(value), labels]);
  const ignored = attribute(node, "ignore_index");
  const index = intAttribute(node, "ignore_index", -1);
  const counted = ignored === undefined ? undefined : b.op("Not", [b.op("Equal", [labels, scalar(index)])]);
  const safe =
    ignored === undefined
      ? column
      : b.op("Where", [b.op("Equal", [column, scalar(index)]), scalar(0), column]);
  const picked = b.op("Squeeze", [b.op("GatherElements", [log, safe], { axis: 1 }), b.integers(1)]);
  const classes = b.op("Squeeze", [safe, b.integers(1)]);
  const kept = counted === undefined ? undefined : b.op("CastLike", [counted, log]);
  const given = input(2) ? b.op("Gather", [input(2), classes]) : undefined;
  const weight = given && kept ? b.op("Mul", [given, kept]) : (given ?? kept);
  const loss = b.op("Neg", [weight === undefined ? picked : b.op("Mul", [picked, weight])]);
  const reduction = textAttribute(node, "reduction", "mean");
  if (reduction === "none") return loss;
  if (reduction === "sum") return b.op("ReduceSum", [loss], { keepdims: 0 });
  if (weight === undefined) return b.op("ReduceMean", [loss], { keepdims: 0 });
  const total = b.op("ReduceSum", [loss], { keepdims: 0 });
  return b.op("Div", [total, b.op("ReduceSum", [weight], { keepdims: 0 })]);
}

/** SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss. */
export const losses: Readonly<Record<string, Decomposition>> = {
  SoftmaxCrossEntropyLoss: (context) => {
    const log = context.builder.op("LogSoftmax", [context.input(0)], { axis: 1 });
    return [likelihood(context, log), log];
  },
  NegativeLogLikelihoodLoss: (context) => [likelihood(context, context.input(0))],
};
