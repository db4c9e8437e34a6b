/** The rules about nodes that bring two results together: the answer to a question, or the raw input, and a network's. */
import type { Node } from "../schema.js";
import type { Severity } from "./finding.js";
import { isEarlyQuestion } from "./flow.js";
import { takesWeights } from "./operators.js";
import { isHold, isUseOfPadding } from "./padding.js";
import { isSilencing } from "./payload.js";
import {
  type FoundLogic,
  found,
  gravity,
  isMaskOfPlaces,
  isRoute,
  type Sides,
  sidesOf,
  who,
} from "./question.js";
import { magnitude } from "./stored.js";
import { feedsAttention, type View } from "./view.js";

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
/** The answer to a question meets a result of the network. */
export function lintMix(node: Node, view: View, names: readonly string[]): FoundLogic[] {
  // Indices say where something is put; they are not what is changed.
  const sides = sidesOf(node.opType.startsWith("Scatter") ? names.filter((_, i) => i !== 1) : names, view);
  if (!sides || feedsAttention(node, view)) return [];
  const { question, asked, computed, raw } = sides;
  const isScale = node.opType === "Mul" || node.opType === "Div";
  const say = (rule: string, severity: Severity, why: string) =>
    found(rule, severity, why, node, view, asked);
  const isRouted = isRoute(question);
  if (isHold(node, node.inputs.map(view.flowOf))) return [];
  if (computed === undefined) {
    if (raw === undefined || !question.isAskedLocally || !isEarlyQuestion(question)) return [];
    if (!view.hasNetwork || !isReadByLayer(node, view)) return [];
    const isMild =
      isScale ||
      isRouted ||
      reshaping.has(node.opType) ||
      node.opType === "Concat" ||
      isLearnedChange(node, sides, view);
    const severity = isMild ? "warn" : "flag";
    return say(
      "input-substitution",
      severity,
      "the answer to a question about part of the input changes what the network sees",
    );
  }
  // A mean over the words that are not padding divides by their number.
  if (question.isToken && reshaping.has(node.opType)) return [];
  if (isUseOfPadding(node, node.inputs.map(view.flowOf), view)) return [];
  if (isScale && asked.some((gate) => isSilencing(gate, view))) {
    const isPooling = asked.every((name) => isMaskOfPlaces(view.extentOf(name)));
    const isSilence = !question.isAskedLocally || !isEarlyQuestion(question) || isPooling;
    return say(
      "content-gate",
      isSilence ? "info" : isRouted ? "warn" : "flag",
      `the answer to a question about ${who(question)} lets a result pass or sets it to zero`,
    );
  }
  // Deep in a network, too, a loud yes or no that is nothing else is no feature.
  const isVerdict = asked.some((name) => view.flowOf(name).isAnswer && view.flowOf(name).gain >= LOUD);
  // A count of peaks or of words beside computed features: what it is worth, a layer learns.
  const isFeature =
    node.opType === "Concat" &&
    !question.isAskedLocally &&
    asked.every((name) => view.flowOf(name).gain < LOUD) &&
    !isMadeLoud(node, view);
  // What a router lets through, weighed by its scores, joins what all pass.
  const isExpert = isRouted && (isScale || asked.every((name) => !view.flowOf(name).isAnswer));
  return say(
    "content-arithmetic",
    isVerdict ? "flag" : isFeature || isExpert ? "warn" : gravity(question),
    isScale
      ? `the answer to a question about ${who(question)} scales a computed result, by more than on and off`
      : `the answer to a question about ${who(question)} is mixed into a computed result`,
  );
}

/** Weights beyond this make of a small share what decides. */
const LOUDEST_WEIGHT = 16;

const isMadeLoud = ({ outputs }: Node, view: View): boolean =>
  view
    .readersOf(outputs[0] ?? "")
    .flatMap(({ inputs }) => inputs.map((name) => view.storedOf(name)))
    .some((stored) => stored !== undefined && magnitude(stored) > LOUDEST_WEIGHT);

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

/** Some layer of weights reads what the node makes; out of a body of its own, it may. */
function isReadByLayer(node: Node, view: View): boolean {
  if (view.path.length > 0) return true;
  const layersOf = ({ outputs }: Node): number =>
    outputs.reduce((most, name) => Math.max(most, view.flowOf(name).mostLayers), 0);
  const before = layersOf(node);
  const seen = new Set<Node>([node]);
  for (const one of seen) {
    if (layersOf(one) > before) return true;
    for (const name of one.outputs) for (const reader of view.readersOf(name)) seen.add(reader);
  }
  return false;
}

const mixing = new Set(["Add", "Sub", "Sum", "Max", "Min", "Concat", "Mean", "ScatterElements", "ScatterND"]);
/** Factor from which a few pixels outweigh what a network says. */
const LOUD = 4;

/** A way around the network: part of the raw input joins results that went through layers of weights. */
export function lintBypass(node: Node, view: View): FoundLogic[] {
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
