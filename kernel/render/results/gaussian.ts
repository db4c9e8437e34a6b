/** Gaussians fitted to clean activations, and what they flag. */
import type {
  ClassClustering,
  CovarianceSpectrum,
  Detection,
  Detector,
  Gaussian,
} from "../../../lib/anomaly/index.js";
import { detection as detectionFigure } from "../../../lib/plots/detectors.js";
import { covarianceSpectrum } from "../../../lib/plots/spectrum.js";
import type { Display } from "../../protocol/mime.js";
import { badgeText, card } from "../card.js";
import { formatInteger, formatNumber, plainLine } from "../format.js";
import { tableHtml, tableText } from "../table.js";
import { renderFigure } from "./figure.js";

/** Scores with their threshold, and the ROC curve. */
export const renderDetection = (detection: Detection): Promise<Display> =>
  renderFigure(detectionFigure(detection));

/** Eigenvalues beside the spectrum of noise. */
export const renderCovarianceSpectrum = (spectrum: CovarianceSpectrum): Promise<Display> =>
  renderFigure(covarianceSpectrum(spectrum));

/** Size, shrinkage and spread of a Gaussian. */
export function renderGaussian(gaussian: Gaussian): Display {
  const { n, d, method, shrinkage, logDeterminant, covariance, warnings } = gaussian;
  const deviations = Float64Array.from({ length: d }, (_, j) =>
    Math.sqrt(covariance.data[j * (d + 1)]!),
  ).sort();
  const title = `Gaussian of ${formatInteger(d)} features, fitted to ${formatInteger(n)} examples`;
  const table = {
    columns: ["", "value"],
    rows: [
      ["shrinkage", `${formatNumber(shrinkage)} (${plainLine(method)})`],
      ["log determinant", logDeterminant],
      ["smallest standard deviation", deviations[0]!],
      ["median standard deviation", deviations[Math.floor((d - 1) / 2)]!],
      ["largest standard deviation", deviations.at(-1)!],
    ],
    rowHeadings: true,
  };
  // The covariance itself would be megabytes: the card carries what identifies the fit.
  const { kind } = gaussian;
  const summary = { kind, n, d, method, shrinkage, logDeterminant, warnings };
  return card({
    title,
    body: tableHtml(table),
    text: `${title}\n${tableText(table)}`,
    result: summary,
    warnings,
  });
}

/** Method and size of a detector. */
export function renderDetector(detector: Pick<Detector, "kind" | "name" | "n" | "d" | "warnings">): Display {
  const { kind, name, n, d, warnings } = detector;
  const text = `Detector: ${plainLine(name)}, ${formatInteger(d)} features, fitted to ${formatInteger(n)} examples`;
  return card({ title: text, text, result: { kind, name, n, d, warnings } as { kind: string }, warnings });
}

/** One row per class, the suspicious ones named first. */
export function renderClassClustering(result: ClassClustering): Display {
  const { classes, warnings } = result;
  const suspicious = classes.filter(({ isSuspicious }) => isSuspicious).map(({ label }) => label);
  const title =
    suspicious.length === 0
      ? "No class falls into two groups that stand out"
      : `Two groups that stand out in ${suspicious.length === 1 ? "class" : "classes"} ${suspicious.join(", ")}`;
  const table = {
    caption: `Activation clustering of ${formatInteger(classes.length)} classes`,
    columns: ["class", "examples", "smaller group", "silhouette", "p of one cloud", ""],
    rows: classes.map(({ label, n, smallerShare, silhouette, pValue, isSuspicious }) => [
      String(label),
      n,
      smallerShare,
      silhouette,
      pValue,
      isSuspicious ? badgeText("suspicious", "doubtful") : "",
    ]),
    rowHeadings: true,
  };
  return card({
    title,
    body: tableHtml(table),
    text: `${title}\n${tableText(table)}`,
    result,
    warnings,
  });
}
