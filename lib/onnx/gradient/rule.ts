/** What a gradient rule sees and may do, and the registry of rules. */
import { AssayError } from "../../errors.js";
import type { TensorType } from "../../tensor/index.js";
import type { Attributes, GraphBuilder } from "../builder.js";
import { isStandard, nodeLabel } from "../graph.js";
import type { Node } from "../schema.js";
import type { InnerValue } from "../shapes.js";

/**
 * The vector-Jacobian product of one operator, written in ONNX operators.
 *
 * @returns For each input of the node the name of its gradient, or undefined for zero or not needed.
 */
export type GradientRule = (context: RuleContext) => readonly (string | undefined)[];

/** The node being differentiated, its tensors, and a pen to write backward nodes with. */
export interface RuleContext {
  readonly node: Node;
  /** The graph being written. */
  readonly builder: GraphBuilder;
  /** Element type of the node's first differentiable input: the type of all constants. */
  readonly type: TensorType;
  /** Name of input `index`, "" if left out. */
  x(index: number): string;
  /** Name of output `index`; the forward node is made to give it if it did not. */
  y(index: number): string;
  /** Gradient of the loss by output `index`, undefined when the loss does not depend on it. */
  dy(index: number): string | undefined;
  /** True if the gradient by input `index` is wanted. */
  needs(index: number): boolean;
  /** Type and dims of a forward tensor. */
  value(name: string): InnerValue;
  /** Number of dims of a forward tensor; throws UNSUPPORTED_OPERATOR when it is unknown. */
  rank(name: string): number;
  /** Integers that a constant input holds, undefined if it is computed. */
  integers(name: string): number[] | undefined;
  /** Adds a node with one output. */
  op(opType: string, inputs: readonly string[], attributes?: Attributes): string;
  /** A scalar constant in the context's type. */
  number(value: number): string;
  /** int64 vector with the shape of a forward tensor: a constant when it is known. */
  shapeOf(name: string): string;
  /** `value` everywhere, shaped as the forward tensor. */
  filledLike(name: string, value: number): string;
  /** A boolean tensor as 0 and 1 in the context's type. */
  mask(condition: string): string;
  /** Gives `gradient` the shape of the forward tensor without summing. */
  reshapeLike(gradient: string, name: string): string;
  /** Sums a gradient over the dims along which the forward tensor `name` was broadcast to `from`'s shape. */
  reduceTo(gradient: string, name: string, from?: string): string;
  /** Stops: this use of the operator has no rule. */
  unsupported(why: string): never;
}

const rules = new Map<string, GradientRule>();

const keyOf = (opType: string, domain = ""): string => (isStandard(domain) ? opType : `${domain}::${opType}`);

/**
 * Teaches the differentiation an operator, or replaces its rule.
 *
 * @param opType Name of the operator, with its domain in front for others than the standard one
 *   (`"com.example::Swirl"`).
 * @example
 * registerGradient("Square", (c) => [c.op("Mul", [c.dy(0)!, c.op("Mul", [c.number(2), c.x(0)])])]);
 */
export function registerGradient(opType: string, rule: GradientRule): void {
  rules.set(opType, rule);
}

/** Registers a family of rules. */
export function registerGradients(family: Readonly<Record<string, GradientRule>>): void {
  for (const [opType, rule] of Object.entries(family)) rules.set(opType, rule);
}

/** The rule of a node's operator, if there is one. */
export const gradientRule = (node: Node): GradientRule | undefined =>
  rules.get(keyOf(node.opType, node.domain));

/** True if gradients pass through this operator (for some of its uses at least). */
export const isDifferentiable = (opType: string, domain = ""): boolean => rules.has(keyOf(opType, domain));

/** Names of all operators with a rule, sorted. */
export const differentiableOperators = (): string[] => [...rules.keys()].sort();

/** The error of a node that cannot be differentiated. */
export function unsupported(node: Node, opset: number, why: string): AssayError {
  const operator = keyOf(node.opType, node.domain);
  return new AssayError(
    "UNSUPPORTED_OPERATOR",
    `The gradient cannot pass the node ${nodeLabel(node)}: ${operator} (opset ${opset}) ${why}.`,
    { node: node.name, operator, opset, why },
  );
}
