export { type Architecture, architecture, cnn, mlp, resnet } from "./architectures.js";
export {
  crossEntropy,
  crossEntropyNodes,
  type LabelledData,
  predictClasses,
  type TrainedClassifier,
  trainableParameters,
  trainClassifier,
} from "./classifier.js";
export { type Layers, layers } from "./layers.js";
export {
  type Checkpoint,
  minimise,
  type Training,
  type TrainingOptions,
  type TrainingProgress,
  withParameters,
} from "./minimise.js";
export { adam, adamW, type Optimizer, sgd, type Update } from "./optimizer.js";
export { constant, cosine, linear, type Schedule, stepped } from "./schedule.js";
export type { Objective } from "./step-graph.js";
export {
  attentionOnly,
  type TransformerOptions,
  transformerClassifier,
  transformerDecoder,
} from "./transformer.js";
