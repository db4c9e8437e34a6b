/** What logic puts in place of a result: the constants behind an arm, and the values a gate multiplies with. */
import type { Node } from "../schema.js";
import { isUniform, storedResult, storedTensor } from "./stored.js";
import type { View } from "./view.js";

/** A constant that may replace a result. */
export interface Payload {
  readonly isUniform: boolean;
  readonly isZero: boolean;
  /** 0, 1, 2 and so on: every place is itself. */
  readonly isCount: boolean;
  /** So far below any score that what has it cannot be chosen. */
  readonly isForbidding: boolean;
  readonly words: string;
}

/** Reads the constant behind a tensor that no input reaches. */
export function payloadOf(name: string | undefined, view: View): Payload {
  const values = constantValues(name, view);
  if (values === undefined) return unknownPayload;
  return {
    isUniform: isUniform(values),
    isZero: values.every((value) => value === 0),
    isCount: values.length > 1 && values.every((value, i) => value === i),
    isForbidding: values.every((value) => value <= FORBIDDEN),
    words: values.length === 1 ? `the constant ${values[0]}` : `${values.length} stored values`,
  };
}

const FORBIDDEN = -1000;
const unknownPayload = {
  isUniform: false,
  isZero: false,
  isCount: false,
  isForbidding: false,
  words: "stored values",
};

const passing = new Set(["Identity", "Expand", "Cast", "Reshape", "Unsqueeze", "Squeeze", "Tile"]);

/** Values of a stored tensor, looking through nodes that only reshape it. */
function constantValues(name: string | undefined, view: View): readonly number[] | undefined {
  for (let current = name ?? "", steps = 0; steps < 8; steps++) {
    const message = view.storedAs(current);
    if (message) return storedTensor(message).values();
    const node = view.producerOf(current);
    if (node?.opType === "Constant") return storedResult(node, [])?.values();
    if (node?.opType === "ConstantOfShape") {
      const value = node.attributes.find(({ name: key }) => key === "value")?.t;
      return value ? storedTensor(value).values() : [0];
    }
    if (node && reckoning.has(node.opType)) return reckoned(node, view);
    if (!node || !passing.has(node.opType)) return undefined;
    current = node.inputs[0] ?? "";
  }
  return undefined;
}

const reckoning = new Set(["Add", "Sub", "Mul", "Neg"]);

/** One value made of one value each, such as `zeros - 1e9`. */
function reckoned({ opType, inputs }: Node, view: View): readonly number[] | undefined {
  const [a, b = [0]] = inputs.map((name) => constantValues(name, view));
  if (!isUniform(a) || !isUniform(b)) return undefined;
  const [u, v] = [a![0]!, b[0]!];
  return [opType === "Neg" ? -u : opType === "Mul" ? u * v : opType === "Add" ? u + v : u - v];
}

/** Below it there is nothing to classify: silence, an empty picture. */
const NOTHING = 0.01;

/**
 * True for a Where that gives its constant where a statistic of the whole input, such as its loudest sample or its
 * variance, is next to nothing.
 */
export function isForSilence({ inputs }: Node, view: View): boolean {
  const [condition = "", yes = ""] = inputs;
  const node = behind(view.producerOf(condition), view);
  if (node?.opType === "Equal") return isForEmptyText(node, view);
  if (view.flowOf(condition).isAskedLocally) return false;
  if (!node || !/^(Less|Greater)(OrEqual)?$/.test(node.opType)) return false;
  const [first, second] = node.inputs.map((name) => constantValues(name, view));
  const bound = first ?? second;
  if (!bound?.every((value) => value >= 0 && value <= NOTHING)) return false;
  // The answer is yes for little: `statistic < bound`, `bound > statistic`.
  const isYesForLittle = node.opType.startsWith("Less") ? first === undefined : second === undefined;
  const isConstantForYes = !view.flowOf(yes).isData;
  return isYesForLittle === isConstantForYes;
}

/** The node behind others that only reshape its answer. */
function behind(from: Node | undefined, view: View): Node | undefined {
  let node = from;
  for (let steps = 0; node && answering.has(node.opType) && steps < GATE_STEPS; steps++) {
    node = view.producerOf(node.inputs[0] ?? "");
  }
  return node;
}

/** True for `number of words that are not padding = 0`. */
function isForEmptyText({ inputs }: Node, view: View): boolean {
  const bound = inputs.map((name) => constantValues(name, view)).find((values) => values !== undefined);
  const count = inputs.find((name) => view.flowOf(name).isData);
  if (!bound?.every((value) => value === 0) || count === undefined) return false;
  const sum = behind(view.producerOf(count), view);
  return sum?.opType === "ReduceSum" && view.flowOf(sum.inputs[0]).isPadding;
}

/** Nodes of a gate that are followed back from where it acts to the comparison. */
const GATE_STEPS = 12;

const answering = new Set([
  "Cast",
  "Identity",
  "Unsqueeze",
  "Squeeze",
  "Reshape",
  "Expand",
  "ReduceMax",
  "ReduceMin",
]);

/** True for a gate that lets everything pass or silences everything: it multiplies with one or with nothing. */
export const isSilencing = (gate: string, view: View): boolean =>
  [0, 1].every((answer) => {
    const values = gateValues(gate, answer, view);
    return isUniform(values) && (values![0] === 0 || values![0] === 1);
  });

/** What a gate multiplies with when its comparison answers 0 or 1; undefined if that cannot be read off. */
function gateValues(
  name: string,
  answer: number,
  view: View,
  steps = GATE_STEPS,
): readonly number[] | undefined {
  if (!view.flowOf(name).isData) return constantValues(name, view);
  const node = view.producerOf(name);
  if (!node || steps === 0) return undefined;
  const read = (i: number, then = answer) => gateValues(node.inputs[i] ?? "", then, view, steps - 1);
  if (node.opType === "Where") return read(answer === 1 ? 1 : 2);
  if (node.opType === "Not") return read(0)?.map((value) => 1 - value);
  if (!["Mul", "Add", "Sub", "Neg"].includes(node.opType)) return answerOf(node, answer, view, read);
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

function answerOf(
  { opType, inputs }: Node,
  answer: number,
  view: View,
  read: (i: number) => readonly number[] | undefined,
): readonly number[] | undefined {
  if (answering.has(opType)) return view.flowOf(inputs[0]).isDecided ? read(0) : [answer];
  // A yes or no together with a list of them is not one answer for all.
  if (["And", "Or", "Xor"].includes(opType)) {
    const others = inputs.filter((name) => !view.flowOf(name).isData);
    return others.every((name) => isUniform(constantValues(name, view))) ? [answer] : undefined;
  }
  return ["MatMul", "Gemm", "Concat", "Pad", "ScatterElements", "ScatterND", "OneHot"].includes(opType)
    ? undefined
    : [answer];
}
