export { type Eraser, fitEraser } from "./erase.js";
export { evaluate, type ProbeEvaluation } from "./evaluate.js";
export {
  type FewShotCurve,
  type FewShotOptions,
  type FewShotSeries,
  fewShot,
  type Labelled,
} from "./few-shot.js";
export { fitLogistic, type LogisticOptions, type LogisticProbe } from "./logistic.js";
export { fitDifferenceOfMeans, fitLda, type LdaOptions } from "./means.js";
export type { LinearProbe } from "./probe.js";
export { type LayerSweep, type SweepOptions, type SweptLayer, sweep, type Taps } from "./sweep.js";
