/** `assay scan`: what can be read off a model's file, without running it. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { AssayError } from "../../lib/errors.js";
import { type Coverage, openModel, operatorCoverage } from "../../lib/onnx/index.js";

interface ScanOptions {
  readonly coverage?: boolean;
  readonly json?: string;
}

/** Adds the command. */
export function registerScan(program: Command): void {
  program
    .command("scan")
    .description("Reads models without running them.")
    .argument("<model...>", "ONNX files")
    .option("--coverage", "tell which operators gradients can pass")
    .option("--json <file>", "write JSON to a file, or with - to standard output")
    .addHelpText("after", "\nExample:\n  assay scan --coverage model.onnx")
    .action((files: string[], options: ScanOptions) => {
      if (!options.coverage)
        throw new AssayError("INVALID_ARGUMENT", "scan: say what to look for: --coverage.");
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
