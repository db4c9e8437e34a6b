/** Results of statistical tests, forecasts and precision-recall curves. */
import { precisionRecall, reliability } from "../../../lib/plots/calibration.js";
import { confusion } from "../../../lib/plots/confusion.js";
import { det } from "../../../lib/plots/det.js";
import { nullDistribution } from "../../../lib/plots/null.js";
import type {
  ConfusionMatrix,
  DetCurve,
  GoodnessOfFit,
  MonteCarloNull,
  PermutationTest,
  PrecisionRecallCurve,
  Reliability,
} from "../../../lib/stats/index.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatInteger, formatNumber } from "../format.js";
import { renderFigure } from "./figure.js";

/** Statistic and p-value on one line. */
export function renderPermutationTest(test: PermutationTest): Display {
  const text = `Permutation test: p = ${formatNumber(test.pValue)}, statistic ${formatNumber(test.statistic)} (n = ${formatInteger(test.n)}, ${formatInteger(test.permutations)} shuffles, seed ${test.seed})`;
  return card({ title: text, text, result: test });
}

/** Statistic and p-value on one line. */
export function renderGoodnessOfFit(fit: GoodnessOfFit): Display {
  const text = `${fit.test}: p = ${formatNumber(fit.pValue)}, statistic ${formatNumber(fit.statistic)} (n = ${formatInteger(fit.n)})`;
  return card({ title: text, text, result: fit });
}

/** The reliability diagram. */
export const renderReliability = (result: Reliability): Promise<Display> => renderFigure(reliability(result));

/** The precision-recall curve. */
export const renderPrecisionRecall = (curve: PrecisionRecallCurve): Promise<Display> =>
  renderFigure(precisionRecall(curve));

/** Misses against false alarms. */
export const renderDetCurve = (curve: DetCurve): Promise<Display> => renderFigure(det(curve));

/** Answers against labels. */
export const renderConfusionMatrix = (matrix: ConfusionMatrix): Promise<Display> =>
  renderFigure(confusion(matrix));

/** The simulated distribution with its 95 % quantile. */
export const renderMonteCarloNull = (null_: MonteCarloNull): Promise<Display> =>
  renderFigure(nullDistribution(null_));
