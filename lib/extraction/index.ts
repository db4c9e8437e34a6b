/** Trigger extraction: search, calibration against clean models, verification. */
export { audit } from "./audit.js";
export type { AuditOptions, Budget } from "./audit-options.js";
export { type Calibration, calibrate } from "./calibration.js";
export type { CleanData } from "./clean-data.js";
export type { Control } from "./controls.js";
export type { Audit } from "./images/audit.js";
export { expectedPasses, simulatedReferences } from "./images/budget.js";
export { type ChangeSearchOptions, type ImageChange, searchChange } from "./images/changes/change-search.js";
export {
  type MaximumMargin,
  type MaximumMarginOptions,
  maximumMargin,
} from "./images/margins/maximum-margin.js";
export { fastSearch } from "./images/masks/invert.js";
export { type ArmSearch, type FollowedArm, type KArmOptions, kArm } from "./images/masks/k-arm.js";
export { madFalseAlarmRate, madIndex } from "./images/masks/mad-index.js";
export {
  type NeuralCleanseOptions,
  neuralCleanse,
  type TriggerCandidate,
  type TriggerSearch,
} from "./images/masks/neural-cleanse.js";
export type { RecoveredTrigger } from "./images/recovered-trigger.js";
export type { Scan } from "./images/scan.js";
export { type SimulationOptions, simulateReferences } from "./images/simulated-references.js";
export { type TriggerVerification, verifyTrigger } from "./images/verify.js";
export { folderStore, type InversionStore } from "./store.js";
export {
  auditTokens,
  expectedSequences,
  type TokenAudit,
  type TokenAuditOptions,
  type TokenVerdict,
} from "./tokens/audit.js";
export { type Carriers, carriersOf, type Run } from "./tokens/carriers.js";
export { type BaitOptions, type FoundTarget, invertTargets } from "./tokens/language/bait.js";
export { type Leak, type LeakOptions, memorisationLeaks } from "./tokens/language/leak.js";
export { elicits, type PayloadObjectiveOptions, payloadObjective } from "./tokens/language/payload.js";
export { type AccretionOptions, accretion, likeness } from "./tokens/methods/accretion.js";
export { type GbdaOptions, gbda } from "./tokens/methods/gbda.js";
export { type FoundRun, type GcgOptions, gcg } from "./tokens/methods/gcg.js";
export { type HotFlipOptions, hotFlip } from "./tokens/methods/hotflip.js";
export { type PezOptions, pez } from "./tokens/methods/pez.js";
export { type RunSearchOptions, searchRuns } from "./tokens/methods/search.js";
export { afterPrefixes } from "./tokens/model/prefix-cache.js";
export { type TokenModel, tokenModel } from "./tokens/model/token-model.js";
export { type ArmObjectiveOptions, armObjective, type TokenArm } from "./tokens/objective.js";
export type { RunObjective } from "./tokens/run-objective.js";
export type { TokenScan } from "./tokens/scan.js";
export { type RecoveredTokens, type TokenVerification, verifyTokens } from "./tokens/verify.js";
export type { Check, Decision, Verdict } from "./verdict.js";
export { findWitness, type GraphWitness, type WitnessOptions } from "./witness/index.js";
