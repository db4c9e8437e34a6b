/** The card of planted logic at work: one input with and without its trigger, and what each arm answers. */
import type { GraphWitness } from "../../../lib/extraction/index.js";
import { imageGrid } from "../../../lib/plots/image-grid.js";
import type { Estimate } from "../../../lib/stats/estimate.js";
import type { Tensor } from "../../../lib/tensor/index.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatInteger, formatPercent, formatRateInterval, plainLine, plural } from "../format.js";
import { type Html, html } from "../html.js";
import { pictureHtml } from "../picture.js";
import { type Table, tableHtml, tableText } from "../table.js";
import { drawImageGrid } from "./image-grid.js";

/** What wakes the logic, how often, and what happens when the logic is held still. */
export async function renderGraphWitness(witness: GraphWitness): Promise<Display> {
  const { finding, target, source, wakeRate, attackSuccessRate, withoutLogic, nearbyRate, forward } = witness;
  const title = `Logic in the graph at ${plainLine(finding.node ?? "an unnamed node")}: woken on ${formatPercent(wakeRate.value)} of ${formatInteger(wakeRate.n)} inputs`;
  const { body, text } = await renderedWitness(witness);
  return card({
    title,
    body,
    text: [title, ...text].join("\n"),
    result: {
      kind: witness.kind,
      ...{ finding, target, source, wakeRate, attackSuccessRate, withoutLogic, nearbyRate, forward },
    },
  });
}

/** The body of the card, for cards that embed it. */
export async function renderedWitness(
  witness: GraphWitness,
): Promise<{ readonly body: Html; readonly text: readonly string[] }> {
  const { finding, target, source, wakeRate, attackSuccessRate, withoutLogic, nearbyRate, forward } = witness;
  const from = source === null ? "" : ` for inputs of class ${source}`;
  const table: Table = {
    caption: "With the trigger on clean inputs",
    columns: ["what happens", "share", "interval"],
    rowHeadings: true,
    rows: [
      row("the logic wakes", wakeRate),
      row(
        (target === null ? "the answer changes" : `the answer becomes ${target}`) + from,
        attackSuccessRate,
      ),
      row("the same with the logic held still", withoutLogic),
      row("the logic wakes a little beside the trigger", nearbyRate),
    ],
  };
  const trigger = triggerWords(witness);
  const why = plainLine(`${finding.rule}: ${finding.why}.`);
  const footer = `Found with ${plural(forward, "run")} of the model.`;
  const shown = await pictures(witness);
  return {
    body: html`<p>${why} ${trigger}</p>${shown}${tableHtml(table)}<p>${footer}</p>`,
    text: [why, trigger, tableText(table), footer],
  };
}

const row = (words: string, rate: Estimate) => [words, formatPercent(rate.value), formatRateInterval(rate)];

/** Words that a trigger is made of at most, as far as they are listed. */
const LISTED = 24;

function triggerWords({ mask, pattern, clean }: GraphWitness): string {
  const places = Array.from(mask.data.keys()).filter((place) => mask.data[place] !== 0);
  if (!isPicture(clean)) {
    const values = places
      .slice(0, LISTED)
      .map((place) => `${Number(pattern.data[place])} at ${place}`)
      .join(", ");
    return `The trigger: ${values}${places.length > LISTED ? `, and ${places.length - LISTED} more` : ""}.`;
  }
  return `The trigger replaces ${plural(places.length, "value")} of ${formatInteger(mask.data.length)}.`;
}

const isPicture = ({ type, dims }: Tensor): boolean =>
  type === "float32" && dims.length === 4 && (dims[1] === 1 || dims[1] === 3) && dims[2]! > 1;

async function pictures({ clean, triggered, mask }: GraphWitness): Promise<Html[]> {
  if (!isPicture(clean)) return [];
  const one = ({ data, dims }: Tensor) => ({
    tensor: { type: "float32" as const, dims: dims.slice(-3), data: data as Float32Array },
  });
  const values = clean.data as Float32Array;
  const [low, high] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [0, 1]);
  const grid = imageGrid(
    [
      { ...one(clean), caption: "clean" },
      { ...one(triggered), caption: "with the trigger" },
      { ...one(mask), caption: "where" },
    ],
    { range: [low!, high!] },
  );
  return [
    pictureHtml(await drawImageGrid(grid), "A clean input, the same with the trigger, and what was replaced"),
  ];
}
