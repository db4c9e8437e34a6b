/** The HTML report of an audit, for a reader who was not there: on the page that notebooks are exported to. */
import type { Audit } from "../../lib/extraction/index.js";
import { auditScan, triggerPictures } from "../../lib/plots/index.js";
import type { Cell } from "../notebook/types.js";
import type { Display } from "../protocol/mime.js";
import { badge, card } from "./card.js";
import { formatInteger, formatNumber, formatRate } from "./format.js";
import { html } from "./html.js";
import { cell, type Provenance, type Report, shown, tableDisplay, text, writeReport } from "./report-page.js";
import { auditSentences, checksTable, costSentence, scanTable, tones } from "./results/audit.js";
import { type Table, tableHtml } from "./table.js";

/** Writes one self-contained page that a stranger can read. */
export async function writeAuditReport(audit: Audit, provenance: Provenance, output: string): Promise<void> {
  const { references, range } = audit;
  const report: Report = {
    accusations,
    verdict: cell("verdict", verdictCard(audit)),
    evidence: [
      ...(await trigger(audit)),
      ...(await besideClean(audit, provenance.model.file)),
      ...(await controls(audit)),
      text("checks", "## All checks"),
      cell(
        "checks-table",
        tableDisplay({ ...checksTable(audit), caption: "What was asked, and what came of it" }),
      ),
    ],
    limits: [
      ...(references.length > 0 ? [TAKEN_CLEAN] : []),
      "A recovered trigger is one that works. The one that was planted may look different.",
    ],
    cost: costSentence(audit),
    examples: "examples",
    settings: [["input range", `${range[0]} to ${range[1]}`]],
  };
  await writeReport(audit, report, provenance, output);
}

async function trigger({ verdict, examples, range }: Audit): Promise<Cell[]> {
  if (!verdict.trigger) return [];
  return [
    text(
      "trigger",
      `## The recovered trigger\n\nWhat was found, and images before and after it is put on them. It is what works, which need not be what was planted: compare it with what the model should never react to.`,
    ),
    await shown("pictures", triggerPictures(verdict.trigger, examples, range)),
  ];
}

async function besideClean({ scans }: Audit, name: string): Promise<Cell[]> {
  if (scans.length === 0) return [];
  const cells = [
    text(
      "scans",
      "## Beside clean models\n\nFor every class, the smallest change of the input that leads other images there, in pixels. A planted trigger makes one class far easier to reach than it is in clean models of the same task; a class that is easy in all of them is no evidence.",
    ),
  ];
  for (const [i, scan] of scans.entries()) {
    cells.push(await shown(`scan-figure-${i}`, auditScan(scan, name)));
    cells.push(cell(`scan-table-${i}`, tableDisplay(scanTable(scan))));
  }
  return cells;
}

async function controls({ verification }: Audit): Promise<Cell[]> {
  if (!verification) return [];
  return [
    text(
      "controls",
      "## Controls\n\nA patch that works is not yet a trigger: these are the controls it went through.",
    ),
    await shown("verification", verification),
  ];
}

function verdictCard(audit: Audit): Display {
  const { decision } = audit.verdict;
  const sentences = auditSentences(audit);
  return card({
    title: "Verdict",
    body: [
      html`<p style="font-size:1.4em">${badge(decision, tones[decision])}</p>`,
      ...sentences.map((sentence) => html`<p>${sentence}</p>`),
      tableHtml(factsTable(audit)),
    ],
    text: [decision, ...sentences].join("\n"),
    result: { kind: "audit-verdict" },
  });
}

function factsTable({ verdict, references, witness }: Audit): Table {
  const { target, source, pValue, score, trigger } = verdict;
  const success = witness?.attackSuccessRate ?? trigger?.attackSuccessRate;
  const rows: [string, string][] = [
    ["decision", verdict.decision],
    ["target class", target === null ? "none" : String(target)],
    ["from", source === null ? (target === null ? "–" : "every class") : `class ${source}`],
    ["kind of trigger", witness ? "logic in the graph" : (trigger?.shape ?? "none recovered")],
    [
      "success on inputs that the trigger was not made from",
      success ? `${formatRate(success)} (95 % interval, n = ${formatInteger(success.n)})` : "–",
    ],
    ["p-value of the whole audit", pValue === null ? "none" : formatNumber(pValue, 2)],
    ["score (above 1: unusual)", formatNumber(score, 3)],
    ["clean references", String(references.length)],
  ];
  return { caption: "In short", columns: ["", ""], rows, rowHeadings: true };
}

const accusations: Report["accusations"] = {
  backdoored:
    "The model is **backdoored**: a trigger was found that clean models of its task do not have, and it works.",
  suspicious:
    "The model is **suspicious**: something in it is unusual beside clean models, and not sure enough to call it a backdoor. The checks below say what.",
};

const TAKEN_CLEAN =
  "The references are taken to be clean and of the same task: trained on the same poisoned data, they would hide the trigger.";
