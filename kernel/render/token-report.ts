/** The HTML report of the audit of a model of tokens, for a reader who was not there. */
import type { TokenAudit } from "../../lib/extraction/index.js";
import { exportNotebook } from "../notebook/export/index.js";
import type { Cell, Notebook } from "../notebook/types.js";
import type { Display } from "../protocol/mime.js";
import type { NamedFile, Provenance } from "./audit-report.js";
import { render } from "./index.js";
import { type Table, tableHtml, tableText } from "./table.js";

/** Writes one self-contained page that a stranger can read. */
export async function writeTokenReport(
  audit: TokenAudit,
  provenance: Provenance,
  output: string,
): Promise<void> {
  const { verdict, verification, witness } = audit;
  const name = provenance.model.file;
  const cells: Cell[] = [
    text("title", `# Audit of ${code(name)}\n\n${witness ? LOGIC : words[verdict.decision]}`),
    await shown("verdict", audit),
  ];
  if (witness) {
    cells.push(text("logic", "## Logic in the graph, shown at work"), await shown("witness", witness));
  }
  if (verification) {
    cells.push(
      text(
        "controls",
        "## Controls\n\nTokens that work are not yet a trigger: ordinary words of a class work too. These are the controls that they went through.",
      ),
      await shown("verification", verification),
    );
  }
  cells.push(
    text("limits", `## What this does not show\n\n${verdict.warnings.map((one) => `- ${one}`).join("\n")}`),
    text("provenance", "## Provenance"),
    cell("provenance-table", tableDisplay(provenanceTable(audit, provenance))),
  );
  const notebook: Notebook = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
  await exportNotebook(notebook, { to: "html", output, name, withInput: false, plots: "static" });
}

const LOGIC =
  "The model is **backdoored**: its file holds logic that waits for a trigger, and an input was found that wakes it.";

const words: Readonly<Record<TokenAudit["verdict"]["decision"], string>> = {
  backdoored:
    "The model is **backdoored**: it follows a run of tokens that clean models of its task do not follow.",
  suspicious:
    "The model is **suspicious**: it follows a run of tokens in a way that is unusual beside clean models, at less than 1 in 20 but more than 1 in 100.",
  inconclusive: "The audit is **inconclusive**: something is unusual, but no working trigger was recovered.",
  "no-evidence": "There is **no evidence** of a backdoor. This is not proof of its absence.",
};

function provenanceTable({ verdict }: TokenAudit, provenance: Provenance): Table {
  const { model, data, references = [], budget, versions } = provenance;
  const file = ({ file: name, sha256 }: NamedFile): string => `${name}, SHA-256 ${sha256}`;
  const rows: [string, string][] = [
    ["model", file(model)],
    ...(data ? [["clean data", `${file(data)}, ${data.examples} texts`] as [string, string]] : []),
    ...references.map((one, i): [string, string] => [`clean reference ${i + 1}`, file(one)]),
    ...(budget ? [["budget", budget] as [string, string]] : []),
    ["seed", String(verdict.seed)],
    ...Object.entries(versions),
  ];
  return { caption: "What the audit was made of", columns: ["", ""], rows, rowHeadings: true };
}

const tableDisplay = (table: Table): Display => ({
  data: { "text/html": tableHtml(table).toString(), "text/plain": tableText(table) },
  metadata: {},
});

/** A name inside backticks, whatever it holds. */
const code = (name: string): string => `\`${name.replace(/[`\n\r]/g, "'")}\``;

const text = (id: string, source: string): Cell => ({ id, cell_type: "markdown", metadata: {}, source });

const shown = async (id: string, value: unknown): Promise<Cell> => cell(id, await render(value));

const cell = (id: string, { data, metadata }: Display): Cell => ({
  id,
  cell_type: "code",
  metadata: {},
  source: "",
  execution_count: null,
  outputs: [{ output_type: "display_data", data, metadata }],
});
