/** The rule about Gather and its kin: which of some results a question to the input picks. */
import type { Node } from "../schema.js";
import type { Severity } from "./finding.js";
import { isOwnSelection } from "./own-place.js";
import { isUseOfPadding } from "./padding.js";
import { type FoundLogic, found, gravity, sidesOf } from "./question.js";
import type { View } from "./view.js";

/** Inputs of each operator that say what is picked. */
export const selecting = new Map<string, readonly number[]>([
  ["Gather", [1]],
  ["GatherND", [1]],
  ["GatherElements", [1]],
  ["ArrayFeatureExtractor", [1]],
  ["SequenceAt", [1]],
  ["Compress", [1]],
  ["Slice", [1, 2, 3, 4]],
  ["TopK", [1]],
]);

/** Results or stored values, some of which are picked by a question to the input. */
export function lintSelection(node: Node, view: View): FoundLogic[] {
  const [from = ""] = node.inputs;
  const indices = (selecting.get(node.opType) ?? []).flatMap((i) => node.inputs[i] ?? []);
  const sides = sidesOf(indices, view);
  if (!sides) return [];
  const flow = view.flowOf(from);
  if (flow.mostLayers <= sides.question.askedLayers || flow.isAskedLocally) return [];
  const say = (severity: Severity, why: string) =>
    found("content-selection", severity, why, node, view, sides.asked);
  // The last word that is not padding, and positions counted from it: a place among many, not one of two answers.
  if (isUseOfPadding(node, node.inputs.map(view.flowOf), view))
    return say("info", "the words that are not padding decide at which place a result is read");
  if (isOwnSelection(node, node.inputs.map(view.flowOf)))
    return say("info", "the places of the largest values decide where a result is read");
  const severity = gravity(sides.question);
  if (severity === "warn")
    return say("info", "computed values decide which of some computed results goes on");
  return say("flag", "part of the input decides which of some computed results goes on");
}
