/** What a decomposition sees, and the few formulas that several share. */
import { type GraphBuilder, makeNode } from "../builder.js";
import type { Node } from "../schema.js";
import type { InnerValue } from "../shapes.js";

/** Writes a node in simple operators and names its outputs; undefined if this use of it cannot be spelled out. */
export type Decomposition = (context: DecompositionContext) => readonly (string | undefined)[] | undefined;

/** The node, its tensors, and the graph that is being written. */
export interface DecompositionContext {
  readonly node: Node;
  readonly builder: GraphBuilder;
  /** Name of input `index`, "" if left out. */
  input(index: number): string;
  /** Type and dims of a tensor. */
  value(name: string): InnerValue;
}

/** A scalar in the type of a float tensor of the graph. */
export function numberLike({ builder, value }: DecompositionContext, like: string, number: number): string {
  const type = value(like).type;
  if (type === "float64") return builder.number(number, "float64");
  const constant = builder.number(number);
  return type === "float16" ? builder.op("CastLike", [constant, like]) : constant;
}

/** Adds a node with the attributes of another. */
export function opWith(builder: GraphBuilder, opType: string, inputs: readonly string[], from: Node): string {
  const output = builder.fresh(opType);
  builder.node({ ...makeNode(opType, inputs, [output]), attributes: from.attributes });
  return output;
}
