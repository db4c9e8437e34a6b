/** Data sets: where they come from and how they are cut. */

export { type NpzLimits, readNpz } from "../tensor/npz.js";
export {
  type LabelledData,
  labelTensor,
  readLabelled,
  split,
  takeLabelled,
  takePerClass,
} from "./labelled.js";
export { columns, type DataFrame, readTable } from "./table.js";
