/** The rules about Where: which of two results goes on, or whether stored values take the place of one. */
import type { Node } from "../schema.js";
import type { Severity } from "./finding.js";
import { isEarlyQuestion } from "./flow.js";
import { lintMix } from "./mix.js";
import { isHold } from "./padding.js";
import { isForSilence, payloadOf } from "./payload.js";
import {
  type FoundLogic,
  found,
  gravity,
  isMaskOfPlaces,
  isPerPlace,
  isRoute,
  type Sides,
  sidesOf,
  who,
} from "./question.js";
import { feedsAttention, type View } from "./view.js";

export function lintWhere(node: Node, view: View): FoundLogic[] {
  const [condition = "", ...arms] = node.inputs;
  const flow = view.flowOf(condition);
  const isNothing = (arm: string): boolean =>
    view.flowOf(arm).isData || payloadOf(arm, view).isZero || payloadOf(arm, view).isCount;
  if (isHold(node, node.inputs.map(view.flowOf)) && arms.every(isNothing)) return [];
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
    const severity = (isGate && !flow.isAskedLocally) || isRoute(flow) ? "warn" : gravity(flow);
    return say("content-branch", severity, `${who(flow)} decides which of two computed results goes on`);
  }
  const payload = payloadOf(constant, view);
  if (payload.isUniform && isMaskOfPlaces(view.extentOf(condition))) {
    return say("content-gate", "info", `${who(flow)} decides at which places results are masked`);
  }
  if (payload.isZero && !flow.isAskedLocally) {
    return say("content-gate", "info", `${who(flow)} decides whether a result is set to zero`);
  }
  const why = `${who(flow)} decides whether a computed result is replaced by ${payload.words}`;
  const [logic] = say("constant-payload", payload.isUniform ? gravity(flow) : "flag", why);
  // A text must have so many words before its end may come.
  const isForLength = payload.isForbidding && logic!.questions.every((name) => view.flowOf(name).isPadding);
  // Which words may follow others, in a model that writes them.
  const isForWriting = payload.isForbidding && flow.isToken && isVocabulary(sides.computed, view);
  // Another row for an id that stands for nobody.
  const isForNobody = flow.isPadding && view.flowOf(sides.computed).mostLayers === 1;
  const isMild = isForSilence(node, view) || isForLength || isForWriting || isForNobody;
  return isMild ? say("constant-payload", "warn", why) : [logic!];
}

/** Answers from which a model writes words, rather than naming a class. */
const WORDS = 64;
const isVocabulary = (name: string, view: View): boolean => (view.extentOf(name)?.at(-1) ?? 0) >= WORDS;

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

/** A checksum of what the network computed: no output needs one. */
function lintHash(node: Node, view: View): FoundLogic[] {
  const why = "a checksum of computed values decides which result goes on";
  return found("checksum", "flag", why, node, view, node.inputs.slice(0, 1));
}
