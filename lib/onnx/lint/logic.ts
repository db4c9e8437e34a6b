/** Rules about logic that looks at an input's content and acts on it: how a backdoor is written into a graph. */
import { subgraphs } from "../attributes.js";
import { declared, fedInputs, initializersOf, nodeLabel, producersOf } from "../graph.js";
import type { Graph, Node, TensorMessage } from "../schema.js";
import { dimsOf, readTensor } from "../tensors.js";
import { constantFlow, type Flow, type Flows, flowsOf, isPredicate } from "./dataflow.js";
import { type Finding, finding } from "./finding.js";

/** What the rules look at. */
interface View {
  readonly graph: Graph;
  /** The model reads whole numbers only, such as words: comparing those with one of them is how padding is found. */
  readonly readsTokens: boolean;
  readonly flowOf: (name: string | undefined) => Flow;
  readonly producerOf: (name: string) => Node | undefined;
  readonly readersOf: (name: string) => readonly Node[];
  readonly storedAs: (name: string) => TensorMessage | undefined;
  /** The same for a graph in one of its nodes. */
  readonly inner: (body: Graph) => View;
}

/** Payloads larger than this are not read: they cannot be told from weights anyway. */
const MAX_PAYLOAD = 1 << 20;
/** Fills of a mask: what a softmax is to ignore. */
const MASK_FILL = -1e3;

/** A table with fewer rows is one of answers, not of positions. */
const PLACES = 16;

/** Runs all rules on a graph and on the graphs in its nodes. */
export function lintLogic(graph: Graph): Finding[] {
  const flows = flowsOf(graph);
  const view = viewOf(graph, flows);
  return [...lintGraph(view), ...lintOutputs(view)];
}

function lintGraph(view: View): Finding[] {
  return view.graph.nodes.flatMap((node) => [
    ...lintNode(node, view),
    ...subgraphs(node).flatMap((body) => lintGraph(view.inner(body))),
  ]);
}

function viewOf(graph: Graph, all: Flows, outer?: View): View {
  const flows = all.get(graph);
  const producers = producersOf(graph);
  const stored = initializersOf(graph);
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs)) {
      const known = readers.get(name);
      if (known) known.push(node);
      else readers.set(name, [node]);
    }
  }
  return {
    graph,
    readsTokens: outer?.readsTokens ?? readsTokens(graph),
    flowOf: (name = "") => flows?.get(name) ?? outer?.flowOf(name) ?? constantFlow,
    producerOf: (name) => producers.get(name) ?? (flows?.has(name) ? undefined : outer?.producerOf(name)),
    readersOf: (name) => readers.get(name) ?? [],
    storedAs: (name) => stored.get(name) ?? (flows?.has(name) ? undefined : outer?.storedAs(name)),
    inner(body) {
      return viewOf(body, all, this);
    },
  };
}

function readsTokens(graph: Graph): boolean {
  const kinds = fedInputs(graph).map((input) => declared(input).type ?? "");
  return kinds.length > 0 && kinds.every((kind) => /^u?int|^bool/.test(kind));
}

function lintNode(node: Node, view: View): Finding[] {
  switch (node.opType) {
    case "Where":
      return lintWhere(node, view);
    case "If":
    case "Loop":
    case "Scan":
      return lintBranch(node, view);
    case "Gather":
    case "GatherND":
    case "GatherElements":
      return lintSelection(node, view);
    case "Add":
    case "Sub":
    case "Mul":
    case "Sum":
    case "Max":
    case "Min":
    case "Concat":
    case "ScatterElements":
    case "ScatterND":
      return lintBypass(node, view);
    default:
      return [];
  }
}

function lintWhere(node: Node, view: View): Finding[] {
  const [condition, whenTrue, whenFalse] = node.inputs;
  if (!view.flowOf(condition).isDecided) return [];
  const name = nodeLabel(node);
  const isAsked = isPredicate(view.flowOf(condition));
  const arms = [whenTrue, whenFalse].map((arm) => ({ arm, flow: view.flowOf(arm) }));
  const constant = arms.find(({ flow }) => !flow.isData);
  const computed = arms.find(({ flow }) => flow.mostLayers > 0);
  if (!computed) return [];
  if (!constant) {
    if (!isAsked) return [];
    const isGate = arms.some(({ flow }) => flow.mostLayers === 0);
    return [
      finding(
        "content-branch",
        isGate ? "warn" : "flag",
        name,
        "part of the input decides which of two computed results goes on",
      ),
    ];
  }
  const payload = payloadOf(constant.arm, view);
  if (payload.isMask || feedsSoftmax(node, view)) return [];
  // Deep in a network, replacing by one value is what clipping and thresholds look like.
  if (!isAsked && payload.isUniform) return [];
  if (payload.isZero) {
    return [
      finding("content-gate", "info", name, "part of the input decides whether a result is set to zero"),
    ];
  }
  return [
    finding(
      "constant-payload",
      "flag",
      name,
      `part of the input decides whether a computed result is replaced by ${payload.words}`,
    ),
  ];
}

function lintBranch(node: Node, view: View): Finding[] {
  const deciding = node.opType === "If" ? node.inputs.slice(0, 1) : node.inputs.slice(0, 2);
  const flows = deciding.map(view.flowOf);
  const name = nodeLabel(node);
  if (flows.some(isPredicate)) {
    if (hasZeroArm(node, view)) {
      return [
        finding("content-gate", "info", name, "part of the input decides whether a result is set to zero"),
      ];
    }
    return [finding("content-branch", "flag", name, `part of the input decides what ${node.opType} runs`)];
  }
  if (flows.some((flow) => flow.isContent)) {
    return [
      finding(
        "data-branch",
        "warn",
        name,
        `what ${node.opType} runs depends on computed values of the input`,
      ),
    ];
  }
  if (flows.some((flow) => flow.isData)) {
    return [
      finding("setting-branch", "info", name, `a setting given as input decides what ${node.opType} runs`),
    ];
  }
  return [];
}

/** True for an If one of whose branches gives zeros only: a silence gate. */
function hasZeroArm(node: Node, view: View): boolean {
  return node.attributes.some(({ g }) => {
    if (!g) return false;
    const inner = view.inner(g);
    return g.outputs.every(({ name }) => payloadOf(name, inner).isZero);
  });
}

/** A table of results, one of which is picked by a question to the input. */
function lintSelection(node: Node, view: View): Finding[] {
  const [from, index] = node.inputs;
  if (!isPredicate(view.flowOf(index))) return [];
  // The last word that is not padding, and positions counted from it: a place among many, not one of two answers.
  const isPlace =
    view.readsTokens &&
    (view.flowOf(from).isData
      ? view.producerOf(from ?? "")?.opType !== "Concat"
      : rowsOf(view.storedAs(from ?? "")) >= PLACES);
  if (isPlace) {
    const why = "the words that are not padding decide at which place a result is read";
    return [finding("content-selection", "info", nodeLabel(node), why)];
  }
  const what = view.flowOf(from).isData ? "computed results" : "stored values";
  return [
    finding(
      "content-selection",
      "flag",
      nodeLabel(node),
      `part of the input decides which of some ${what} goes on`,
    ),
  ];
}

/** A way around the network: part of the raw input joins results that went through layers of weights. */
function lintBypass(node: Node, view: View): Finding[] {
  const flows = node.inputs.map(view.flowOf);
  const around = flows.find((flow) => flow.isRegion && flow.fewestLayers === 0 && flow.mostLayers === 0);
  const through = flows.find((flow) => flow.mostLayers > 0);
  if (!around || !through || feedsSoftmax(node, view)) return [];
  const isLogic = isPredicate(around);
  if (node.opType === "Mul") {
    if (!isLogic) return [];
    const gate = node.inputs.find((name) => view.flowOf(name) === around) ?? "";
    const isSilencing = [0, 1].every((answer) =>
      gateValues(gate, answer, view)?.every((value) => value === 0 || value === 1),
    );
    return [
      finding(
        isSilencing ? "content-gate" : "content-arithmetic",
        isSilencing ? "info" : "flag",
        nodeLabel(node),
        isSilencing
          ? "the answer to a question about part of the input lets a result pass or sets it to zero"
          : "the answer to a question about part of the input scales a computed result, by more than on and off",
      ),
    ];
  }
  return [
    finding(
      isLogic ? "content-arithmetic" : "bypass",
      isLogic || through.mostLayers >= 2 ? "flag" : "warn",
      nodeLabel(node),
      isLogic
        ? "the answer to a question about part of the input is mixed into a computed result"
        : "part of the raw input joins a result that went through layers of weights",
    ),
  ];
}

function lintOutputs({ graph, flowOf, readsTokens }: View): Finding[] {
  return graph.outputs.flatMap(({ name }) => {
    const flow = flowOf(name);
    if (!flow.isData)
      return [finding("constant-output", "warn", name, "the output does not depend on any input")];
    if (flow.fewestLayers === 0 && flow.mostLayers >= 2 && flow.isContent && !readsTokens) {
      return [
        finding(
          "bypass",
          "warn",
          name,
          `the input reaches this output without passing any of up to ${flow.mostLayers} layers of weights`,
        ),
      ];
    }
    return [];
  });
}

/** Masks are added to, or chosen for, what a softmax reads. */
function feedsSoftmax(node: Node, { readersOf }: View): boolean {
  const next = node.outputs.flatMap(readersOf);
  return next.some(
    ({ opType, outputs }) =>
      opType === "Softmax" ||
      ((opType === "Add" || opType === "Reshape") &&
        outputs.some((output) => readersOf(output).some((reader) => reader.opType === "Softmax"))),
  );
}

function payloadOf(
  name: string | undefined,
  view: View,
): { isUniform: boolean; isZero: boolean; isMask: boolean; words: string } {
  const values = constantValues(name, view);
  if (values === undefined) return { isUniform: false, isZero: false, isMask: false, words: "stored values" };
  const isUniform = values.every((value) => value === values[0]);
  const words = values.length === 1 ? `the constant ${values[0]}` : `${values.length} stored values`;
  return {
    isUniform,
    isZero: isUniform && values[0] === 0,
    isMask: isUniform && values[0]! <= MASK_FILL,
    words,
  };
}

/** Values of a stored tensor, looking through nodes that only reshape it. */
function constantValues(name: string | undefined, view: View): number[] | undefined {
  for (let current = name ?? "", steps = 0; steps < 8; steps++) {
    const node = view.producerOf(current);
    const message = view.storedAs(current) ?? node?.attributes.find(({ name: key }) => key === "value")?.t;
    if (message) return readValues(message);
    if (node?.opType === "ConstantOfShape") return [0];
    if (
      !node ||
      !["Identity", "Expand", "Cast", "Reshape", "Unsqueeze", "Squeeze", "Tile"].includes(node.opType)
    )
      return undefined;
    current = node.inputs[0] ?? "";
  }
  return undefined;
}

function readValues(message: TensorMessage): number[] | undefined {
  if (dimsOf(message).reduce((a, b) => a * b, 1) > MAX_PAYLOAD) return undefined;
  try {
    return Array.from(readTensor(message).data as ArrayLike<unknown>, Number);
  } catch {
    // A type without numbers, or data outside the file: it cannot be a mask's fill.
    return undefined;
  }
}

/** Nodes of a gate that are followed back from where it acts to the comparison. */
const GATE_STEPS = 12;

/** What a gate multiplies with when its comparison answers 0 or 1; undefined if that cannot be read off. */
function gateValues(name: string, answer: number, view: View, steps = GATE_STEPS): number[] | undefined {
  if (!view.flowOf(name).isData) return constantValues(name, view);
  const node = view.producerOf(name);
  if (!node || steps === 0) return undefined;
  const read = (i: number, then = answer) => gateValues(node.inputs[i] ?? "", then, view, steps - 1);
  if (node.opType === "Where") return read(answer === 1 ? 1 : 2);
  if (node.opType === "Not") return read(0)?.map((value) => 1 - value);
  const isAnswer = !["Mul", "Add", "Sub", "Neg"].includes(node.opType);
  if (isAnswer) {
    const passes = [
      "Cast",
      "Identity",
      "Unsqueeze",
      "Squeeze",
      "Reshape",
      "Expand",
      "ReduceMax",
      "ReduceMin",
    ];
    return passes.includes(node.opType) && view.flowOf(node.inputs[0]).isCompared ? read(0) : [answer];
  }
  const a = read(0);
  if (node.opType === "Neg") return a?.map((value) => -value);
  const b = read(1);
  if (!a || !b) return undefined;
  const length = Math.max(a.length, b.length);
  if (length % a.length !== 0 || length % b.length !== 0) return undefined;
  return Array.from({ length }, (_, i) => {
    const [u, v] = [a[i % a.length]!, b[i % b.length]!];
    return node.opType === "Mul" ? u * v : node.opType === "Add" ? u + v : u - v;
  });
}

const rowsOf = (message: TensorMessage | undefined): number => (message && dimsOf(message)[0]) ?? 0;
