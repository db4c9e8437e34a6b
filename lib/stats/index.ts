export { type BootstrapOptions, bootstrap } from "./bootstrap.js";
export * from "./calibration.js";
export { type ConformalThreshold, conformalPValues, conformalThreshold } from "./conformal.js";
export type { Estimate } from "./estimate.js";
export * from "./goodness-of-fit.js";
export * from "./multiple-testing.js";
export { partialAuroc, truePositiveRateAt } from "./operating-point.js";
export * from "./permutation.js";
export * from "./precision-recall.js";
export {
  checkLevel,
  clopperPearson,
  type IntervalOptions,
  trialsForUpperLimit,
  upperLimit,
  wilson,
} from "./proportion.js";
export * from "./roc.js";
export { anytimeInterval } from "./sequential.js";
export {
  betaCdf,
  betaQuantile,
  chiSquareUpperTail,
  logGamma,
  normalCdf,
  normalQuantile,
  regularisedGammaP,
  regularisedGammaQ,
  studentCdf,
  studentQuantile,
} from "./special.js";
