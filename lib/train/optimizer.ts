/** Optimisers as pieces of graph: one update per parameter, its state carried from step to step. */
import { AssayError } from "../errors.js";
import type { GraphBuilder } from "../onnx/index.js";

/** How parameters move. Everything that depends on the step alone is computed in double precision beforehand. */
export interface Optimizer {
  readonly name: string;
  /** State tensors per parameter, all zero at the start. */
  readonly slots: readonly string[];
  /** Numbers that step `step` (from 1) needs, at this learning rate. */
  scalars(step: number, learningRate: number): readonly number[];
  /** Writes one parameter's update. `scalars` are names of the numbers above. */
  update(
    builder: GraphBuilder,
    given: Update,
  ): { readonly parameter: string; readonly slots: readonly string[] };
}

/** Names of the tensors that an update reads. */
export interface Update {
  readonly parameter: string;
  readonly gradient: string;
  readonly slots: readonly string[];
  readonly scalars: readonly string[];
}

/**
 * Stochastic gradient descent, as PyTorch's: v = momentum · v + g, p -= rate · v.
 *
 * @param options.weightDecay L2 penalty, added to the gradient. Default 0.
 */
export function sgd({ momentum = 0, weightDecay = 0 } = {}): Optimizer {
  checkRange("sgd", { momentum, weightDecay });
  return {
    name: "sgd",
    slots: momentum > 0 ? ["velocity"] : [],
    scalars: (_step, learningRate) => [learningRate],
    update(b, { parameter, gradient, slots, scalars }) {
      const g = decayed(b, parameter, gradient, weightDecay);
      const velocity = momentum > 0 ? b.op("Add", [b.op("Mul", [slots[0]!, b.number(momentum)]), g]) : g;
      return {
        parameter: b.op("Sub", [parameter, b.op("Mul", [velocity, scalars[0]!])]),
        slots: momentum > 0 ? [velocity] : [],
      };
    },
  };
}

/**
 * Adam, as PyTorch's.
 *
 * @param options.weightDecay L2 penalty, added to the gradient; `adamW` decouples it. Default 0.
 * @see D. Kingma, J. Ba (2015), Adam: a method for stochastic optimization. ICLR.
 */
export function adam({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = {}): Optimizer {
  checkRange("adam", { beta1, beta2, weightDecay });
  return adaptive("adam", beta1, beta2, epsilon, weightDecay, false);
}

/**
 * Adam with weight decay apart from the gradient: p shrinks by rate · weightDecay before each step.
 *
 * @see I. Loshchilov, F. Hutter (2019), Decoupled weight decay regularization. ICLR.
 */
export function adamW({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = {}): Optimizer {
  checkRange("adamW", { beta1, beta2, weightDecay });
  return adaptive("adamW", beta1, beta2, epsilon, weightDecay, true);
}

function adaptive(
  name: string,
  beta1: number,
  beta2: number,
  epsilon: number,
  weightDecay: number,
  decoupled: boolean,
): Optimizer {
  return {
    name,
    slots: ["mean", "square"],
    scalars: (step, learningRate) => [
      learningRate / (1 - beta1 ** step),
      1 / Math.sqrt(1 - beta2 ** step),
      1 - (decoupled ? learningRate * weightDecay : 0),
    ],
    update(b, { parameter, gradient, slots, scalars }) {
      const g = decoupled ? gradient : decayed(b, parameter, gradient, weightDecay);
      const mix = (state: string, beta: number, value: string): string =>
        b.op("Add", [b.op("Mul", [state, b.number(beta)]), b.op("Mul", [value, b.number(1 - beta)])]);
      const mean = mix(slots[0]!, beta1, g);
      const square = mix(slots[1]!, beta2, b.op("Mul", [g, g]));
      const scale = b.op("Add", [b.op("Mul", [b.op("Sqrt", [square]), scalars[1]!]), b.number(epsilon)]);
      const step = b.op("Mul", [b.op("Div", [mean, scale]), scalars[0]!]);
      const from = decoupled ? b.op("Mul", [parameter, scalars[2]!]) : parameter;
      return { parameter: b.op("Sub", [from, step]), slots: [mean, square] };
    },
  };
}

function decayed(b: GraphBuilder, parameter: string, gradient: string, weightDecay: number): string {
  if (weightDecay === 0) return gradient;
  return b.op("Add", [gradient, b.op("Mul", [parameter, b.number(weightDecay)])]);
}

function checkRange(verb: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(value >= 0) || (name !== "weightDecay" && value >= 1)) {
      throw new AssayError("INVALID_ARGUMENT", `${verb}: ${name} = ${value} is outside its range.`, {
        [name]: value,
      });
    }
  }
}
