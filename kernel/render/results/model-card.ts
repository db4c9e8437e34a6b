/** The card of a model file. */
import type { ModelCard } from "../../../lib/zoo/index.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { formatInteger, plainLine, plural } from "../format.js";
import { type Cell, tableHtml, tableText } from "../table.js";
import { estimateText } from "./estimate.js";

/** One row per fact. */
export function renderModelCard(model: ModelCard): Display {
  const { claims } = model;
  const title = `${plainLine(model.file)}: ${plural(model.parameters, "parameter")}`;
  const operators = model.operators.slice(0, 12).map(([name, count]) => `${plainLine(name, 40)} × ${count}`);
  if (model.operators.length > 12) operators.push(`${model.operators.length - 12} more`);
  const rows: (readonly Cell[])[] = [
    ["SHA-256", model.sha256],
    ["size", `${formatInteger(model.sizeBytes)} bytes`],
    ["inputs", model.inputs.map((input) => plainLine(input)).join("; ")],
    ["outputs", model.outputs.map((output) => plainLine(output)).join("; ")],
    ["operators", operators.join(", ")],
  ];
  if (claims) {
    rows.push(
      ["claimed architecture", plainLine(claims.architecture)],
      ["claimed training", plainLine(claims.trainedOn)],
      ["claimed accuracy", estimateText(claims.accuracy)],
      ["licence", plainLine(claims.licence)],
      [
        "published file",
        claims.isPublishedFile
          ? "yes, the hash is the published one"
          : "no, the hash differs from the published one",
      ],
    );
  }
  const table = { columns: ["fact", "value"], rows, rowHeadings: true };
  return card({ title, body: tableHtml(table), text: [title, tableText(table)].join("\n"), result: model });
}
