/** Trigger extraction: search, calibration against clean models, verification. */
export { type Calibration, calibrate } from "./calibration.js";
export { fastSearch } from "./invert.js";
export { madFalseAlarmRate, madIndex } from "./mad-index.js";
export {
  type Decision,
  type NeuralCleanseOptions,
  neuralCleanse,
  type TriggerCandidate,
  type TriggerSearch,
} from "./neural-cleanse.js";
export type { CleanData } from "./prepare.js";
export type { RecoveredTrigger } from "./recovered-trigger.js";
