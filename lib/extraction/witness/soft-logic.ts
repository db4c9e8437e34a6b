/**
 * Logic with its steps made slopes, so that a gradient shows the way to the other answer: comparisons become
 * distances, "and" a product, "or" a maximum. What it gives is no answer, only a direction.
 */
import { AssayError } from "../../errors.js";
import {
  fedInputs,
  type GraphBuilder,
  graphBuilder,
  type Model,
  makeNode,
  type Node,
  readsOf,
  sortNodes,
  subgraphs,
} from "../../onnx/index.js";

/**
 * The graph from the input to some tensors, softened.
 *
 * @param dims Dims of one example.
 * @param steepness Larger is closer to the hard logic, and flatter away from the threshold.
 * @returns A model that takes the input as floats, "x", and gives the sum of the softened answers, "score".
 * @throws AssayError UNSUPPORTED_OPERATOR where the logic uses something that has no slope.
 */
export function softLogic(
  probe: Model,
  deciding: readonly string[],
  dims: readonly number[],
  steepness: number,
): Model {
  const b = graphBuilder(undefined, probe.opsets);
  const [input] = fedInputs(probe.graph);
  b.input("x", "float32", [1, ...dims]);
  const made = new Map<string, string>([[input!.name, "x"]]);
  const needed = upstream(probe, deciding);
  for (const message of probe.graph.initializers) if (needed.has(message.name ?? "")) b.stored(message);
  for (const node of sortNodes(probe.graph.nodes)) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    if (node.inputs.some((name) => made.has(name))) {
      made.set(node.outputs[0]!, soften({ b, node, made, steepness }));
      // What quantisation divides by and adds is undone by what follows.
      if (node.opType === "DynamicQuantizeLinear") {
        [1, 0].forEach((constant, i) => {
          if (node.outputs[i + 1]) made.set(node.outputs[i + 1]!, b.number(constant));
        });
      }
    } else b.node(node);
  }
  const scores = deciding.map((name) => b.op("ReduceSum", [made.get(name) ?? name], { keepdims: 0 }));
  b.output("score", scores.length === 1 ? scores[0]! : b.op("Sum", scores));
  return b.build();
}

/** Tensors that these are made of. */
export function upstream({ graph }: Model, names: readonly string[]): Set<string> {
  const needed = new Set(names);
  for (const node of sortNodes(graph.nodes).reverse()) {
    if (node.outputs.some((name) => needed.has(name))) for (const name of readsOf(node)) needed.add(name);
  }
  return needed;
}

interface Step {
  readonly b: GraphBuilder;
  readonly node: Node;
  /** What stands for each tensor that depends on the input. */
  readonly made: ReadonlyMap<string, string>;
  readonly steepness: number;
}

const copied = new Set([
  ...[
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Neg",
    "Abs",
    "MatMul",
    "Gemm",
    "Conv",
    "Einsum",
    "Sum",
    "Mean",
    "Sqrt",
    "Log",
  ],
  ...[
    "ReduceSum",
    "ReduceMean",
    "ReduceSumSquare",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSumExp",
    "Softmax",
    "Sigmoid",
  ],
  ...[
    "Slice",
    "Gather",
    "GatherElements",
    "GatherND",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
  ],
  ...[
    "Concat",
    "Split",
    "Expand",
    "Tile",
    "Pad",
    "Resize",
    "GridSample",
    "CumSum",
    "Max",
    "Min",
    "AveragePool",
  ],
  ...[
    "GlobalAveragePool",
    "MaxPool",
    "Pow",
    "Tanh",
    "Softsign",
    "Softplus",
    "Elu",
    "LeakyRelu",
    "Celu",
    "Selu",
  ],
]);
const passed = new Set([
  "Identity",
  "Cast",
  "Floor",
  "Ceil",
  "Round",
  "Dropout",
  "QuantizeLinear",
  "DequantizeLinear",
  "DynamicQuantizeLinear",
]);
/** Inputs that are places and sizes, not values. */
const valued = new Set(["Add", "Sub", "Mul", "Div", "Sum", "Mean", "Max", "Min", "Pow", "MatMul", "Concat"]);

function soften({ b, node, made, steepness }: Step): string {
  if (subgraphs(node).length > 0) refuse(node);
  const value = (i: number): string => {
    const name = node.inputs[i] ?? "";
    return made.get(name) ?? b.op("Cast", [name], { to: 1 });
  };
  const slope = (of: string): string => b.op("Sigmoid", [b.op("Mul", [of, b.number(steepness)])]);
  /** How far one side is above the other, in units of a bound beyond one: a slope over 1200 is flat at nought. */
  const over = (i: number, j: number): string => {
    const above = b.op("Sub", [value(i), value(j)]);
    const bound = [i, j].find((k) => !made.has(node.inputs[k] ?? ""));
    if (bound === undefined) return above;
    return b.op("Div", [above, b.op("Max", [b.number(1), b.op("Abs", [value(bound)])])]);
  };
  const less = (x: string): string => b.op("Sub", [b.number(1), x]);
  const { opType } = node;
  if (passed.has(opType)) return made.get(node.inputs[0] ?? "") ?? refuse(node);
  switch (opType) {
    case "Greater":
    case "GreaterOrEqual":
      return slope(over(0, 1));
    case "Less":
    case "LessOrEqual":
      return slope(over(1, 0));
    case "Equal": {
      // Falls off slowly: a bell curve shows no way from afar.
      const distance = b.op("Abs", [b.op("Sub", [value(0), value(1)])]);
      return b.op("Div", [
        b.number(1),
        b.op("Add", [b.op("Mul", [distance, b.number(steepness)]), b.number(1)]),
      ]);
    }
    case "Not":
      return less(value(0));
    case "And":
      return b.op("Mul", [value(0), value(1)]);
    case "Or":
      return b.op("Max", [value(0), value(1)]);
    case "Xor":
      return b.op("Abs", [b.op("Sub", [value(0), value(1)])]);
    case "Where":
      return b.op("Add", [b.op("Mul", [value(0), value(1)]), b.op("Mul", [less(value(0)), value(2)])]);
    case "Sign":
      return b.op("Tanh", [b.op("Mul", [value(0), b.number(steepness)])]);
    case "Relu":
    case "ThresholdedRelu":
      return b.op("LeakyRelu", [value(0)], { alpha: { float: 0.1 } });
    case "Clip":
    case "HardSigmoid":
      return b.op("Add", [copy(b, node, made), b.op("Mul", [value(0), b.number(0.02)])]);
    case "Min":
    case "Max": {
      // A little of every side, or nothing shows the way back from beyond the bound.
      const sides = node.inputs.filter((name) => made.has(name)).map((name) => made.get(name)!);
      return b.op("Add", [copy(b, node, made), b.op("Mul", [b.op("Sum", sides), b.number(0.02)])]);
    }
    case "Reciprocal":
      return b.op("Div", [b.number(1), b.op("Add", [b.op("Relu", [value(0)]), b.number(1)])]);
    case "MatMulInteger":
      return b.op("MatMul", [value(0), value(1)]);
    case "QLinearMatMul":
      return b.op("MatMul", [value(0), value(3)]);
    case "ConvInteger":
    case "QLinearConv": {
      const weights = value(opType === "ConvInteger" ? 1 : 3);
      const output = b.fresh("Conv");
      const conv = makeNode("Conv", [value(0), weights], [output]);
      b.node({ ...conv, attributes: node.attributes });
      return output;
    }
    case "Exp":
      return b.op("Div", [b.number(1), b.op("Add", [b.op("Relu", [b.op("Neg", [value(0)])]), b.number(1)])]);
    case "ReduceMin":
    case "ReduceMax":
      // The mean shows the way for all, the extreme for the last.
      return b.op("Add", [copy(b, node, made), copy(b, { ...node, opType: "ReduceMean" }, made)]);
    case "ReduceProd":
      return copy(b, { ...node, opType: "ReduceMean" }, made);
    default:
      return copied.has(opType) ? copy(b, node, made) : refuse(node);
  }
}

/** The node itself on softened inputs. */
function copy(b: GraphBuilder, node: Node, made: ReadonlyMap<string, string>): string {
  const inputs = node.inputs.map((name, i) => {
    const known = made.get(name);
    if (known !== undefined || name === "") return known ?? "";
    return valued.has(node.opType) || (i > 0 && node.opType === "Clip")
      ? b.op("Cast", [name], { to: 1 })
      : name;
  });
  const outputs = node.outputs.map(() => b.fresh(node.opType));
  const made1 = makeNode(node.opType, inputs, outputs);
  b.node({ ...made1, attributes: node.attributes, domain: node.domain ?? "" });
  return outputs[0]!;
}

function refuse(node: Node): never {
  throw new AssayError("UNSUPPORTED_OPERATOR", `There is no slope for ${node.opType}.`, {
    operator: node.opType,
  });
}
