/** The rule about answers that depend on something beside the input's content: how many examples came, or chance. */
import type { Node } from "../schema.js";
import { finding, placeOf, type Severity } from "./finding.js";
import type { Flow } from "./flow.js";
import { asksInSteps, decides, isDrawn, spreads } from "./operators.js";
import { payloadOf } from "./payload.js";
import type { FoundLogic } from "./question.js";
import { feedsAttention, type View } from "./view.js";

const mixing = new Set([
  ...["Add", "Sub", "Sum", "Mean", "Max", "Min", "Mul", "Div", "Where", "Concat"],
  ...["ScatterElements", "ScatterND", "Gather", "GatherElements", "GatherND", "SequenceAt", "Compress"],
]);
const scaling = new Set(["Mul", "Div"]);

/** A yes or no about dims or about a number drawn at random meets what the network computed, or chooses among it. */
export function lintCircumstance(node: Node, view: View): FoundLogic[] {
  if (!mixing.has(node.opType)) return [];
  const question = node.inputs.find((name) => view.flowOf(name).isCircumstanceAsked);
  const computed = node.inputs.find((name) => {
    const flow = view.flowOf(name);
    return flow.mostLayers > 0 && !flow.isCircumstanceAsked;
  });
  if (question === undefined || computed === undefined || feedsAttention(node, view)) return [];
  const { circumstance } = view.flowOf(question);
  const who = circumstance === "chance" ? "a number drawn at random" : "how large the input is";
  const say = (severity: Severity, what: string): FoundLogic[] => [
    {
      finding: finding("circumstance", severity, placeOf(node), `${who} decides ${what}`),
      ...{ node, path: view.path, deciding: [question], questions: [] },
    },
  ];
  if (node.opType === "Where") {
    const constant = node.inputs.slice(1).find((name) => name !== computed && !view.flowOf(name).isData);
    const payload = constant === undefined ? undefined : payloadOf(constant, view);
    if (payload && !payload.isUniform) {
      return say("flag", `whether a computed result is replaced by ${payload.words}`);
    }
    return say("warn", "which of two results goes on");
  }
  // Dropout that was written by hand, attention that is scaled for longer inputs.
  if (scaling.has(node.opType)) return say("info", "how a computed result is scaled");
  return say(node.opType === "Concat" ? "warn" : "flag", "what a computed result becomes");
}

/** What a node that reads no content depends on: chance, or how large its inputs are. */
export function drawnBy(node: Node): Pick<Flow, "circumstance"> {
  if (isDrawn(node)) return { circumstance: "chance" };
  return { circumstance: ["Shape", "Size", "SequenceLength"].includes(node.opType) ? "shape" : null };
}

/** What a node makes of dims and of numbers drawn: places and masks made of dims ask nothing. */
export function askedOfCircumstance(node: Node, { circumstance, isCircumstanceAsked }: Flow): Partial<Flow> {
  if (circumstance === null || (circumstance === "shape" && spreads(node))) return {};
  const isAsking = decides(node, { isRaw: true, isPart: false, isToken: false }) || asksInSteps(node);
  return { circumstance, isCircumstanceAsked: isCircumstanceAsked || isAsking };
}
