/** Rules about logic that looks at an input's content and acts on it: how a backdoor is written into a graph. */
import { subgraphs } from "../attributes.js";
import type { Graph, Node } from "../schema.js";
import { lintCircumstance } from "./circumstances.js";
import { flowsOf } from "./dataflow.js";
import type { Extent } from "./extents.js";
import { type Finding, finding, placeOf, type Severity } from "./finding.js";
import { type Flow, isEarlyQuestion } from "./flow.js";
import { isHold, isUseOfPadding } from "./node-flow.js";
import { takesWeights, tellsShapeOnly } from "./operators.js";
import { isForSilence, isSilencing, payloadOf } from "./payload.js";
import { feedsAttention, type View, viewOf } from "./view.js";

/** A finding about logic, and where it was: what a search for an input that shows it starts from. */
export interface FoundLogic {
  readonly finding: Finding;
  readonly node: Node;
  /** Nodes that hold the graph of that node, the outermost first; empty in the main graph. */
  readonly path: readonly Node[];
  /** Tensors of that graph that carry the answer to the question. */
  readonly deciding: readonly string[];
  /** The answers themselves, as they are made: nothing before them is one. Empty where they are about no content. */
  readonly questions: readonly string[];
}

/** Runs all rules on a graph and on the graphs in its nodes. */
export function lintLogic(graph: Graph): FoundLogic[] {
  return lintGraph(viewOf(graph, flowsOf(graph)));
}

/** Outputs that the input does not reach, or reaches without the network. */
export function lintOutputs(graph: Graph): Finding[] {
  const { flowOf } = viewOf(graph, flowsOf(graph));
  return graph.outputs.flatMap(({ name }) => {
    const flow = flowOf(name);
    if (!flow.isData)
      return [finding("constant-output", "warn", name, "the output does not depend on any input")];
    if (flow.fewestLayers > 0 || flow.mostLayers < 2 || !flow.isContent || flow.isToken) return [];
    const why = `the input reaches this output without passing any of up to ${flow.mostLayers} layers of weights`;
    return [finding("bypass", "info", name, why)];
  });
}

function lintGraph(view: View): FoundLogic[] {
  return view.graph.nodes.flatMap((node) => [
    ...lintNode(node, view),
    ...lintCircumstance(node, view),
    ...subgraphs(node).flatMap((body) => lintGraph(view.inner(body, node))),
  ]);
}

const selecting = new Map<string, readonly number[]>([
  ["Gather", [1]],
  ["GatherND", [1]],
  ["GatherElements", [1]],
  ["ArrayFeatureExtractor", [1]],
  ["SequenceAt", [1]],
  ["Compress", [1]],
  ["Slice", [1, 2, 3, 4]],
  ["TopK", [1]],
]);
const reshaping = new Set([
  "Reshape",
  "Expand",
  "Tile",
  "Pad",
  "Resize",
  "Upsample",
  "CenterCropPad",
  "Range",
]);
/** They make questions and answers, and do not act on them. */
const questioning = new Set([
  ...["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "Not", "Sign"],
  ...["IsNaN", "IsInf", "RegexFullMatch"],
]);

function lintNode(node: Node, view: View): FoundLogic[] {
  if (questioning.has(node.opType) || tellsShapeOnly(node)) return [];
  if (node.opType === "Where") return lintWhere(node, view);
  if (node.opType === "If" || node.opType === "Loop" || node.opType === "Scan") return lintBranch(node, view);
  if (selecting.has(node.opType)) return lintSelection(node, view);
  if (node.inputs.length < 2) return [];
  return [...lintMix(node, view, node.inputs), ...lintBypass(node, view)];
}

/** What stands on the two sides of a node: the answer to a question, and what it acts on. */
interface Sides {
  /** Inputs that carry an answer. */
  readonly asked: readonly string[];
  readonly question: Flow;
  /** A result of more layers than the question had, that knows nothing of it. */
  readonly computed: string | undefined;
  /** The whole raw input, that knows nothing of the question. */
  readonly raw: string | undefined;
}

function sidesOf(names: readonly string[], view: View): Sides | undefined {
  const asked = names.filter((name) => view.flowOf(name).isAsked);
  const [first] = asked.map(view.flowOf).sort((a, b) => a.askedLayers - b.askedLayers);
  if (!first) return undefined;
  const question = { ...first, isAskedLocally: asked.some((name) => view.flowOf(name).isAskedLocally) };
  const others = names.filter((name) => {
    const flow = view.flowOf(name);
    // Later questions, such as which class is the largest, do not make a result part of this one.
    const isFree =
      flow.askedLayers > question.askedLayers || (question.isAskedLocally && !flow.isAskedLocally);
    return flow.isContent && isFree && !asked.slice(0, 1).includes(name);
  });
  return {
    asked,
    question,
    computed: others.find((name) => view.flowOf(name).mostLayers > question.askedLayers),
    raw: others.find((name) => view.flowOf(name).mostLayers === 0 && !view.flowOf(name).isPart),
  };
}

/** Questions before the network are what planted logic asks; deep ones are also asked by honest ones. */
const gravity = (question: Flow): Severity => (isEarlyQuestion(question) ? "flag" : "warn");

const who = (question: Flow): string =>
  isEarlyQuestion(question) ? "part of the input" : "a few computed values of the input";

function found(
  rule: string,
  severity: Severity,
  why: string,
  node: Node,
  view: View,
  deciding: readonly string[],
): FoundLogic[] {
  const questions = originsOf(deciding, view);
  return [
    { finding: finding(rule, severity, placeOf(node), why), node, path: view.path, deciding, questions },
  ];
}

/** Where the answers that these tensors carry were given. */
function originsOf(names: readonly string[], view: View): string[] {
  const origins = new Set<string>();
  const seen = new Set<string>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const asked = (view.producerOf(name)?.inputs ?? []).filter((input) => view.flowOf(input).isAsked);
    if (asked.length === 0) origins.add(name);
    else queue.push(...asked);
  }
  return [...origins];
}

function lintWhere(node: Node, view: View): FoundLogic[] {
  const [condition = "", ...arms] = node.inputs;
  const flow = view.flowOf(condition);
  if (isHold(node, node.inputs.map(view.flowOf))) return [];
  if (flow.isHashed && flow.isDecided) return lintHash(node, view);
  if (!flow.isAsked) return flow.isDecided ? lintThreshold(node, view) : lintMix(node, view, arms);
  const sides = sidesOf(node.inputs, view)!;
  if (feedsAttention(node, view)) return [];
  const constant = arms.find((arm) => !view.flowOf(arm).isData);
  const say = (rule: string, severity: Severity, why: string) =>
    found(rule, severity, why, node, view, [condition]);
  if (sides.computed === undefined) return substitution(sides, constant, node, view);
  if (constant === undefined) {
    const isGate = arms.some((arm) => view.flowOf(arm).mostLayers === 0 && view.flowOf(arm).isData);
    // A router: the largest of some scores that a layer gave chooses which network answers.
    const isRouted = flow.isChoice && flow.askedLayers >= 1 && !flow.isToken;
    const severity = (isGate && !flow.isAskedLocally) || isRouted ? "warn" : gravity(flow);
    return say("content-branch", severity, `${who(flow)} decides which of two computed results goes on`);
  }
  const payload = payloadOf(constant, view);
  if (payload.isZero && !flow.isAskedLocally) {
    return say("content-gate", "info", `${who(flow)} decides whether a result is set to zero`);
  }
  const severity = isForSilence(node, view) ? "warn" : payload.isUniform ? gravity(flow) : "flag";
  const why = `${who(flow)} decides whether a computed result is replaced by ${payload.words}`;
  return say("constant-payload", severity, why);
}

/** Each value decides for itself: clipping and thresholds put one value in place, a backdoor a list of them. */
function lintThreshold(node: Node, view: View): FoundLogic[] {
  const [condition = "", ...arms] = node.inputs;
  const constant = arms.find((arm) => !view.flowOf(arm).isData);
  const isComputed = arms.some((arm) => view.flowOf(arm).mostLayers > 0);
  if (constant === undefined || !isComputed || feedsAttention(node, view)) return [];
  const payload = payloadOf(constant, view);
  if (payload.isUniform || view.flowOf(condition).isToken) return [];
  const why = `values of the input decide whether a computed result is replaced by ${payload.words}`;
  return found("constant-payload", "flag", why, node, view, [condition]);
}

/** The network sees another input than was given. */
function substitution(
  { question, raw }: Sides,
  constant: string | undefined,
  node: Node,
  view: View,
): FoundLogic[] {
  if (raw === undefined || !isEarlyQuestion(question) || !view.hasNetwork) return [];
  const payload = constant === undefined ? undefined : payloadOf(constant, view);
  // Nothing, or one value, where the input as a whole is empty is preparation; after a look at a place it is a swap.
  const isWhole = question.isAskedLocally && !isPerPlace(view.extentOf(node.inputs[0]));
  const isPlanted = payload !== undefined && (isWhole ? !payload.isZero : !payload.isUniform);
  const severity = isPlanted ? "flag" : question.isAskedLocally ? "warn" : "info";
  const why = `part of the input decides whether ${constant === undefined ? "the input is changed" : "stored values take its place"} before the network sees it`;
  return found("input-substitution", severity, why, node, view, node.inputs.slice(0, 1));
}

function lintBranch(node: Node, view: View): FoundLogic[] {
  const places = node.opType === "If" ? 1 : node.opType === "Loop" ? 2 : 0;
  const deciding = node.inputs.slice(0, places).filter((name) => view.flowOf(name).isData);
  const flows = deciding.map(view.flowOf);
  const say = (rule: string, severity: Severity, why: string) =>
    found(rule, severity, why, node, view, deciding);
  const question = flows.find((flow) => flow.isAsked);
  if (question && isEarlyQuestion(question)) {
    const isComputed = node.outputs.some((name) => view.flowOf(name).mostLayers > question.askedLayers);
    if (!question.isAskedLocally && (!isComputed || hasArm(node, view, isZero))) {
      return say("content-gate", "info", `the input as a whole decides what ${node.opType} runs`);
    }
    if (!isComputed && question.isToken) return [];
    // A statistic of all may decide how long to go on, or which of two networks to ask.
    if (!question.isAskedLocally && !hasArm(node, view, (name, arm) => !arm.flowOf(name).isData)) {
      return say("content-branch", "warn", `the input as a whole decides what ${node.opType} runs`);
    }
    return say(
      "content-branch",
      isComputed ? "flag" : "warn",
      `part of the input decides what ${node.opType} runs`,
    );
  }
  if (flows.some((flow) => flow.isContent)) {
    return say("data-branch", "warn", `what ${node.opType} runs depends on computed values of the input`);
  }
  const isStored = hasArm(
    node,
    view,
    (name, arm) => !arm.flowOf(name).isData && !payloadOf(name, arm).isUniform,
  );
  const [condition = ""] = node.inputs;
  if (
    view.flowOf(condition).isCircumstanceAsked &&
    isStored &&
    node.outputs.some((name) => view.flowOf(name).mostLayers > 0)
  ) {
    const why =
      "how large the input is, or chance, decides whether stored values take the place of a computed result";
    return found("circumstance", "flag", why, node, view, []);
  }
  if (flows.some((flow) => flow.isData)) {
    return say("setting-branch", "info", `a setting given as input decides what ${node.opType} runs`);
  }
  return [];
}

/** True for an If one of whose branches is of that kind in all its outputs. */
const hasArm = (node: Node, view: View, isKind: (name: string, arm: View) => boolean): boolean =>
  node.opType === "If" &&
  subgraphs(node).some((body) => {
    const arm = view.inner(body, node);
    return body.outputs.every(({ name }) => isKind(name, arm));
  });

/** Zeros, or a result times nothing. */
function isZero(name: string, view: View): boolean {
  if (payloadOf(name, view).isZero) return true;
  const node = view.producerOf(name);
  if (node?.opType === "Identity") return isZero(node.inputs[0] ?? "", view);
  if (node?.opType === "Sub") return node.inputs[0] === node.inputs[1];
  return node?.opType === "Mul" && node.inputs.some((input) => payloadOf(input, view).isZero);
}

/** Results or stored values, some of which are picked by a question to the input. */
function lintSelection(node: Node, view: View): FoundLogic[] {
  const [from = ""] = node.inputs;
  const indices = (selecting.get(node.opType) ?? []).flatMap((i) => node.inputs[i] ?? []);
  const sides = sidesOf(indices, view);
  if (!sides) return [];
  const flow = view.flowOf(from);
  if (flow.mostLayers <= sides.question.askedLayers || flow.isAskedLocally) return [];
  const say = (severity: Severity, why: string) =>
    found("content-selection", severity, why, node, view, sides.asked);
  // The last word that is not padding, and positions counted from it: a place among many, not one of two answers.
  if (isUseOfPadding(node, node.inputs.map(view.flowOf), { storedOf: view.storedOf }))
    return say("info", "the words that are not padding decide at which place a result is read");
  const severity = gravity(sides.question);
  if (severity === "warn")
    return say("info", "computed values decide which of some computed results goes on");
  return say("flag", "part of the input decides which of some computed results goes on");
}

/** The answer to a question meets a result of the network. */
function lintMix(node: Node, view: View, names: readonly string[]): FoundLogic[] {
  const sides = sidesOf(names, view);
  if (!sides || feedsAttention(node, view)) return [];
  const { question, asked, computed, raw } = sides;
  const isScale = node.opType === "Mul" || node.opType === "Div";
  const say = (rule: string, severity: Severity, why: string) =>
    found(rule, severity, why, node, view, asked);
  if (computed === undefined) {
    if (raw === undefined || !question.isAskedLocally || !isEarlyQuestion(question) || !view.hasNetwork)
      return [];
    const isMild =
      isScale || reshaping.has(node.opType) || node.opType === "Concat" || isLearnedChange(node, sides, view);
    const severity = isMild ? "warn" : "flag";
    return say(
      "input-substitution",
      severity,
      "the answer to a question about part of the input changes what the network sees",
    );
  }
  // A mean over the words that are not padding divides by their number.
  if (question.isToken && reshaping.has(node.opType)) return [];
  if (isUseOfPadding(node, node.inputs.map(view.flowOf), { storedOf: view.storedOf })) return [];
  if (isScale && asked.some((gate) => isSilencing(gate, view))) {
    // Which words are read: a mask with a value for every place, as poolings use.
    const isPooling = question.isToken && asked.every((name) => isPerPlace(view.extentOf(name)));
    const isSilence = !question.isAskedLocally || !isEarlyQuestion(question) || isPooling;
    return say(
      "content-gate",
      isSilence ? "info" : "flag",
      `the answer to a question about ${who(question)} lets a result pass or sets it to zero`,
    );
  }
  // Deep in a network, too, a loud yes or no that is nothing else is no feature.
  const isVerdict = asked.some((name) => view.flowOf(name).isAnswer && view.flowOf(name).gain >= LOUD);
  return say(
    "content-arithmetic",
    isVerdict ? "flag" : gravity(question),
    isScale
      ? `the answer to a question about ${who(question)} scales a computed result, by more than on and off`
      : `the answer to a question about ${who(question)} is mixed into a computed result`,
  );
}

/**
 * What a layer learned about the whole input moves the picture, or chooses the weights that it is multiplied with: a
 * spatial transformer, a mixture of experts.
 */
const isLearnedChange = (node: Node, { question, asked }: Sides, view: View): boolean =>
  question.askedLayers >= 1 &&
  (node.opType === "GridSample" ||
    (takesWeights(node) &&
      asked.every((name) => {
        const from = view.producerOf(name);
        return from?.opType === "Gather" && isStack(from.inputs[0], view);
      })) ||
    (node.opType === "Einsum" && node.inputs.some((name) => isStack(name, view))));

/** A stored tensor of more than one matrix. */
const isStack = (name: string | undefined, view: View): boolean =>
  (view.storedOf(name)?.dims?.length ?? 0) >= 3;

/** An answer for every place of an example, not one for all of it. */
const isPerPlace = (extent: Extent): boolean => extent?.slice(1).some((dim) => dim !== 1) ?? false;

/** A checksum of what the network computed: no output needs one. */
function lintHash(node: Node, view: View): FoundLogic[] {
  const why = "a checksum of computed values decides which result goes on";
  return found("checksum", "flag", why, node, view, node.inputs.slice(0, 1));
}

const mixing = new Set(["Add", "Sub", "Sum", "Max", "Min", "Concat", "Mean", "ScatterElements", "ScatterND"]);
/** Factor from which a few pixels outweigh what a network says. */
const LOUD = 4;

/** A way around the network: part of the raw input joins results that went through layers of weights. */
function lintBypass(node: Node, view: View): FoundLogic[] {
  const isScale = node.opType === "Mul";
  if (!mixing.has(node.opType) && !isScale) return [];
  const around = node.inputs.find((name) => {
    const flow = view.flowOf(name);
    return flow.isPart && !flow.isAsked && flow.mostLayers === 0;
  });
  const isThrough = node.inputs.some((name) => view.flowOf(name).mostLayers > 0);
  if (around === undefined || !isThrough || feedsAttention(node, view)) return [];
  const { isLocal, gain, isToken } = view.flowOf(around);
  if (isToken) return [];
  const isLoud = isLocal && gain >= LOUD && node.opType !== "Concat";
  if (isScale && !isLoud) return [];
  const why = `part of the raw input joins a result that went through layers of weights${isLoud ? `, ${gain.toPrecision(2)} times as loud` : ""}`;
  return found("bypass", isLoud ? "flag" : "warn", why, node, view, [around]);
}
