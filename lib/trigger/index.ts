/** Triggers as plain data, and how they are put on inputs. */
export * from "./apply.js";
export { candidate } from "./candidate.js";
export { overlap } from "./overlap.js";
export { withAndWithout } from "./pairs.js";
export { attackSuccessRate, type SuccessOptions, type TriggerClaim, victims } from "./success.js";
export {
  copyAround,
  frameOf,
  noFrame,
  type RunPlace,
  runPlace,
  spanOf,
  type TextFrame,
  type TextSpan,
} from "./text-frame.js";
export {
  type BlendTrigger,
  type ImageShape,
  noiseBlend,
  type PatchTrigger,
  patch,
  smoothWarp,
  type TokenTrigger,
  type Trigger,
  tokens,
  type WarpTrigger,
} from "./trigger.js";
