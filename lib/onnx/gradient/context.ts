/** The pen of the gradient rules: shapes, broadcasting and constants. */
import type { TensorType } from "../../tensor/index.js";
import type { Attributes, GraphBuilder } from "../builder.js";
import { initializersOf } from "../graph.js";
import type { Graph, Node } from "../schema.js";
import type { InnerValue } from "../shapes.js";
import { dataTypeOf, readTensor } from "../tensors.js";
import { type RuleContext, unsupported } from "./rule.js";

/** What all rules of one graph share. */
export interface Tape {
  readonly builder: GraphBuilder;
  readonly forward: Graph;
  readonly opset: number;
  readonly values: ReadonlyMap<string, InnerValue>;
  /** Gradients so far by forward tensor. */
  readonly gradients: Map<string, string>;
  /** Forward nodes that have to give more outputs than they did. */
  readonly extraOutputs: Map<Node, string[]>;
  /** Tensors through which the loss can depend on what is differentiated by. */
  readonly depends: ReadonlySet<string>;
  readonly shapes: Map<string, string>;
}

/** Makes a tape's context for one node. */
export function ruleContext(tape: Tape, node: Node): RuleContext {
  const { builder, values, gradients } = tape;
  const constants = initializersOf(tape.forward);
  const type = typeOf(node, values);
  const value = (name: string): InnerValue =>
    values.get(name) ?? { name, type: null, dims: [], ranked: false };
  const fail = (why: string): never => {
    throw unsupported(node, tape.opset, why);
  };
  const op = (opType: string, inputs: readonly string[], attributes?: Attributes): string =>
    builder.op(opType, inputs, attributes);
  const self: RuleContext = {
    node,
    builder,
    type,
    value,
    op,
    x: (index) => node.inputs[index] ?? "",
    y: (index) => node.outputs[index] || extraOutput(tape, node, index),
    dy: (index) => gradients.get(node.outputs[index] ?? ""),
    needs: (index) => tape.depends.has(node.inputs[index] ?? ""),
    rank: (name) => {
      const { ranked, dims } = value(name);
      return ranked
        ? dims.length
        : fail(`needs the number of dims of "${name}", which the file does not fix`);
    },
    integers: (name) => {
      const message = constants.get(name);
      if (message === undefined) return undefined;
      const { type: stored, data } = readTensor(message);
      return stored === "int64" || stored === "int32" ? Array.from(data as Int32Array, Number) : undefined;
    },
    number: (constant) => {
      if (type !== "float16") return builder.number(constant, type);
      return op("Cast", [builder.number(constant)], { to: dataTypeOf("float16") });
    },
    shapeOf: (name) => {
      const { ranked, dims } = value(name);
      if (ranked && dims.every((dim) => typeof dim === "number"))
        return builder.integers(...(dims as number[]));
      const known = tape.shapes.get(name) ?? op("Shape", [name]);
      tape.shapes.set(name, known);
      return known;
    },
    filledLike: (name, constant) => op("Expand", [self.number(constant), self.shapeOf(name)]),
    mask: (condition) => op("Cast", [condition], { to: dataTypeOf(type) }),
    reshapeLike: (gradient, name) => op("Reshape", [gradient, self.shapeOf(name)], { allowzero: 1 }),
    reduceTo: (gradient, name, from = node.outputs[0]!) => {
      const plan = reductionPlan(value(name), value(from));
      if (plan === "runtime") return reduceAtRunTime(self, gradient, name, from);
      if (plan.axes.length === 0) return gradient;
      const axes = builder.integers(...plan.axes);
      if (plan.axes.length === plan.leading) return op("ReduceSum", [gradient, axes], { keepdims: 0 });
      const summed = op("ReduceSum", [gradient, axes], { keepdims: 1 });
      if (plan.leading === 0) return summed;
      return op("Squeeze", [summed, builder.integers(...plan.axes.slice(0, plan.leading))]);
    },
    unsupported: fail,
  };
  return self;
}

function typeOf(node: Node, values: ReadonlyMap<string, InnerValue>): TensorType {
  for (const name of [...node.inputs, ...node.outputs]) {
    const type = values.get(name)?.type;
    if (type === "float32" || type === "float64" || type === "float16") return type;
  }
  return "float32";
}

function extraOutput(tape: Tape, node: Node, index: number): string {
  const outputs = tape.extraOutputs.get(node) ?? [...node.outputs];
  while (outputs.length <= index) outputs.push("");
  outputs[index] ||= tape.builder.fresh(`${node.outputs[0]}/${index}`);
  tape.extraOutputs.set(node, outputs);
  return outputs[index]!;
}

/** Axes of `from` along which `target` was broadcast, or "runtime" if the file leaves that open. */
function reductionPlan(
  target: InnerValue,
  from: InnerValue,
): { axes: number[]; leading: number } | "runtime" {
  if (!target.ranked || !from.ranked) return "runtime";
  const leading = from.dims.length - target.dims.length;
  const axes: number[] = [];
  for (let axis = 0; axis < from.dims.length; axis++) {
    const size = from.dims[axis]!;
    if (axis < leading) axes.push(axis);
    else {
      const own = target.dims[axis - leading]!;
      if (own === 1) {
        if (size !== 1) axes.push(axis);
      } else if (typeof own === "string" && (own === "" || own !== size)) return "runtime";
    }
  }
  return { axes, leading };
}

/** Sums over every axis where the forward tensor turns out to have size 1: harmless where both have. */
function reduceAtRunTime(c: RuleContext, gradient: string, name: string, from: string): string {
  const { builder } = c;
  const shape = c.op("Shape", [name]);
  const missing = c.op("Sub", [c.op("Size", [c.op("Shape", [from])]), c.op("Size", [shape])]);
  const ones = c.op("Expand", [builder.integers(1), c.op("Reshape", [missing, builder.integers(1)])]);
  const padded = c.op("Concat", [ones, shape], { axis: 0 });
  const single = c.op("NonZero", [c.op("Equal", [padded, builder.integers(1)])]);
  const axes = c.op("Reshape", [single, builder.integers(-1)]);
  const summed = c.op("ReduceSum", [gradient, axes], { keepdims: 1, noop_with_empty_axes: 1 });
  return c.op("Reshape", [summed, shape], { allowzero: 1 });
}
