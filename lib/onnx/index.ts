export type { AttributeValue } from "./attributes.js";
export {
  attribute,
  floatAttribute,
  intAttribute,
  intsAttribute,
  subgraphs,
  textAttribute,
} from "./attributes.js";
export { batchInnermost } from "./batch-innermost.js";
export { type DecidedModel, foldBranches, followBranches, hasBranches } from "./branches.js";
export { type Attributes, type GraphBuilder, graphBuilder, makeNode, OPSET, valueInfo } from "./builder.js";
export { checkModel } from "./check.js";
export { type Coverage, type OperatorCoverage, operatorCoverage, type Passage } from "./coverage.js";
export { decodeFile, decodeModel } from "./decode.js";
export { decomposableOperators, decomposeModel, isDecomposable } from "./decompose/index.js";
export { type EmbeddingLookup, embeddingLookups, lastFeatures } from "./embeddings.js";
export { encodeModel, writeModel } from "./encode.js";
export { floatArithmetic } from "./float-arithmetic.js";
export { floatInput } from "./float-input.js";
export { freeBatch } from "./free-batch.js";
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
export { inlineFunctions } from "./inline.js";
export { type Finding, type FoundLogic, lintModel, plantedLogic, type Severity } from "./lint/index.js";
export { type ModelScan, type ScannedFile, scanFile, scanFiles } from "./lint/scan.js";
export { modelSession, openModel } from "./open.js";
export { plainOperators } from "./plain-operators.js";
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
export { bytesOf } from "./source.js";
export { dimsKey, type SizedModel, type SpecialisedModel, sizedFor, specialise } from "./specialise.js";
export { tensorOutputs } from "./tensor-outputs.js";
export { readTensor, tensorMessage } from "./tensors.js";
export { isDecoder, type PrefixedModel, prefixedModel, tokenInput } from "./token-input.js";
export { type UnmergedModel, unmergeWeights } from "./unmerge.js";
export { upgradeModel } from "./upgrade.js";
