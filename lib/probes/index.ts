export { type ContrastOptions, fitContrast, fitContrastVariation } from "./contrast.js";
export type { ContrastPairs } from "./contrast-pairs.js";
export { type Eraser, fitEraser } from "./erase.js";
export { evaluate, type ProbeEvaluation } from "./evaluate.js";
export {
  type FewShotCurve,
  type FewShotOptions,
  type FewShotSeries,
  fewShot,
  type Labelled,
} from "./few-shot.js";
export { fitLogistic, type LogisticOptions, type LogisticProbe } from "./logistic/logistic.js";
export { fitDifferenceOfMeans, fitLda, type LdaOptions } from "./means.js";
export { bagOfTokens, type Pooling, type PoolOptions, pool } from "./pool.js";
export type { LinearProbe } from "./probe.js";
export type { Taps } from "./sites.js";
export { type LayerSweep, type SweepOptions, type SweepSets, type SweptLayer, sweep } from "./sweep.js";
