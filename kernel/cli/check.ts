/** `assay check NB…`: runs notebooks again and compares with their saved outputs. */
import { dirname } from "node:path";
import type { Command } from "commander";
import { AssayError } from "../../lib/errors.js";
import { isCode, type Output } from "../notebook/types.js";
import { parseSeconds } from "./seconds.js";

interface Options {
  readonly tolerance: number;
  readonly timeout?: number;
}

const FAILED = 1;
const TIMED_OUT = 3;
const DIED = 4;
const MISMATCH = 6;

export function registerCheck(program: Command): void {
  program
    .command("check")
    .summary("run notebooks again and compare with their saved outputs")
    .description(
      "Runs each notebook in a fresh kernel without changing its file, and compares every output with the saved one: texts exactly but for their numbers, figures by their data, pictures by their pixels.",
    )
    .argument("<notebook...>", "notebook files")
    .option("--tolerance <number>", "largest relative difference of two numbers", parseTolerance, 1e-6)
    .option("--timeout <seconds>", "longest time of one cell", parseSeconds)
    .addHelpText("after", help)
    .action(run);
}

const help = `
Cells tagged \`ignore-output\` run but are not compared; nor is how long an audit took. Up to 1 % of a picture's pixels may look different.
Exit codes: 0 as saved, 1 a cell fails that did not, 2 wrong usage or unreadable input, 3 time-out,
4 the kernel died, 6 outputs differ.

Examples:
  assay check notebooks/*.ipynb
  assay check audit.ipynb --tolerance 1e-3`;

async function run(files: readonly string[], { tolerance, timeout }: Options): Promise<void> {
  for (const file of files) {
    const code = await checkOne(file, tolerance, timeout);
    process.exitCode ||= code;
  }
}

async function checkOne(file: string, numbers: number, timeout: number | undefined): Promise<number> {
  const { readNotebook } = await import("../notebook/read.js");
  const { rerun } = await import("../notebook/run.js");
  const { compareOutputs, defaultTolerance } = await import("../notebook/compare.js");
  const saved = await readNotebook(file);
  const { notebook, status, failure } = await rerun(saved, dirname(file), {
    allowErrors: true,
    ...(timeout !== undefined && { timeoutMs: timeout * 1000 }),
  });
  if (status !== "complete") {
    process.stderr.write(`assay: ${file}: ${failure ?? status}\n`);
    return status === "kernel-died" ? DIED : TIMED_OUT;
  }
  const isTimedOut = notebook.cells.some((cell) => isCode(cell) && cell.outputs.some(isTimeout));
  const differences = await compareOutputs(saved, notebook, { ...defaultTolerance, numbers });
  for (const { cell, what } of differences) process.stderr.write(`assay: ${file}: ${cell}, ${what}\n`);
  if (differences.length === 0) process.stderr.write(`assay: ${file}: as saved\n`);
  if (isTimedOut) return TIMED_OUT;
  if (differences.some(({ isNewError }) => isNewError)) return FAILED;
  return differences.length > 0 ? MISMATCH : 0;
}

const isTimeout = (output: Output): boolean => output.output_type === "error" && output.ename === "Timeout";

function parseTolerance(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0) return value;
  throw new AssayError("INVALID_ARGUMENT", `check: expected a tolerance of at least 0, got "${text}".`);
}
