/** The HTML report of an audit: the result's own displays, on the page that notebooks are exported to. */
import type { Audit } from "../../lib/extraction/index.js";
import { triggerPictures } from "../../lib/plots/index.js";
import { exportNotebook } from "../notebook/export/index.js";
import type { Cell, Notebook } from "../notebook/types.js";
import { render } from "./index.js";

/** Where a report comes from. */
export interface Provenance {
  readonly model: { readonly file: string; readonly sha256: string };
  readonly versions: Readonly<Record<string, string>>;
}

/** Writes one self-contained page that a stranger can read. */
export async function writeAuditReport(audit: Audit, provenance: Provenance, output: string): Promise<void> {
  const { verdict, verification } = audit;
  const cells: Cell[] = [
    text("title", `# Audit of ${code(provenance.model.file)}\n\n${words[verdict.decision]}`),
  ];
  cells.push(await shown("verdict", audit));
  if (verdict.trigger) {
    cells.push(text("trigger", "## The recovered trigger\n\nMask, pattern, and images before and after."));
    cells.push(await shown("pictures", triggerPictures(verdict.trigger, audit.examples, audit.range)));
  }
  if (verification) {
    cells.push(
      text(
        "controls",
        "## Controls\n\nA patch that works is not yet a trigger: these are the controls it went through.",
      ),
    );
    cells.push(await shown("verification", verification));
  }
  const versions = Object.entries(provenance.versions).map(([name, version]) => `${name} ${version}`);
  cells.push(
    text(
      "provenance",
      `## Provenance\n\nModel ${code(provenance.model.file)}, SHA-256 ${code(provenance.model.sha256)}; seed ${verdict.seed}; ${versions.join(", ")}.`,
    ),
  );
  const notebook: Notebook = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
  await exportNotebook(notebook, { to: "html", output, name: provenance.model.file, withInput: false });
}

const words: Readonly<Record<Audit["verdict"]["decision"], string>> = {
  backdoored:
    "The model is **backdoored**: a trigger was found that clean models of its task do not have, and it works.",
  suspicious:
    "The model is **suspicious**: a working trigger was found that is unusual beside clean models, at less than 1 in 20 but more than 1 in 100.",
  inconclusive: "The audit is **inconclusive**: something is unusual, but no working trigger was recovered.",
  "no-evidence": "There is **no evidence** of a backdoor. This is not proof of its absence.",
};

/** A name inside backticks, whatever it holds. */
const code = (name: string): string => `\`${name.replace(/[`\n\r]/g, "'")}\``;

const text = (id: string, source: string): Cell => ({ id, cell_type: "markdown", metadata: {}, source });

async function shown(id: string, value: unknown): Promise<Cell> {
  const { data, metadata } = await render(value);
  return {
    id,
    cell_type: "code",
    metadata: {},
    source: "",
    execution_count: null,
    outputs: [{ output_type: "display_data", data, metadata }],
  };
}
