/** `assay scan`: what can be read off a model's file, without running it. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { AssayError } from "../../lib/errors.js";
import {
  type Coverage,
  decodeFile,
  type Finding,
  lintModel,
  openModel,
  operatorCoverage,
} from "../../lib/onnx/index.js";
import { plainLine, plural } from "../render/format.js";

interface ScanOptions {
  readonly coverage?: boolean;
  readonly json?: string;
}

/** Adds the command. */
export function registerScan(program: Command): void {
  program
    .command("scan")
    .summary("read a model's file for planted logic")
    .description(
      "Reads models without running them: logic that asks about part of the input and acts on the answer, ways around the network, weights stored twice or never read. A backdoor in the weights is not visible here: see assay audit.",
    )
    .argument("<model...>", "ONNX files")
    .option("--coverage", "tell which operators gradients can pass")
    .option("--json <file>", "write JSON to a file, or with - to standard output")
    .addHelpText(
      "after",
      "\nExamples:\n  assay scan model.onnx\n  assay scan *.onnx --json findings.json\n  assay scan --coverage model.onnx",
    )
    .action((files: string[], options: ScanOptions) => {
      if (!options.coverage) {
        lint(files, options.json);
        return;
      }
      const models = files.map((file) => ({
        file,
        ...operatorCoverage(openModel(file)),
        sha256: createHash("sha256").update(readFileSync(file)).digest("hex"),
      }));
      if (options.json === "-")
        process.stdout.write(`${JSON.stringify({ kind: "coverage", models }, undefined, 2)}\n`);
      else if (options.json !== undefined) {
        writeFileSync(options.json, JSON.stringify({ kind: "coverage", models }, undefined, 2));
      } else for (const { file, ...coverage } of models) process.stdout.write(table(file, coverage));
    });
}

/** Reports what planted logic or an odd file would show. */
function lint(files: readonly string[], json: string | undefined): void {
  const models = files.map((file) => ({ file, sha256: hashOf(file), findings: findingsOf(file) }));
  const text = `${JSON.stringify({ kind: "scan", models }, undefined, 2)}\n`;
  if (json === "-") process.stdout.write(text);
  else if (json !== undefined) writeFileSync(json, text);
  else for (const { file, findings } of models) process.stdout.write(listing(file, findings));
}

function hashOf(file: string): string {
  try {
    return createHash("sha256").update(readFileSync(file)).digest("hex");
  } catch (cause) {
    throw new AssayError("FILE_NOT_FOUND", `scan: "${file}" cannot be read.`, { file }, { cause });
  }
}

function findingsOf(file: string): Finding[] {
  try {
    return lintModel(decodeFile(file));
  } catch (error) {
    if (!(error instanceof AssayError) || error.message.includes(file)) throw error;
    throw new AssayError(
      error.code,
      `"${file}": ${error.message}`,
      { ...error.details, file },
      { cause: error },
    );
  }
}

function listing(file: string, findings: readonly Finding[]): string {
  const lines = findings.map(
    ({ severity, rule, node, why }) =>
      `  ${severity.padEnd(4)}  ${rule}${node === null ? "" : ` at ${plainLine(node, 80)}`}: ${plainLine(why)}`,
  );
  return [
    `${file}: ${findings.length === 0 ? "nothing found" : plural(findings.length, "finding")}`,
    ...lines,
    "",
  ].join("\n");
}

function table(file: string, { operators, nodes, refused }: Coverage): string {
  const verdict =
    refused === 0
      ? `gradients can pass all ${nodes} nodes`
      : `gradients cannot pass ${refused} of ${nodes} nodes`;
  const width = Math.max(
    ...operators.map(({ operator, domain }) => (domain ? domain.length + 2 : 0) + operator.length),
  );
  const lines = operators.map(({ operator, domain, count, passage, examples }) => {
    const name = domain ? `${domain}::${operator}` : operator;
    const where = examples.length > 0 ? ` (${examples.join(", ")})` : "";
    return `  ${name.padEnd(width)}  ${String(count).padStart(5)}  ${passage}${where}`;
  });
  return `${file}: ${verdict}\n${lines.join("\n")}\n`;
}
