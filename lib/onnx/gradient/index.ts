/**
 * How a gradient graph is made.
 *
 * A model is a graph of operators, and so is its gradient. Take y = Relu(x·W + b) and ask for the gradient of
 * sum(c · y) by x and W:
 *
 *     before                          after
 *
 *     x ──┐                           x ──┬─► Gemm ─► h ─► Relu ─► y
 *         ├─► Gemm ─► h ─► Relu ─► y  W ──┤    ▲              │
 *     W ──┤    ▲                          │    b              ▼
 *         │    b                          │            c ─► Mul ◄─ y > 0
 *                                         │                  │ gradient by h
 *                                         ├─► Gemm (dh, Wᵀ) ◄┤
 *                                         │        └─► gradient/x
 *                                         └─► Gemm (xᵀ, dh) ◄┘
 *                                                  └─► gradient/W
 *
 * 1. The model is raised to one operator version (`upgradeModel`), so that each operator has one rule only, and
 *    operators that are sums of others are spelled out (`decomposeModel`).
 * 2. onnxruntime tells the type and dims of every tensor (`inferShapes`). Rules use the number of dims; sizes
 *    that the file leaves open are taken at run time with Shape nodes, so that one graph serves every batch.
 * 3. The nodes between what is differentiated by and what is differentiated are walked backwards. Each
 *    operator's rule appends its vector-Jacobian product, written in ONNX operators again: a Conv by its input
 *    is a Conv with the weight turned around, a Gather a scattered sum, a MaxPool finds out which elements won.
 *    A tensor that is read twice gets the sum of two gradients.
 * 4. What the wanted outputs do not need is pruned: onnxruntime would run it.
 *
 * The result is an ordinary model. It runs at native speed, can be saved, and can be differentiated again as
 * long as its operators have rules.
 */
import { AssayError } from "../../errors.js";
import type { Tensor } from "../../tensor/index.js";
import { intAttribute } from "../attributes.js";
import { type GraphBuilder, graphBuilder, valueInfo } from "../builder.js";
import { decomposeModel } from "../decompose/index.js";
import { nearestNames, opsetOf, prune, sortNodes, subgraphsRead, untyped } from "../graph.js";
import { foldBranches } from "../rewrite/branches.js";
import { poolBeforeRelu } from "../rewrite/commute.js";
import { resolveSequences } from "../rewrite/sequences.js";
import { upgradeModel } from "../rewrite/upgrade.js";
import type { Graph, Model, Node, ValueInfo } from "../schema.js";
import { type InnerValue, inferShapes } from "../shapes.js";
import { ruleContext, type Tape } from "./context.js";
import "./convolution.js";
import "./elementwise.js";
import "./folding.js";
import "./indexing.js";
import "./layout.js";
import "./matmul.js";
import "./normalization.js";
import "./pooling.js";
import "./reduction.js";
import "./resize.js";
import { type GradientRule, gradientRule, unsupported } from "./rule.js";

export {
  differentiableOperators,
  type GradientRule,
  gradientRule,
  isDifferentiable,
  type RuleContext,
  registerGradient,
} from "./rule.js";

/** What to differentiate, and by what. */
export interface GradientOptions {
  /**
   * What is differentiated: a scalar tensor by its name, or for tensors of any shape the name of their
   * cotangent c, so that sum(c · y) is differentiated. A cotangent that the graph does not have becomes an
   * input.
   */
  readonly of: string | Readonly<Record<string, string>>;
  /** Inputs, inner tensors or stored tensors to differentiate by. */
  readonly wrt: readonly string[];
  /** Forward tensors that stay outputs beside the gradients. Default: none. */
  readonly keep?: readonly string[];
}

/** A model that computes gradients. */
export interface GradientGraph {
  readonly model: Model;
  /** Output that holds the gradient by each name of `wrt`. */
  readonly gradients: Readonly<Record<string, string>>;
}

/**
 * Builds the model that computes gradients of another, to any depth of analysis: saliency by inputs, steering
 * by inner tensors, training by weights.
 *
 * @throws AssayError UNSUPPORTED_OPERATOR if a node on the way has no rule; UNKNOWN_TENSOR for unknown names;
 *   TYPE_MISMATCH for tensors that are not floating point.
 * @example
 * gradientGraph(model, { of: { logits: "c" }, wrt: ["x", "fc.weight"] }).gradients   // { x: "gradient/x", … }
 */
export function gradientGraph(source: Model, options: GradientOptions): GradientGraph {
  const { model, gradients } = differentiate(source, options);
  return { model, gradients };
}

/** A gradient graph, with the dims that are known of the gradients inside it. */
export interface Differentiated extends GradientGraph {
  readonly known: readonly ValueInfo[];
}

/**
 * As {@link gradientGraph}, for graphs of which more is known than onnxruntime infers.
 *
 * @param known Types and dims of inner tensors.
 */
export function differentiate(
  source: Model,
  { of, wrt, keep = [] }: GradientOptions,
  known: readonly ValueInfo[] = [],
): Differentiated {
  const targets = typeof of === "string" ? [of] : Object.keys(of);
  const upgraded = resolveSequences(foldBranches(upgradeModel(source)));
  const cotangents = typeof of === "string" ? [] : Object.values(of);
  checkNames(upgraded, [...targets, ...wrt]);
  const wanted = new Set([...targets, ...keep, ...madeByNodes(upgraded, [...wrt, ...cotangents])]);
  const needed = poolBeforeRelu(cone(upgraded.graph, wanted, wrt), new Set([...wanted, ...wrt]));
  const model = decomposeModel({ ...upgraded, graph: needed });
  const values = inferShapes(withKnown(model, known));
  const nodes = sortNodes(model.graph.nodes);
  checkTypes(values, [...targets, ...wrt]);
  const builder = graphBuilder({ ...model.graph, outputs: [] }, model.opsets);
  const tape: Tape = {
    builder,
    forward: model.graph,
    opset: opsetOf(model) ?? 0,
    values,
    gradients: new Map(),
    extraOutputs: new Map(),
    depends: dependents(nodes, values, wrt),
    shapes: new Map(),
  };
  seed(tape, of);
  for (const node of nodes.reverse()) backward(tape, node);
  const gradients: Record<string, string> = {};
  for (const name of wrt) {
    const gradient = tape.gradients.get(name) ?? zerosLike(builder, name);
    gradients[name] = `gradient/${name}`;
    builder.output(gradients[name]!, gradient);
  }
  for (const name of keep) builder.output(name);
  const graph = builder.graph(model.graph.name);
  const extended = graph.nodes.map((node) => {
    const outputs = tape.extraOutputs.get(node);
    return outputs ? { ...node, outputs } : node;
  });
  const result = { ...model, graph: prune({ ...graph, nodes: extended, valueInfo: [] }) };
  return { model: result, gradients, known: dimsOfGradients(tape) };
}

function withKnown(model: Model, known: readonly ValueInfo[]): Model {
  if (known.length === 0) return model;
  const made = new Set(model.graph.nodes.flatMap(({ outputs }) => outputs));
  const valueInfo = known.filter(({ name }) => made.has(name));
  return { ...model, graph: { ...model.graph, valueInfo } };
}

/** A gradient has the dims of what it is the gradient of, also where its graph does not show it. */
function dimsOfGradients({ gradients, values }: Tape): ValueInfo[] {
  return [...gradients].flatMap(([name, gradient]) => {
    const value = values.get(name);
    const sized = value?.ranked && value.type !== null && value.dims.every((dim) => typeof dim === "number");
    return sized ? [valueInfo(gradient, value.type!, value.dims)] : [];
  });
}

/** What the wanted tensors need, and what is differentiated by even if they do not: its gradient is zero. */
function cone(graph: Graph, wanted: ReadonlySet<string>, wrt: readonly string[]): Graph {
  const pruned = prune(graph, [...wanted].map(untyped));
  const asked = new Set(wrt);
  const inputs = new Set(pruned.inputs);
  const initializers = new Set(pruned.initializers);
  return {
    ...pruned,
    inputs: graph.inputs.filter((input) => inputs.has(input) || asked.has(input.name)),
    initializers: graph.initializers.filter(
      (message) => initializers.has(message) || asked.has(message.name ?? ""),
    ),
  };
}

const madeByNodes = (model: Model, names: readonly string[]): string[] => {
  const made = new Set(model.graph.nodes.flatMap(({ outputs }) => outputs));
  return names.filter((name) => made.has(name));
};

const isFloat = (value: InnerValue | undefined): boolean => value?.type?.startsWith("float") ?? false;

function checkNames({ graph }: Model, names: readonly string[]): void {
  const known = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.map(({ name }) => name ?? ""),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  for (const name of names) {
    if (known.has(name)) continue;
    const nearest = nearestNames(name, [...known]);
    throw new AssayError(
      "UNKNOWN_TENSOR",
      `gradient: the model has no tensor "${name}". Nearest names: ${nearest.join(", ")}.`,
      { name, nearest },
    );
  }
}

function checkTypes(values: ReadonlyMap<string, InnerValue>, names: readonly string[]): void {
  for (const name of names) {
    const value = values.get(name);
    if (value === undefined || isFloat(value)) continue;
    throw new AssayError(
      "TYPE_MISMATCH",
      `gradient: the tensor "${name}" is ${value.type ?? "no tensor"}; gradients exist for floating point only. For token ids, differentiate by the embedding that is looked up.`,
      { name, type: value.type },
    );
  }
}

/** Every floating-point tensor that one of `wrt` reaches, and what holds such tensors (a sequence). */
function dependents(
  nodes: readonly Node[],
  values: ReadonlyMap<string, InnerValue>,
  wrt: readonly string[],
): Set<string> {
  const reached = new Set(wrt);
  for (const node of nodes) {
    const reads = [...node.inputs, ...subgraphsRead(node)];
    if (!reads.some((name) => reached.has(name))) continue;
    // Rounding to integers has no slope; taking it for zero would answer a question that nobody asked.
    const rounds = node.opType === "QuantizeLinear" || node.opType === "DynamicQuantizeLinear";
    for (const output of node.outputs) {
      const value = values.get(output);
      if (rounds || isFloat(value) || value?.type === null) reached.add(output);
    }
  }
  return reached;
}

/** onnxruntime infers one window too many for a ceiling pool whose last window would start in the padding. */
const hasCeilingPool = ({ nodes }: Graph): boolean =>
  nodes.some((node) => node.opType.endsWith("Pool") && intAttribute(node, "ceil_mode", 0) === 1);

function seed({ builder, values, gradients, forward }: Tape, of: GradientOptions["of"]): void {
  if (typeof of === "string") {
    const one = builder.number(1, values.get(of)?.type ?? "float32");
    gradients.set(of, builder.op("Expand", [one, builder.op("Shape", [of])]));
    return;
  }
  const sizesHold = !hasCeilingPool(forward);
  for (const [target, cotangent] of Object.entries(of)) {
    if (!values.has(cotangent)) {
      const value = values.get(target);
      const dims = value?.ranked ? value.dims.map((dim) => (sizesHold ? dim : "")) : undefined;
      builder.input(cotangent, value?.type ?? "float32", dims);
    }
    gradients.set(target, cotangent);
  }
}

function backward(tape: Tape, node: Node): void {
  const { gradients, depends, builder } = tape;
  if (!node.outputs.some((name) => gradients.has(name))) return;
  const wanted = node.inputs.some((name) => depends.has(name));
  if (!wanted && !subgraphsRead(node).some((name) => depends.has(name))) return;
  const rule = gradientRule(node);
  if (rule === undefined) {
    const flow = node.opType === "If" || node.opType === "Loop" || node.opType === "Scan";
    throw unsupported(
      node,
      tape.opset,
      flow
        ? "runs a graph of its own, through which no gradient can be taken. Export the model without control flow, or differentiate by a tensor behind this node"
        : "has no gradient rule. Add one with registerGradient, or differentiate by a tensor behind this node",
    );
  }
  const found = applyRule(tape, node, rule);
  node.inputs.forEach((name, i) => {
    if (!depends.has(name)) return;
    const gradient = found[i];
    if (gradient === undefined) {
      // Nothing for the first input is a rule's way to say zero, as for Floor; for a later one it does not know it.
      // CastLike takes only the type of its second.
      if (i > 0 && node.opType !== "CastLike")
        throw unsupported(node, tape.opset, `has no gradient by its input ${i}, "${name}"`);
      return;
    }
    const before = gradients.get(name);
    gradients.set(name, before === undefined ? gradient : builder.op("Add", [before, gradient]));
  });
}

/** Applies a rule, and refuses if it did not look at the gradient of one of the outputs: that would be lost. */
function applyRule(tape: Tape, node: Node, rule: GradientRule): readonly (string | undefined)[] {
  const { gradients, builder, values } = tape;
  const first = node.outputs[0] ?? "";
  // Rules rely on a gradient of the first output; when only a later one is differentiated, it is zero.
  if (!gradients.has(first) && isFloat(values.get(first))) gradients.set(first, zerosLike(builder, first));
  const context = ruleContext(tape, node);
  const read = new Set<number>();
  const dy = (index: number): string | undefined => {
    read.add(index);
    return context.dy(index);
  };
  const found = rule({ ...context, dy });
  node.outputs.forEach((name, index) => {
    if (index === 0 || !gradients.has(name) || read.has(index)) return;
    throw unsupported(node, tape.opset, `has no gradient through its output ${index}, "${name}"`);
  });
  return found;
}

function zerosLike(builder: GraphBuilder, name: string): string {
  const zero: Tensor = { type: "float32", dims: [1], data: new Float32Array(1) };
  const zeros = builder.op("ConstantOfShape", [builder.op("Shape", [name])], { value: { tensor: zero } });
  return builder.op("CastLike", [zeros, name]);
}
