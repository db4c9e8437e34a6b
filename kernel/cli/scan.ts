/** `assay scan`: what can be read off a model's file, without running it. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { AssayError } from "../../lib/errors.js";
import {
  type Coverage,
  type Finding,
  type ModelScan,
  openModel,
  operatorCoverage,
  scanFile,
} from "../../lib/onnx/index.js";
import { plainLine, plural } from "../render/format.js";
import { complain, plainFile } from "./complain.js";

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
      "Reads models without running them: logic that asks about part of the input and acts on the answer, ways around the network, weights stored twice or never read; a backdoor in the weights is for assay audit to find.",
    )
    .argument("<model...>", "ONNX files")
    .option("--coverage", "tell which operators gradients can pass")
    .option("--json <file>", "write JSON to a file, or with - to standard output")
    .addHelpText(
      "after",
      "\nExamples:\n  assay scan model.onnx\n  assay scan *.onnx --json findings.json\n  assay scan --coverage model.onnx",
    )
    .action((files: string[], options: ScanOptions) => {
      if (options.coverage) coverage(files, options.json);
      else lint(files, options.json);
    });
}

/** Reports what planted logic or an odd file would show. A file that cannot be read does not keep the others from being scanned. */
function lint(files: readonly string[], json: string | undefined): void {
  const { models, errors } = eachFile(files, scanFile);
  report({ kind: "scan", models } satisfies ModelScan, json, () =>
    models.map(({ file, findings }) => listing(file, findings)).join(""),
  );
  refuse(errors);
}

/** Tells which operators gradients can pass. */
function coverage(files: readonly string[], json: string | undefined): void {
  const { models, errors } = eachFile(files, (file) => ({
    ...operatorCoverage(openModel(file)),
    ...{ file, sha256: createHash("sha256").update(readFileSync(file)).digest("hex") },
  }));
  report({ kind: "coverage", models }, json, () =>
    models.map(({ file, ...found }) => table(file, found)).join(""),
  );
  refuse(errors);
}

function eachFile<T>(
  files: readonly string[],
  read: (file: string) => T,
): { models: T[]; errors: AssayError[] } {
  const models: T[] = [];
  const errors: AssayError[] = [];
  for (const file of files) {
    try {
      models.push(read(file));
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      errors.push(error);
    }
  }
  // Nothing to report on: the error alone is the answer.
  if (models.length === 0 && errors.length === 1) throw errors[0];
  return { models, errors };
}

function report(
  result: { kind: string; models: readonly unknown[] },
  json: string | undefined,
  words: () => string,
): void {
  if (result.models.length === 0) return;
  const text = `${JSON.stringify(result, undefined, 2)}\n`;
  if (json === "-") process.stdout.write(text);
  else if (json !== undefined) writeResult(json, text);
  else process.stdout.write(words());
}

function writeResult(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new AssayError("INVALID_ARGUMENT", `scan: "${file}" cannot be written.`, { file }, { cause });
  }
}

function refuse(errors: readonly AssayError[]): void {
  for (const { message } of errors) complain(message);
  if (errors.length > 0) process.exitCode = 2;
}

function listing(file: string, findings: readonly Finding[]): string {
  const lines = findings.map(
    ({ severity, rule, node, why }) =>
      `  ${severity.padEnd(4)}  ${rule}${node === null ? "" : ` at ${plainLine(node, 80)}`}: ${plainLine(why)}`,
  );
  return [
    `${plainFile(file)}: ${findings.length === 0 ? "nothing found" : plural(findings.length, "finding")}`,
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
  return `${plainFile(file)}: ${verdict}\n${lines.join("\n")}\n`;
}
