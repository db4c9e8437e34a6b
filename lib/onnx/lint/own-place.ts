/** Places of the input that its own values tell: neighbours, the largest, the sorted. */
import type { Node } from "../schema.js";
import { constantFlow, type Flow } from "./flow.js";

/** Parts of the input that their own values choose: neighbours, the largest, the sorted. Nothing stored is put in. */
export const isOwnSelection = (
  { opType }: Node,
  [from = constantFlow, places = constantFlow]: readonly Flow[],
): boolean =>
  /^Gather/.test(opType) && from.isContent && !from.isMixed && !from.isAskedLocally && places.isOwnPlace;

/** Nodes that turn places into places. */
const placing = new Set([
  "Cast",
  "Identity",
  "Unsqueeze",
  "Squeeze",
  "Reshape",
  "Transpose",
  "Expand",
  "Tile",
  "Add",
  "Mul",
  "Concat",
]);

export const isOwnPlaceBehind = (node: Node, joined: Flow): boolean =>
  joined.isOwnPlace
    ? placing.has(node.opType)
    : ["ArgMax", "ArgMin", "TopK"].includes(node.opType) && !joined.isMixed && !joined.isAsked;
