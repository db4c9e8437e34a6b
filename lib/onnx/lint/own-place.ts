/** Places of the input that its own values tell: neighbours, the largest, the sorted. */
import type { Node } from "../schema.js";
import { constantFlow, type Flow } from "./flow.js";
import { rearranges } from "./operators.js";

/** Parts of the input that their own values choose: neighbours, the largest, the sorted. Nothing stored is put in. */
export const isOwnSelection = (
  { opType }: Node,
  [from = constantFlow, places = constantFlow]: readonly Flow[],
): boolean =>
  /^Gather/.test(opType) && from.isContent && !from.isMixed && !from.isAskedLocally && places.isOwnPlace;

/** Turns places into places. */
const keepsPlaces = (node: Node): boolean =>
  rearranges(node) || ["Tile", "Add", "Mul", "Concat"].includes(node.opType);

export const isOwnPlaceBehind = (node: Node, joined: Flow): boolean =>
  joined.isOwnPlace
    ? keepsPlaces(node)
    : ["ArgMax", "ArgMin", "TopK"].includes(node.opType) && !joined.isMixed && !joined.isAsked;
