/** Assay's public library: one namespace per folder. */
export { AssayError, type ErrorCode } from "./errors.js";
export * as random from "./random/index.js";
export type { Result, ResultKind } from "./results.js";
export * as tensor from "./tensor/index.js";
