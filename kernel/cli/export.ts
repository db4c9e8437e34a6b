/** `assay export NB --to …`: one self-contained file for readers. */
import { basename, dirname, join } from "node:path";
import { type Command, Option } from "commander";
import type { ExportTarget } from "../notebook/export/index.js";

interface Options {
  readonly to: ExportTarget;
  readonly output?: string;
  readonly input: boolean;
  readonly plots?: "interactive" | "static";
}

const extensions: Readonly<Record<ExportTarget, string>> = {
  html: ".html",
  pdf: ".pdf",
  markdown: ".md",
  ts: ".ts",
  ipynb: ".export.ipynb",
};

export function registerExport(program: Command): void {
  program
    .command("export")
    .summary("turn a notebook into one file for readers")
    .description(
      "Writes a notebook with its saved outputs as one self-contained file, of which nothing is run, neither now nor when it is opened.",
    )
    .argument("<notebook>", "notebook file")
    .addOption(
      new Option("--to <format>", "what to write").choices(Object.keys(extensions)).makeOptionMandatory(),
    )
    .option("-o, --output <file>", "where to write (default: beside the notebook, with the format's ending)")
    .option("--no-input", "leave out the code")
    .addOption(
      new Option(
        "--plots <kind>",
        "interactive figures or still pictures (default: interactive; pdf and markdown are always still)",
      ).choices(["interactive", "static"]),
    )
    .addHelpText("after", help)
    .action(run);
}

const help = `
PDF needs Chromium, Chrome or Edge; the variable CHROME_PATH may name one.

Examples:
  assay export audit.ipynb --to html
  assay export audit.ipynb --to html --plots static --no-input -o report.html
  assay export audit.ipynb --to pdf -o report.pdf
  assay export audit.ipynb --to ts`;

async function run(file: string, { to, output, input, plots }: Options): Promise<void> {
  const { readNotebook } = await import("../notebook/read.js");
  const { exportNotebook } = await import("../notebook/export/index.js");
  const target = output ?? join(dirname(file), basename(file, ".ipynb") + extensions[to]);
  const notebook = await readNotebook(file);
  await exportNotebook(notebook, {
    to,
    output: target,
    name: file,
    withInput: input,
    ...(plots && { plots }),
  });
  process.stderr.write(`assay: wrote ${target}\n`);
}
