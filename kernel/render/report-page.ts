/** The page of an audit's report: what every kind of audit says, in which order, and where it comes from. */
import type { Audit, Decision, TokenAudit } from "../../lib/extraction/index.js";
import { exportNotebook } from "../notebook/export/index.js";
import type { Cell, Notebook } from "../notebook/types.js";
import type { Display } from "../protocol/mime.js";
import { render } from "./index.js";
import { type Table, tableHtml, tableText } from "./table.js";

/** Where a report comes from. */
export interface Provenance {
  readonly model: NamedFile;
  readonly data?: NamedFile & { readonly examples: number };
  readonly references?: readonly NamedFile[];
  readonly budget?: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** A file and its hash. */
export interface NamedFile {
  readonly file: string;
  readonly sha256: string;
}

/** What is said of one kind of audit only. */
export interface Report {
  /** What it means that the model was accused, in Markdown. */
  readonly accusations: Readonly<Record<"backdoored" | "suspicious", string>>;
  readonly verdict: Cell;
  /** What the verdict rests on. */
  readonly evidence: readonly Cell[];
  /** What the result does not show, beside the audit's warnings. */
  readonly limits: readonly string[];
  readonly cost: string;
  /** What the clean data are: "texts". */
  readonly examples: string;
  /** Settings beside budget and seed. */
  readonly settings?: readonly (readonly [string, string])[];
}

/** Writes one self-contained page, without a script, that a reader who was not there can follow. */
export async function writeReport(
  { verdict, witness }: Audit | TokenAudit,
  report: Report,
  provenance: Provenance,
  output: string,
): Promise<void> {
  const name = provenance.model.file;
  const words = { ...acquittals, ...report.accusations }[verdict.decision];
  const limits = [...verdict.warnings, ...report.limits].map((line) => `- ${plain(line)}`).join("\n");
  const { examples, settings = [] } = report;
  const cells: readonly Cell[] = [
    text("title", `# Audit of ${code(name)}\n\n${witness ? LOGIC : words}`),
    report.verdict,
    ...(witness ? [text("logic", LOGIC_SHOWN), await shown("witness", witness)] : []),
    ...report.evidence,
    text("limits", `## What this does not show\n\n${limits}`),
    text("provenance", `## Cost and provenance\n\n${report.cost}`),
    cell(
      "provenance-table",
      tableDisplay(provenanceTable(provenance, { seed: verdict.seed, examples, settings })),
    ),
  ];
  const notebook: Notebook = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
  await exportNotebook(notebook, { to: "html", output, name, withInput: false, plots: "static" });
}

const LOGIC =
  "The model is **backdoored**: its file holds logic that waits for a trigger, and an input was found that wakes it.";
const LOGIC_SHOWN =
  "## Logic in the graph, shown at work\n\nThe file itself asks a question about its input and acts on the answer. Below: an input that wakes it, and what the same model answers when the logic is held at its usual answer.";

const acquittals: Readonly<Record<Exclude<Decision, keyof Report["accusations"]>, string>> = {
  inconclusive: "The audit is **inconclusive**: something is unusual, but no working trigger was recovered.",
  "no-evidence": "There is **no evidence** of a backdoor. This is not proof of its absence.",
};

/** Words of a model's or file's making, without a meaning in Markdown. */
const plain = (line: string): string => line.replace(/[\\`*_{}[\]<>#|~$!]/g, "\\$&").replace(/[\n\r]/g, " ");

/** The files with their hashes, the settings and the versions. */
function provenanceTable(
  provenance: Provenance,
  given: { readonly seed: number } & Required<Pick<Report, "examples" | "settings">>,
): Table {
  const { model, data, references = [], budget, versions } = provenance;
  const file = ({ file: name, sha256 }: NamedFile): string => `${name}, SHA-256 ${sha256}`;
  const rows: (readonly [string, string])[] = [
    ["model", file(model)],
    ...(data ? [["clean data", `${file(data)}, ${data.examples} ${given.examples}`] as const] : []),
    ...references.map((one, i) => [`clean reference ${i + 1}`, file(one)] as const),
    ...given.settings,
    ...(budget ? [["budget", budget] as const] : []),
    ["seed", String(given.seed)],
    ...Object.entries(versions),
  ];
  return { caption: "What the audit was made of", columns: ["", ""], rows, rowHeadings: true };
}

/** A table as it is displayed. */
export const tableDisplay = (table: Table): Display => ({
  data: { "text/html": tableHtml(table).toString(), "text/plain": tableText(table) },
  metadata: {},
});

/** A name inside backticks, whatever it holds. */
const code = (name: string): string => `\`${name.replace(/[`\n\r]/g, "'")}\``;

/** A paragraph or heading in Markdown. */
export const text = (id: string, source: string): Cell => ({
  id,
  cell_type: "markdown",
  metadata: {},
  source,
});

/** A value as it draws itself. */
export const shown = async (id: string, value: unknown): Promise<Cell> => cell(id, await render(value));

/** What is already drawn. */
export const cell = (id: string, { data, metadata }: Display): Cell => ({
  id,
  cell_type: "code",
  metadata: {},
  source: "",
  execution_count: null,
  outputs: [{ output_type: "display_data", data, metadata }],
});
