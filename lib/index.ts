/** Assay's public library: one namespace per folder. */
export * as anomaly from "./anomaly/index.js";
export * as attacks from "./attacks/index.js";
export * as data from "./data/index.js";
export { AssayError, type ErrorCode } from "./errors.js";
export * as extraction from "./extraction/index.js";
export * as model from "./model/index.js";
export { loadModel } from "./model/index.js";
export * as onnx from "./onnx/index.js";
export * as plots from "./plots/index.js";
export * as probes from "./probes/index.js";
export * as random from "./random/index.js";
export type { Result, ResultKind } from "./results.js";
export * as spec from "./spec/index.js";
export * as stats from "./stats/index.js";
export type { Tensor, TensorType } from "./tensor/index.js";
export * as tensor from "./tensor/index.js";
export * as trigger from "./trigger/index.js";
export * as zoo from "./zoo/index.js";
