/** ROC curves and comparisons of two of them. */
import { roc } from "../../../lib/plots/roc.js";
import type { AurocComparison, RocCurve } from "../../../lib/stats/roc.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatNumber } from "../format.js";
import { tableHtml, tableText } from "../table.js";
import { estimateText } from "./estimate.js";
import { renderFigure } from "./figure.js";

/** The curve with its band and the line of chance. */
export const renderRocCurve = (curve: RocCurve): Promise<Display> => renderFigure(roc(curve));

/** Two scores of the same examples side by side. */
export function renderAurocComparison(comparison: AurocComparison): Display {
  const { first, second, difference, pValue } = comparison;
  const table = {
    columns: ["", "estimate"],
    rows: [
      ["first AUROC", estimateText(first)],
      ["second AUROC", estimateText(second)],
      ["difference", estimateText(difference)],
      ["p-value of no difference", formatNumber(pValue)],
    ],
    rowHeadings: true,
  };
  const title = `AUROC differs by ${formatNumber(difference.value)}, p = ${formatNumber(pValue)}`;
  return card({ title, body: tableHtml(table), text: `${title}\n${tableText(table)}`, result: comparison });
}
