/** Trigger extraction: search, calibration against clean models, verification. */
export { type Audit, type AuditOptions, audit, type Budget, expectedPasses } from "./audit.js";
export { type Calibration, calibrate } from "./calibration.js";
export { fastSearch } from "./invert.js";
export { madFalseAlarmRate, madIndex } from "./mad-index.js";
export {
  type NeuralCleanseOptions,
  neuralCleanse,
  type TriggerCandidate,
  type TriggerSearch,
} from "./neural-cleanse.js";
export type { CleanData } from "./prepare.js";
export type { RecoveredTrigger } from "./recovered-trigger.js";
export type { Scan } from "./scan.js";
export { type SimulationOptions, simulateReferences } from "./simulated-references.js";
export { folderStore, type InversionStore } from "./store.js";
export { auditTokens, type TokenAudit, type TokenAuditOptions, type TokenVerdict } from "./tokens/audit.js";
export type { TokenScan } from "./tokens/scan.js";
export { type RecoveredTokens, type TokenVerification, verifyTokens } from "./tokens/verify.js";
export type { Check, Decision, Verdict } from "./verdict.js";
export { type Control, type TriggerVerification, verifyTrigger } from "./verify.js";
export { findWitness, type GraphWitness, type WitnessOptions } from "./witness/index.js";
