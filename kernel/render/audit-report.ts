/** The HTML report of an audit, for a reader who was not there: on the page that notebooks are exported to. */
import type { Audit } from "../../lib/extraction/index.js";
import { auditScan, triggerPictures } from "../../lib/plots/index.js";
import type { Cell } from "../notebook/types.js";
import type { Display } from "../protocol/mime.js";
import { badge, card } from "./card.js";
import { html } from "./html.js";
import {
  cell,
  code,
  type Provenance,
  provenanceTable,
  shown,
  tableDisplay,
  text,
  writePage,
} from "./report-page.js";
import { auditSentences, checksTable, costSentence, scanTable, tones } from "./results/audit.js";
import { type Table, tableHtml } from "./table.js";

/** Writes one self-contained page that a stranger can read. */
export async function writeAuditReport(audit: Audit, provenance: Provenance, output: string): Promise<void> {
  const { verdict, verification, witness, scans } = audit;
  const name = provenance.model.file;
  const cells: Cell[] = [
    text("title", `# Audit of ${code(name)}\n\n${witness ? LOGIC : words[verdict.decision]}`),
    cell("verdict", verdictCard(audit)),
  ];
  if (witness) {
    cells.push(
      text(
        "logic",
        "## Logic in the graph, shown at work\n\nThe file itself asks a question about its input and acts on the answer. Below: an input that wakes it, and what the same model answers when the logic is held at its usual answer.",
      ),
      await shown("witness", witness),
    );
  }
  if (verdict.trigger) {
    cells.push(
      text(
        "trigger",
        `## The recovered trigger\n\nWhat was found, and images before and after it is put on them. It is what works, which need not be what was planted: compare it with what the model should never react to.`,
      ),
      await shown("pictures", triggerPictures(verdict.trigger, audit.examples, audit.range)),
    );
  }
  if (scans.length > 0) {
    cells.push(
      text(
        "scans",
        "## Beside clean models\n\nFor every class, the smallest change of the input that leads other images there, in pixels. A planted trigger makes one class far easier to reach than it is in clean models of the same task; a class that is easy in all of them is no evidence.",
      ),
    );
    for (const [i, scan] of scans.entries()) {
      cells.push(await shown(`scan-figure-${i}`, auditScan(scan, name)));
      cells.push(cell(`scan-table-${i}`, tableDisplay(scanTable(scan))));
    }
  }
  if (verification) {
    cells.push(
      text(
        "controls",
        "## Controls\n\nA patch that works is not yet a trigger: these are the controls it went through.",
      ),
      await shown("verification", verification),
    );
  }
  cells.push(
    text("checks", "## All checks"),
    cell(
      "checks-table",
      tableDisplay({ ...checksTable(audit), caption: "What was asked, and what came of it" }),
    ),
    text("limits", `## What this does not show\n\n${limits(audit)}`),
    text("provenance", `## Cost and provenance\n\n${costSentence(audit)}`),
    cell(
      "provenance-table",
      tableDisplay(
        provenanceTable(provenance, {
          seed: verdict.seed,
          examples: "examples",
          settings: [["input range", `${audit.range[0]} to ${audit.range[1]}`]],
        }),
      ),
    ),
  );
  await writePage(cells, name, output);
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
      success
        ? `${percent(success.value)}, 95 % interval ${percent(success.interval[0])} to ${percent(success.interval[1])}, n = ${success.n}`
        : "–",
    ],
    ["p-value of the whole audit", pValue === null ? "none" : String(Number(pValue.toPrecision(2)))],
    ["score (above 1: unusual)", String(Number(score.toPrecision(3)))],
    ["clean references", String(references.length)],
  ];
  return { caption: "In short", columns: ["", ""], rows, rowHeadings: true };
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;

const LOGIC =
  "The model is **backdoored**: its file holds logic that waits for a trigger, and an input was found that wakes it.";

const words: Readonly<Record<Audit["verdict"]["decision"], string>> = {
  backdoored:
    "The model is **backdoored**: a trigger was found that clean models of its task do not have, and it works.",
  suspicious:
    "The model is **suspicious**: something in it is unusual beside clean models, and not sure enough to call it a backdoor. The checks below say what.",
  inconclusive: "The audit is **inconclusive**: something is unusual, but no working trigger was recovered.",
  "no-evidence": "There is **no evidence** of a backdoor. This is not proof of its absence.",
};

function limits({ verdict, references }: Audit): string {
  const lines = [...verdict.warnings];
  if (references.length > 0) {
    lines.push(
      "The references are taken to be clean and of the same task: trained on the same poisoned data, they would hide the trigger.",
    );
  }
  lines.push("A recovered trigger is one that works. The one that was planted may look different.");
  return lines.map((line) => `- ${plain(line)}`).join("\n");
}

/** Words of a model's or file's making, without a meaning in Markdown. */
const plain = (line: string): string => line.replace(/[\\`*_{}[\]<>#|~$!]/g, "\\$&").replace(/[\n\r]/g, " ");
