export { evaluate, type ProbeEvaluation } from "./evaluate.js";
export { fitLogistic, type LogisticOptions, type LogisticProbe } from "./logistic.js";
export type { LinearProbe } from "./probe.js";
