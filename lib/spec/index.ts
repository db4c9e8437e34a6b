export { type CheckData, type CheckOptions, check } from "./check.js";
export { domainOf, enumerate } from "./domain.js";
export { type Observation, observe } from "./observe.js";
export { parseSpecification, readSpecification } from "./parse.js";
export type { ClauseReport, ClauseVerdict, Counterexample, SpecificationReport } from "./report.js";
export { specificationSchema } from "./schema.js";
export * from "./specification.js";
export type { CandidateTrigger } from "./triggers.js";
