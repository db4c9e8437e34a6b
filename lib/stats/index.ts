export { type BootstrapOptions, bootstrap } from "./bootstrap.js";
export { type ConformalThreshold, conformalPValues, conformalThreshold } from "./conformal.js";
export type { Estimate } from "./estimate.js";
export { partialAuroc, truePositiveRateAt } from "./operating-point.js";
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
} from "./special.js";
