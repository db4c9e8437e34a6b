/** A loaded model: what goes in, what comes out, and where one can look in between. */
import type { LoadedModel } from "../../../lib/model/index.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { plainLine, plural } from "../format.js";
import { type Cell, tableHtml, tableText } from "../table.js";

/** A model may have thousands of taps; `model.taps` has them all. */
const SHOWN_TAPS = 24;

/** One row per input and output, and the first taps. */
export function renderModel(
  model: Pick<LoadedModel, "kind" | "name" | "inputs" | "outputs" | "taps">,
): Display {
  const { kind, name, inputs, outputs, taps } = model;
  const title = `${plainLine(name)}: ${plural(inputs.length, "input")}, ${plural(outputs.length, "output")}, ${plural(taps.length, "tap")}`;
  const row =
    (role: string) =>
    ({ name, type, dims }: LoadedModel["taps"][number]): readonly Cell[] => [
      role,
      plainLine(name),
      `${type ?? "not a tensor"} [${dims.map((dim) => plainLine(String(dim === "" ? "?" : dim))).join(", ")}]`,
    ];
  const rows = [
    ...inputs.map(row("input")),
    ...outputs.map(row("output")),
    ...taps.slice(0, SHOWN_TAPS).map(row("tap")),
  ];
  const rest = taps.length - SHOWN_TAPS;
  const table = { columns: ["role", "name", "type and dims"], rows, rowHeadings: true };
  return card({
    title,
    body: tableHtml(table),
    text: [title, tableText(table)].join("\n"),
    result: { kind, name, inputs, outputs, taps } as { kind: string },
    warnings: rest > 0 ? [`${plural(rest, "more tap")} not shown: see model.taps.`] : [],
  });
}
