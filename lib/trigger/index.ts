/** Triggers as plain data, and how they are put on inputs. */
export * from "./apply.js";
export { candidate } from "./candidate.js";
export { overlap } from "./overlap.js";
export { withAndWithout } from "./pairs.js";
export { attackSuccessRate, type SuccessOptions, type TriggerClaim, victims } from "./success.js";
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
