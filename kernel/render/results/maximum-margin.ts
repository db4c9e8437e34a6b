/** The maximum margin of each class of a model, beside clean models. */
import type { MaximumMargin } from "../../../lib/extraction/index.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatInteger, formatNumber, plainLine, plural } from "../format.js";
import { html } from "../html.js";
import { tableHtml, tableText } from "../table.js";

/** One row per class. */
export function renderMaximumMargin(found: MaximumMargin): Display {
  const { model, references, margins, referenceMargins, target, pValue, calibration, passes, settings } =
    found;
  const against =
    calibration === null
      ? "among the model's own classes"
      : `against ${plural(references.length, "clean reference")}`;
  const title = `Maximum margins of ${plainLine(model)}: class ${target} is the most unusual, p = ${formatNumber(pValue, 2)} ${against}`;
  const footer = `Cost: ${formatInteger(passes)} inputs forward and backward; ${settings.starts} starts, ${settings.steps} steps, seed ${settings.seed}.`;
  const table = {
    caption: "Largest margin over the other classes, in units of logits",
    columns: [
      "class",
      "this model",
      ...references.map((_, i) => `clean ${i + 1}`),
      ...(calibration === null ? [] : ["score"]),
    ],
    rowHeadings: true,
    rows: Array.from(margins, (margin, k) => [
      String(k),
      rounded(margin),
      ...referenceMargins.map((other) => rounded(other[k]!)),
      ...(calibration === null ? [] : [rounded(calibration.scores[k]!)]),
    ]),
  };
  return card({
    title,
    body: [tableHtml(table), html`<p>${footer}</p>`],
    text: [title, tableText(table), footer].join("\n"),
    result: {
      ...found,
      margins: Array.from(margins),
      referenceMargins: referenceMargins.map((other) => Array.from(other)),
      calibration: calibration && { ...calibration, scores: Array.from(calibration.scores) },
    } as { kind: string },
    warnings: found.warnings,
  });
}

const rounded = (value: number): number => Number(value.toPrecision(3));
