/** Scores of a model's classes against clean models. */
import type { Calibration } from "../../../lib/extraction/index.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatNumber, plainLine, plural } from "../format.js";
import { tableHtml, tableText } from "../table.js";

/** One row per class. */
export function renderCalibration(calibration: Calibration): Display {
  const { scores, target, statistic, pValue, references, method } = calibration;
  const title = `Class ${target} is the most unusual: score ${formatNumber(statistic, 3)}, p = ${formatNumber(pValue, 2)}`;
  const table = {
    caption: `Against ${plural(references, "reference model")} (${plainLine(method)})`,
    columns: ["class", "score"],
    rows: Array.from(scores, (score, k) => [String(k), Number(score.toPrecision(3))]),
    rowHeadings: true,
  };
  return card({
    title,
    body: tableHtml(table),
    text: [title, tableText(table)].join("\n"),
    result: { ...calibration, scores: Array.from(scores) } as { kind: string },
  });
}
