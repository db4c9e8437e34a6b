export { type ActivationCache, type ActivationCacheOptions, cacheActivations } from "./activation-cache.js";
export { agree } from "./agreement.js";
export { anyBatch } from "./any-batch.js";
export { type FloatVersion, floatArithmetic } from "./float-arithmetic.js";
export { floatExamples, floatInput } from "./float-input.js";
export { type GradientLossOptions, gradient, type LossGradient } from "./gradient.js";
export {
  ablate,
  type HookedModel,
  hookModel,
  type Intervention,
  type PathPatch,
  patch,
  pathPatch,
  steer,
} from "./intervene.js";
export {
  feedsOf,
  type LoadedModel,
  type LoadOptions,
  loadModel,
  type ModelInput,
  tapModel,
  wrapModel,
} from "./model.js";
export { plainOperators } from "./plain-operators.js";
export { withTensorOutputs } from "./tensor-outputs.js";
export { tokenInput } from "./token-input.js";
