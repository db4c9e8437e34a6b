/**
 * One renderer per kind of result. To add one: put the kind into the union of `lib/results.ts`, write
 * `results/<kind>.ts` beside this file, add it to the table. The compiler complains until all three are done.
 */
import type { Result, ResultKind } from "../../../lib/results.js";
import type { Display } from "../../protocol/mime.js";
import { renderArmSearch } from "./arm-search.js";
import { renderAudit } from "./audit.js";
import { renderCalibration } from "./calibration.js";
import { renderEstimate } from "./estimate.js";
import { renderFigure } from "./figure.js";
import {
  renderClassClustering,
  renderCovarianceSpectrum,
  renderDetection,
  renderDetector,
  renderGaussian,
} from "./gaussian.js";
import { renderGraphWitness } from "./graph-witness.js";
import { renderImageChange } from "./image-change.js";
import { renderImageGrid } from "./image-grid.js";
import { renderMaximumMargin } from "./maximum-margin.js";
import { renderModel } from "./model.js";
import { renderModelCard } from "./model-card.js";
import { renderFewShotCurve, renderLayerSweep, renderProbe, renderProbeEvaluation } from "./probe.js";
import { renderAurocComparison, renderRocCurve } from "./roc.js";
import { renderModelScan } from "./scan.js";
import { renderSpecificationReport } from "./specification.js";
import {
  renderConfusionMatrix,
  renderDetCurve,
  renderGoodnessOfFit,
  renderMonteCarloNull,
  renderPermutationTest,
  renderPrecisionRecall,
  renderReliability,
} from "./tests.js";
import { renderTokenAudit } from "./token-audit.js";
import { renderTokenHeat } from "./token-heat.js";
import { renderTokenVerification } from "./token-verification.js";
import { renderTriggerSearch } from "./trigger-search.js";
import { renderTriggerVerification } from "./trigger-verification.js";

/** Draws one kind of result. May throw: the value is then shown as a plain object. */
export type Renderer<R> = (result: R) => Display | Promise<Display>;

/** The table: a kind of the union without a renderer does not compile. */
export const renderers: { readonly [K in ResultKind]: Renderer<Extract<Result, { kind: K }>> } = {
  estimate: renderEstimate,
  figure: renderFigure,
  "image-grid": renderImageGrid,
  "token-heat": renderTokenHeat,
  "roc-curve": renderRocCurve,
  "auroc-comparison": renderAurocComparison,
  probe: renderProbe,
  "probe-evaluation": renderProbeEvaluation,
  "layer-sweep": renderLayerSweep,
  "few-shot-curve": renderFewShotCurve,
  gaussian: renderGaussian,
  detection: renderDetection,
  detector: renderDetector,
  "class-clustering": renderClassClustering,
  "covariance-spectrum": renderCovarianceSpectrum,
  "det-curve": renderDetCurve,
  "confusion-matrix": renderConfusionMatrix,
  "monte-carlo-null": renderMonteCarloNull,
  reliability: renderReliability,
  "precision-recall-curve": renderPrecisionRecall,
  "permutation-test": renderPermutationTest,
  "goodness-of-fit": renderGoodnessOfFit,
  "specification-report": renderSpecificationReport,
  audit: renderAudit,
  "token-audit": renderTokenAudit,
  "token-verification": renderTokenVerification,
  calibration: renderCalibration,
  "trigger-search": renderTriggerSearch,
  "maximum-margin": renderMaximumMargin,
  "arm-search": renderArmSearch,
  "image-change": renderImageChange,
  "trigger-verification": renderTriggerVerification,
  "graph-witness": renderGraphWitness,
  model: renderModel,
  "model-card": renderModelCard,
  scan: renderModelScan,
};

/** Whether a value says of itself that it is one of our results. */
export const isResult = (value: unknown): value is Result =>
  typeof value === "object" &&
  value !== null &&
  "kind" in value &&
  typeof value.kind === "string" &&
  Object.hasOwn(renderers, value.kind);

/** Draws a result with the renderer of its kind. */
export async function renderResult(result: Result): Promise<Display> {
  const draw = renderers[result.kind] as Renderer<Result>;
  return draw(result);
}
