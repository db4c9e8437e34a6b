export type { AttributeValue } from "./attributes.js";
export {
  attribute,
  floatAttribute,
  intAttribute,
  intsAttribute,
  subgraphs,
  textAttribute,
} from "./attributes.js";
export { type Attributes, type GraphBuilder, graphBuilder, makeNode, OPSET, valueInfo } from "./builder.js";
export { type Coverage, type OperatorCoverage, operatorCoverage, type Passage } from "./coverage.js";
export { decomposableOperators, decomposeModel, isDecomposable } from "./decompose/index.js";
export { checkModel } from "./file/check.js";
export { decodeFile, decodeModel } from "./file/decode.js";
export { encodeModel, writeModel } from "./file/encode.js";
export { modelSession, openModel } from "./file/open.js";
export { bytesOf } from "./file/source.js";
export {
  differentiableOperators,
  type GradientGraph,
  type GradientOptions,
  type GradientRule,
  gradientGraph,
  isDifferentiable,
  type RuleContext,
  registerGradient,
} from "./gradient/index.js";
export { type TangentGraph, type TangentOptions, tangentGraph } from "./gradient/tangent.js";
export {
  declared,
  fedInputs,
  initializersOf,
  isStandard,
  nearestNames,
  nodeLabel,
  opsetOf,
  producersOf,
  prune,
  readsOf,
  sortNodes,
  untyped,
  visitNodes,
} from "./graph.js";
export { type Finding, type FoundLogic, lintModel, plantedLogic, type Severity } from "./lint/index.js";
export { type ModelScan, type ScannedFile, scanFile, scanFiles } from "./lint/scan.js";
export { batchInnermost } from "./rewrite/batch-innermost.js";
export { type DecidedModel, foldBranches, followBranches, hasBranches } from "./rewrite/branches.js";
export { floatArithmetic } from "./rewrite/float-arithmetic.js";
export { floatInput } from "./rewrite/float-input.js";
export { freeBatch } from "./rewrite/free-batch.js";
export { inlineFunctions } from "./rewrite/inline.js";
export { plainOperators } from "./rewrite/plain-operators.js";
export {
  dimsKey,
  type SizedModel,
  type SpecialisedModel,
  sizedFor,
  specialise,
} from "./rewrite/specialise.js";
export { tensorOutputs } from "./rewrite/tensor-outputs.js";
export { type UnmergedModel, unmergeWeights } from "./rewrite/unmerge.js";
export { upgradeModel } from "./rewrite/upgrade.js";
export type {
  Attribute,
  Bytes,
  FileSpan,
  FunctionDefinition,
  Graph,
  Integer,
  KeyValue,
  Model,
  Node,
  OperatorSet,
  TensorMessage,
  ValueInfo,
} from "./schema.js";
export { type InnerValue, inferShapes } from "./shapes.js";
export { readTensor, tensorMessage } from "./tensors.js";
export { type EmbeddingLookup, embeddingLookups, lastFeatures } from "./tokens/embeddings.js";
export { isDecoder, type PrefixedModel, prefixedModel, tokenInput } from "./tokens/token-input.js";
