/** The arms of a search over many targets or pairs: those with the smallest masks. */
import type { ArmSearch } from "../../../lib/extraction/index.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatInteger, formatPercent, plainLine, plural } from "../format.js";
import { html } from "../html.js";
import { tableHtml, tableText } from "../table.js";

/** Arms that are shown. */
const SHOWN = 20;

/** One row per arm, the smallest mask first. */
export function renderArmSearch(found: ArmSearch): Display {
  const { model, arms, possible, passes, settings } = found;
  const title = `K-Arm search in ${plainLine(model)}: ${plural(arms.length, "arm")} of ${formatInteger(possible)}, the smallest masks first`;
  const hidden = arms.length - Math.min(arms.length, SHOWN);
  const footer = `Cost: ${formatInteger(passes.forward)} images forward and backward; ${formatInteger(settings.armRounds)} rounds of ${settings.round} steps, epsilon ${settings.epsilon}, seed ${settings.seed}.${hidden > 0 ? ` ${formatInteger(hidden)} more are not shown.` : ""}`;
  const table = {
    caption: "Mask of each arm, in pixels (L1 norm)",
    columns: ["target", "from", "pixels", "works", "rounds"],
    rowHeadings: true,
    rows: arms
      .slice(0, SHOWN)
      .map(({ target, victim, maskL1Norm, success, isWorking, rounds }) => [
        String(target),
        victim === null ? "every class" : String(victim),
        Number(maskL1Norm.toPrecision(3)),
        isWorking ? formatPercent(success) : `no (${formatPercent(success)})`,
        rounds,
      ]),
  };
  return card({
    title,
    body: [tableHtml(table), html`<p>${footer}</p>`],
    text: [title, tableText(table), footer].join("\n"),
    result: found,
    warnings: found.warnings,
  });
}
