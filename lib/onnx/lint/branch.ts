/** The rules about If, Loop and Scan: what is run, and how often. */
import { subgraphs } from "../attributes.js";
import type { Node } from "../schema.js";
import type { Severity } from "./finding.js";
import { isEarlyQuestion } from "./flow.js";
import { payloadOf } from "./payload.js";
import { type FoundLogic, found } from "./question.js";
import type { View } from "./view.js";

export function lintBranch(node: Node, view: View): FoundLogic[] {
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
