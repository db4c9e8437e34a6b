export { type BootstrapOptions, bootstrap } from "./bootstrap.js";
export * from "./calibration.js";
export { type ConformalThreshold, conformalPValues, conformalThreshold } from "./conformal.js";
export * from "./confusion.js";
export { type DetCurve, detCurve } from "./det.js";
export type { Estimate } from "./estimate.js";
export { fitGamma, type GammaFit } from "./gamma.js";
export * from "./goodness-of-fit.js";
export { type MarchenkoPastur, marchenkoPastur } from "./marchenko-pastur.js";
export * from "./monte-carlo.js";
export * from "./multiple-testing.js";
export { truePositiveRateAt } from "./operating-point.js";
export { partialAuroc } from "./partial-auroc.js";
export * from "./permutation.js";
export * from "./precision-recall.js";
export {
  checkLevel,
  clopperPearson,
  type IntervalOptions,
  upperLimit,
  wilson,
} from "./proportion.js";
export * from "./roc.js";
export * from "./sample-size.js";
export { type MeanOptions, meanEstimate, scoreReach } from "./score-interval.js";
export { anytimeInterval } from "./sequential.js";
export {
  betaCdf,
  betaQuantile,
  chiSquareQuantile,
  chiSquareUpperTail,
  logGamma,
  normalCdf,
  normalQuantile,
  regularisedGammaP,
  regularisedGammaQ,
  studentCdf,
  studentQuantile,
} from "./special.js";
