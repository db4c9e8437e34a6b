/** Which words are padding, and what honest text models do with the answer. */
import type { Node } from "../schema.js";
import type { Flow } from "./flow.js";
import type { Scope } from "./node-flow.js";
import { castsToBool, isRecurrent, picksPlace, rearranges, STEEP } from "./operators.js";
import type { Stored } from "./stored.js";

/**
 * What text models do with the answer to "which words are padding": a mean divides by their number, the last word
 * is read at its place, positions are counted.
 */
export function isUseOfPadding(
  node: Node,
  inputs: readonly Flow[],
  scope: Pick<Scope, "storedOf" | "extentOf">,
): boolean {
  if (isRecurrent(node))
    return inputs[LENGTHS]?.isPadding === true && inputs.every((flow, i) => i === LENGTHS || !flow.isAsked);
  const [first, second] = inputs;
  if (!first || !second?.isDecided || !second.isToken || second.gain >= STEEP) return false;
  if (node.opType === "Div") return first.isContent && !first.isAskedLocally;
  if (!/^Gather/.test(node.opType)) return false;
  if (first.isData) return !first.isAskedLocally && !first.isMixed;
  // One row for a whole text is an answer, not a position.
  const places = scope.extentOf(node.inputs[1]);
  return places?.slice(1).every((dim) => dim === 1)
    ? false
    : (scope.storedOf(node.inputs[0])?.dims?.[0] ?? 0) >= PLACES;
}

/** How long each text is, as recurrent layers are told. */
const LENGTHS = 4;

/** Steps from which a mask is read at every place alike. */
const MANY_STEPS = 3;

/** A state that is kept where there is padding, step by step, by Where or by `new * word + old * (1 - word)`. */
export const isHold = ({ opType }: Node, inputs: readonly Flow[]): boolean => {
  const conditions = opType === "Where" ? inputs.slice(0, 1) : opType === "Mul" ? inputs : [];
  return (
    conditions.some(({ isPadding, steps }) => isPadding && steps >= MANY_STEPS) &&
    inputs.some(({ isContent, isPadding }) => isContent && !isPadding)
  );
};

/** A table with fewer rows is one of answers, not of positions. */
const PLACES = 16;

/** The same in another form: the opposite, `1 - mask`, or the number of words. */
const keepsPadding = (node: Node, stored: readonly (Stored | undefined)[]): boolean =>
  rearranges(node) ||
  ["Not", "ReduceSum"].includes(node.opType) ||
  (node.opType === "Sub" && stored[0]?.values()?.every((value) => value === 1) === true);

/**
 * Words compared with nought or taken as true and false, and what only reshapes or counts that or reads places of it.
 * Padding of other numbers is left out: a trigger could be made of it.
 */
export function isPaddingBehind(node: Node, joined: Flow, stored: readonly (Stored | undefined)[]): boolean {
  if (joined.isPadding) return keepsPadding(node, stored) || picksPlace(node);
  if (!joined.isToken || joined.isDecided || joined.mostLayers > 0) return false;
  if (node.opType === "Cast") return castsToBool(node);
  const bound = stored.find((one) => one !== undefined)?.values();
  // `id < 1` and `id >= 1` tell the same.
  const least = { Equal: 0, Greater: 0, LessOrEqual: 0, Less: 1, GreaterOrEqual: 1 }[node.opType];
  return bound !== undefined && bound.length > 0 && bound.every((value) => value === least);
}

/**
 * A mask of padding read at places that are counted off its own dims, as exporters write `mask[batch, place]`: a mask
 * still. What is read at stored places is part of it.
 */
export const isMaskRearranged = (
  { opType }: Node,
  [mask, places]: readonly Flow[],
  [, chosen]: readonly (Stored | undefined)[],
): boolean =>
  /^Gather/.test(opType) &&
  mask?.isPadding === true &&
  !mask.isPart &&
  places?.isData === false &&
  chosen?.values() === undefined;
