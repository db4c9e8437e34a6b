/** A number with its interval. */
import type { Estimate } from "../../../lib/stats/estimate.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatInteger, formatInterval, formatNumber, plainLine } from "../format.js";

/** `0.973 [0.94, 0.99] (95 % interval, n = 256, Wilson)`. Renderers of larger results use it too. */
export function estimateText({ value, interval, level, n, method }: Estimate): string {
  const percent = formatNumber(level * 100);
  return `${formatNumber(value)} ${formatInterval(interval)} (${percent} % interval, n = ${formatInteger(n)}, ${plainLine(method)})`;
}

/** An estimate on one line. */
export function renderEstimate(estimate: Estimate): Display {
  const text = estimateText(estimate);
  return card({ title: text, text, result: estimate });
}
