/** Probes: what they weigh, and what they achieve on held-out examples. */
import { probe as probeFigure } from "../../../lib/plots/detectors.js";
import { fewShotCurve, layerSweep } from "../../../lib/plots/probing.js";
import type { FewShotCurve, LayerSweep, LinearProbe, ProbeEvaluation } from "../../../lib/probes/index.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatInteger, formatNumber, plainLine } from "../format.js";
import { tableHtml, tableText } from "../table.js";
import { renderFigure } from "./figure.js";

/** Features listed in a probe's card. */
const listed = 8;

/** Held-out logits and ROC curve. */
export const renderProbeEvaluation = (evaluation: ProbeEvaluation): Promise<Display> =>
  renderFigure(probeFigure(evaluation));

/** The probe's heaviest features. */
export function renderProbe(probe: LinearProbe): Display {
  const { weights, intercept, classes, counts, method, warnings } = probe;
  const { data } = weights;
  const norm = Math.sqrt(data.reduce((sum, weight) => sum + weight * weight, 0));
  const order = Array.from(data.keys())
    .sort((a, b) => Math.abs(data[b]!) - Math.abs(data[a]!))
    .slice(0, listed);
  const table = {
    caption: `Heaviest of ${formatInteger(data.length)} features`,
    columns: ["feature", "weight", "share of |w|²"],
    rows: order.map((j) => [String(j), data[j]!, norm === 0 ? 0 : (data[j]! / norm) ** 2]),
    rowHeadings: true,
  };
  const title = `Probe (${plainLine(method)}) that tells ${classes[1]} from ${classes[0]}`;
  const line = `fitted to ${formatInteger(counts[1])} and ${formatInteger(counts[0])} examples, |w| ${formatNumber(norm)}, intercept ${formatNumber(intercept)}`;
  return card({
    title: `${title}: ${line}`,
    body: tableHtml(table),
    text: `${title}: ${line}\n${tableText(table)}`,
    result: probe,
    warnings,
  });
}

/** AUROC by layer. */
export const renderLayerSweep = (result: LayerSweep): Promise<Display> => renderFigure(layerSweep(result));

/** AUROC by number of labelled examples. */
export const renderFewShotCurve = (result: FewShotCurve): Promise<Display> =>
  renderFigure(fewShotCurve(result));
