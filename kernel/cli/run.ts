/** `assay run NB…`: runs notebooks without a browser. */
import { basename, dirname, join } from "node:path";
import type { Command } from "commander";
import { AssayError } from "../../lib/errors.js";
import type { ProgressStyle } from "../notebook/progress.js";
import type { RunStatus } from "../notebook/run-record.js";
import { complain } from "./complain.js";
import { parseSeconds } from "./seconds.js";

interface Options {
  readonly output?: string;
  readonly inPlace?: boolean;
  readonly parameter?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  readonly totalTimeout?: number;
  readonly allowErrors?: boolean;
  readonly resume?: boolean;
  readonly progress: ProgressStyle;
  readonly html?: string;
  readonly pdf?: string;
}

/** What each way of ending means for the caller. */
const exitCodes: Readonly<Record<RunStatus, number>> = {
  running: 1,
  complete: 0,
  failed: 1,
  interrupted: 1,
  "timed-out": 3,
  "kernel-died": 4,
};

const UNREADABLE = 2;

export function registerRun(program: Command): void {
  program
    .command("run")
    .summary("run notebooks and keep their outputs")
    .description(
      "Runs notebooks from top to bottom, each in a fresh kernel in its own folder, and saves after every cell.",
    )
    .argument("<notebook...>", "notebook files")
    .option("-o, --output <file>", "where to save (default: NAME.out.ipynb beside NAME.ipynb)")
    .option("--in-place", "save into the notebook itself")
    .option(
      "-p, --parameter <name=value>",
      "give a declaration of the cell tagged `parameters` another value (repeatable)",
      parseParameter,
    )
    .option("--timeout <seconds>", "longest time of one cell", parseSeconds)
    .option("--total-timeout <seconds>", "longest time of the whole notebook", parseSeconds)
    .option("--allow-errors", "go on after a cell that fails, and exit with 0")
    .option(
      "--resume",
      "do nothing if the output already holds a complete run of the same cells and parameters",
    )
    .option("--progress <style>", "auto, plain, json or none, on standard error", parseProgress, "auto")
    .option("--html <file>", "also write a self-contained HTML report")
    .option("--pdf <file>", "also write a PDF report (needs Chromium, Chrome or Edge)")
    .addHelpText("after", help)
    .action(run);
}

const help = `
Exit codes: 0 done, 1 a cell failed, 2 wrong usage or unreadable input, 3 time-out, 4 the kernel died.
The file always holds the outputs up to and including the cell that stopped the run.

A kernel's memory cannot be saved: --resume never continues in the middle of a notebook.

Examples:
  assay run audit.ipynb
  assay run audit.ipynb -o results/audit.ipynb -p model=suspect.onnx -p seed=7
  assay run *.ipynb --in-place --timeout 600
  assay run audit.ipynb --html audit.html --progress json 2> progress.jsonl`;

async function run(files: readonly string[], options: Options): Promise<void> {
  checkUsage(files, options);
  // Found out before the run, not after hours of it.
  if (options.pdf !== undefined) (await import("../notebook/export/browser.js")).requireBrowser();
  const abort = new AbortController();
  const onSignal = (): void => abort.abort();
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    for (const file of files) {
      const code = await runOne(file, options, abort.signal).catch((error: unknown) => {
        // One notebook that cannot be read does not keep the others from running.
        if (!(error instanceof AssayError)) throw error;
        complain(error.message);
        return UNREADABLE;
      });
      process.exitCode ||= code;
      if (abort.signal.aborted) break;
    }
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

async function runOne(file: string, options: Options, signal: AbortSignal): Promise<number> {
  const { runNotebook } = await import("../notebook/run.js");
  const { progress } = await import("../notebook/progress.js");
  const output = options.inPlace ? file : (options.output ?? beside(file));
  const report = await runNotebook(file, {
    output,
    signal,
    onProgress: progress(options.progress, process.stderr),
    allowErrors: options.allowErrors ?? false,
    resume: options.resume ?? false,
    ...(options.parameter && { parameters: options.parameter }),
    ...(options.timeout !== undefined && { timeoutMs: options.timeout * 1000 }),
    ...(options.totalTimeout !== undefined && { totalTimeoutMs: options.totalTimeout * 1000 }),
  });
  if (report.failure !== undefined) process.stderr.write(`assay: ${file}: ${report.failure}\n`);
  const { exportNotebook } = await import("../notebook/export/index.js");
  for (const to of ["html", "pdf"] as const) {
    const target = options[to];
    if (target !== undefined) await exportNotebook(report.notebook, { to, output: target, name: file });
  }
  return exitCodes[report.status];
}

const beside = (file: string): string => join(dirname(file), `${basename(file, ".ipynb")}.out.ipynb`);

function checkUsage(files: readonly string[], { output, inPlace, html, pdf }: Options): void {
  const wrong = (message: string): never => {
    throw new AssayError("INVALID_ARGUMENT", `run: ${message}`);
  };
  if (output !== undefined && inPlace) wrong("--output and --in-place exclude each other.");
  if (files.length > 1 && [output, html, pdf].some((file) => file !== undefined)) {
    wrong("--output, --html and --pdf name one file, but several notebooks are given.");
  }
}

/** Gathers `-p name=value`; the value stays text until the parameter's type is known. */
function parseParameter(
  text: string,
  earlier: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, value] = /^([A-Za-z_$][\w$]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new AssayError("INVALID_ARGUMENT", `run: expected -p name=value, got "${text}".`);
  }
  return { ...earlier, [name]: value };
}

function parseProgress(text: string): ProgressStyle {
  const styles: readonly string[] = ["auto", "plain", "json", "none"] satisfies ProgressStyle[];
  if (styles.includes(text)) return text as ProgressStyle;
  throw new AssayError("INVALID_ARGUMENT", `run: expected --progress ${styles.join(", ")}, got "${text}".`);
}
