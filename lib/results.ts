/** The union of everything Assay can display. A new kind added here makes the compiler ask for its renderer. */
import type { ClassClustering, CovarianceSpectrum, Detection, Detector, Gaussian } from "./anomaly/index.js";
import type {
  ArmSearch,
  Audit,
  Calibration,
  GraphWitness,
  ImageChange,
  MaximumMargin,
  TokenAudit,
  TokenVerification,
  TriggerSearch,
  TriggerVerification,
} from "./extraction/index.js";
import type { LoadedModel } from "./model/index.js";
import type { ModelScan } from "./onnx/index.js";
import type { Figure } from "./plots/figure.js";
import type { ImageGrid } from "./plots/image-grid.js";
import type { TokenHeat } from "./plots/token-heat.js";
import type { FewShotCurve, LayerSweep, LinearProbe, ProbeEvaluation } from "./probes/index.js";
import type { SpecificationReport } from "./spec/index.js";
import type { Estimate } from "./stats/estimate.js";
import type {
  ConfusionMatrix,
  DetCurve,
  GoodnessOfFit,
  MonteCarloNull,
  PermutationTest,
  PrecisionRecallCurve,
  Reliability,
} from "./stats/index.js";
import type { AurocComparison, RocCurve } from "./stats/roc.js";
import type { ModelCard } from "./zoo/index.js";

/** Every result that has a `kind`. */
export type Result =
  | Estimate
  | Figure
  | ImageGrid
  | TokenHeat
  | RocCurve
  | AurocComparison
  | LinearProbe
  | ProbeEvaluation
  | LayerSweep
  | FewShotCurve
  | Gaussian
  | Detection
  | Pick<Detector, "kind" | "name" | "n" | "d" | "warnings">
  | CovarianceSpectrum
  | ClassClustering
  | Reliability
  | DetCurve
  | ConfusionMatrix
  | MonteCarloNull
  | PrecisionRecallCurve
  | PermutationTest
  | GoodnessOfFit
  | SpecificationReport
  | Calibration
  | Audit
  | TokenAudit
  | TokenVerification
  | TriggerSearch
  | MaximumMargin
  | ArmSearch
  | ImageChange
  | TriggerVerification
  | GraphWitness
  | ModelCard
  | ModelScan
  | Pick<LoadedModel, "kind" | "name" | "inputs" | "outputs" | "taps">;

/** The name of a kind of result. */
export type ResultKind = Result["kind"];
