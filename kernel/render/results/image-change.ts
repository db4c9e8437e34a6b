/** A change of whole images that leads to a class: what it does, and how large it is. */
import type { ImageChange } from "../../../lib/extraction/index.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatInteger, formatNumber, formatPercent, formatRate, plainLine } from "../format.js";
import { html } from "../html.js";
import { tableHtml, tableText } from "../table.js";

/** One row per model. */
export function renderImageChange(change: ImageChange): Display {
  const { model, target, displacement, toning, tones, successRate, referenceSuccessRates, passes, seed } =
    change;
  const title = `A change of whole images that leads ${plainLine(model)} to class ${target}`;
  const sentence = `Pixels are displaced by ${formatNumber(displacement, 2)} on the average; the lowest value, the highest and three between them become ${tones.map((tone) => formatNumber(tone, 2)).join(", ")} (tones changed by ${formatPercent(toning, 2)}).`;
  const table = {
    caption: "Images that were not searched on, led to the class",
    columns: ["model", "success"],
    rowHeadings: true,
    rows: [successRate, ...referenceSuccessRates].map((rate, i) => [
      i === 0 ? "this model" : `clean ${i}`,
      formatRate(rate),
    ]),
  };
  const footer = `Cost: ${formatInteger(passes.forward)} images forward, ${formatInteger(passes.backward)} back; seed ${seed}.`;
  return card({
    title,
    body: [html`<p>${sentence}</p>`, tableHtml(table), html`<p>${footer}</p>`],
    text: [title, sentence, tableText(table), footer].join("\n"),
    result: { ...change, field: { type: change.field.type, dims: change.field.dims } } as { kind: string },
  });
}
