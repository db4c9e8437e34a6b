/** What the rules about logic say of a node: a question to the input, what it acts on, and how grave that is. */
import type { Node } from "../schema.js";
import type { Extent } from "./extents.js";
import { type Finding, finding, placeOf, type Severity } from "./finding.js";
import { type Flow, isEarlyQuestion } from "./flow.js";
import type { View } from "./view.js";

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

/** What stands on the two sides of a node: the answer to a question, and what it acts on. */
export interface Sides {
  /** Inputs that carry an answer. */
  readonly asked: readonly string[];
  readonly question: Flow;
  /** A result of more layers than the question had, that knows nothing of it. */
  readonly computed: string | undefined;
  /** The whole raw input, that knows nothing of the question. */
  readonly raw: string | undefined;
}

export function sidesOf(names: readonly string[], view: View): Sides | undefined {
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
export const gravity = (question: Flow): Severity => (isEarlyQuestion(question) ? "flag" : "warn");

/** A router: the largest of some scores that a layer gave chooses which network answers. */
export const isRoute = ({ isChoice, askedLayers, isToken }: Flow): boolean =>
  isChoice && askedLayers >= 1 && !isToken;

export const who = (question: Flow): string =>
  isEarlyQuestion(question) ? "part of the input" : "a few computed values of the input";

export function found(
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

/** A mask with a value for every word, frame or pixel, spread over the features of each: which ones are read. */
export const isMaskOfPlaces = (extent: Extent): boolean => (extent?.length ?? 0) >= 3 && isPerPlace(extent);

/** An answer for every place of an example, not one for all of it. */
export const isPerPlace = (extent: Extent): boolean => extent?.slice(1).some((dim) => dim !== 1) ?? false;
