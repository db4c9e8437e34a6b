/** What a scan found in models' files: one table a file, the gravest finding first. */
import type { ModelScan } from "../../../lib/onnx/index.js";
import type { Display } from "../../protocol/mime.js";
import { card } from "../card.js";
import { plainLine, plural } from "../format.js";
import { html } from "../html.js";
import { type Table, tableHtml, tableText } from "../table.js";

const ROWS = 50;
const LIMITS = "No model was run. A backdoor in the weights cannot be seen here: not found is not clean.";

/** Findings as words; nothing found is said as such. */
export function renderModelScan(scan: ModelScan): Display {
  const files = scan.models.map(({ file, findings }) => {
    const rest = findings.length > ROWS ? `, the first ${ROWS} shown` : "";
    const count = findings.length === 0 ? "nothing found" : `${plural(findings.length, "finding")}${rest}`;
    const table: Table = {
      columns: ["severity", "rule", "node", "why"],
      rows: findings
        .slice(0, ROWS)
        .map(({ severity, rule, node, why }) => [
          severity,
          rule,
          node === null ? "the file" : plainLine(node, 80),
          plainLine(why, 300),
        ]),
    };
    return { heading: `${plainLine(file)}: ${count}`, table };
  });
  const flagged = scan.models.filter(({ findings }) =>
    findings.some(({ severity }) => severity === "flag"),
  ).length;
  const title = `Scan of ${plural(scan.models.length, "model")}: ${flagged} flagged`;
  return card({
    title,
    body: [
      ...files.map(
        ({ heading, table }) => html`<p>${heading}</p>${table.rows.length > 0 ? tableHtml(table) : ""}`,
      ),
      html`<p>${LIMITS}</p>`,
    ],
    text: [
      title,
      ...files.flatMap(({ heading, table }) => [
        heading,
        ...(table.rows.length > 0 ? [tableText(table)] : []),
      ]),
      LIMITS,
    ].join("\n"),
    result: scan,
  });
}
