/** Trigger extraction: search, calibration against clean models, verification. */
export {
  type Audit,
  type AuditOptions,
  audit,
} from "./audit.js";
export { type Budget, expectedPasses, simulatedReferences } from "./budget.js";
export { type Calibration, calibrate } from "./calibration.js";
export { type ChangeSearchOptions, type ImageChange, searchChange } from "./change-search.js";
export type { CleanData } from "./clean-data.js";
export type { Control } from "./controls.js";
export { fastSearch } from "./invert.js";
export { type ArmSearch, type FollowedArm, type KArmOptions, kArm } from "./k-arm.js";
export { madFalseAlarmRate, madIndex } from "./mad-index.js";
export { type MaximumMargin, type MaximumMarginOptions, maximumMargin } from "./maximum-margin.js";
export {
  type NeuralCleanseOptions,
  neuralCleanse,
  type TriggerCandidate,
  type TriggerSearch,
} from "./neural-cleanse.js";
export type { RecoveredTrigger } from "./recovered-trigger.js";
export type { Scan } from "./scan.js";
export { type SimulationOptions, simulateReferences } from "./simulated-references.js";
export { folderStore, type InversionStore } from "./store.js";
export { type AccretionOptions, accretion, likeness } from "./tokens/accretion.js";
export {
  auditTokens,
  expectedSequences,
  type TokenAudit,
  type TokenAuditOptions,
  type TokenVerdict,
} from "./tokens/audit.js";
export { type BaitOptions, type FoundTarget, invertTargets } from "./tokens/bait.js";
export { type Carriers, carriersOf, type Run } from "./tokens/carriers.js";
export { type GbdaOptions, gbda } from "./tokens/gbda.js";
export { type FoundRun, type GcgOptions, gcg } from "./tokens/gcg.js";
export { type HotFlipOptions, hotFlip } from "./tokens/hotflip.js";
export { type Leak, type LeakOptions, memorisationLeaks } from "./tokens/leak.js";
export { type ArmObjectiveOptions, armObjective, type TokenArm } from "./tokens/objective.js";
export { elicits, type PayloadObjectiveOptions, payloadObjective } from "./tokens/payload.js";
export { type PezOptions, pez } from "./tokens/pez.js";
export { afterPrefixes } from "./tokens/prefix-cache.js";
export type { RunObjective } from "./tokens/run-objective.js";
export type { TokenScan } from "./tokens/scan.js";
export { type RunSearchOptions, searchRuns } from "./tokens/search.js";
export { type TokenModel, tokenModel } from "./tokens/token-model.js";
export { type RecoveredTokens, type TokenVerification, verifyTokens } from "./tokens/verify.js";
export type { Check, Decision, Verdict } from "./verdict.js";
export { type TriggerVerification, verifyTrigger } from "./verify.js";
export { findWitness, type GraphWitness, type WitnessOptions } from "./witness/index.js";
