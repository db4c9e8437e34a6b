/** Runs a notebook from its first cell to its last, saving after every cell. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { AssayError } from "../../lib/errors.js";
import { injectParameters } from "./parameters.js";
import { readNotebook } from "./read.js";
import { Run, seconds } from "./run-cells.js";
import type { RunEvent } from "./run-events.js";
import type { RunOptions, RunReport } from "./run-options.js";
import { runRecordOf, sourceHash } from "./run-record.js";
import type { Notebook } from "./types.js";

export type { RunEvent, RunOptions, RunReport };

/**
 * Runs a notebook file in a fresh kernel, in the notebook's folder.
 *
 * Nothing of a notebook's memory outlives its kernel, so a run cannot go on where another one stopped: `resume`
 * only spares a run that would repeat a complete one.
 *
 * @throws AssayError for a notebook that cannot be read, wrong parameters, or an output that cannot be written.
 *   Cells that fail, time out or end the kernel are reported, not thrown.
 */
export async function runNotebook(file: string, options: RunOptions = {}): Promise<RunReport> {
  const { output, parameters = {}, resume = false, onProgress = () => {} } = options;
  const start = performance.now();
  const notebook = injectParameters(await readNotebook(file), parameters);
  checkLanguage(notebook, file);
  const source = sourceHash(notebook, versions());
  if (resume && output !== undefined) {
    const kept = await earlierRun(output, source, onProgress);
    if (kept) return { notebook: kept, status: "complete" };
  }
  const run = new Run(clearOutputs(notebook), { status: "running", source, parameters }, options);
  onProgress({ event: "start", file, cells: run.codeCells });
  // Before the kernel starts: an output that cannot be written is found out in the first moment.
  await run.save();
  const report = await run.run(dirname(file));
  onProgress({ event: "end", status: report.status, seconds: seconds(start) });
  return report;
}

/**
 * Runs the cells of a notebook as they are, without saving, in a fresh kernel in `folder`. Its old outputs are not
 * looked at.
 */
export function rerun(notebook: Notebook, folder: string, options: RunOptions = {}): Promise<RunReport> {
  const record = { status: "running", source: sourceHash(notebook, versions()), parameters: {} } as const;
  return new Run(clearOutputs(notebook), record, options).run(folder);
}

async function earlierRun(
  output: string,
  source: string,
  onProgress: (event: RunEvent) => void,
): Promise<Notebook | undefined> {
  const earlier = await readNotebook(output).catch(() => undefined);
  const record = earlier && runRecordOf(earlier);
  if (!record) return undefined;
  const isSame = record.source === source;
  if (isSame && record.status === "complete") {
    onProgress({
      event: "note",
      message: `${output} holds a complete run of the same cells: nothing to do.`,
    });
    return earlier;
  }
  const why = isSame ? `the earlier run is ${record.status}` : "the cells or the parameters have changed";
  onProgress({
    event: "note",
    message: `resume: ${why}; variables cannot be restored, so all cells run again.`,
  });
  return undefined;
}

/** A notebook of another language would fail with a syntax error in its first cell. */
function checkLanguage({ metadata }: Notebook, file: string): void {
  const named = [metadata["language_info"], metadata["kernelspec"]] as Readonly<Record<string, unknown>>[];
  const language = named[0]?.["name"] ?? named[1]?.["language"];
  if (typeof language !== "string" || /^(type|java)script$|^tslab$|^jslab$|^deno$/i.test(language)) return;
  throw new AssayError(
    "INVALID_ARGUMENT",
    `${file}: the notebook is written in ${language}; Assay runs TypeScript and JavaScript.`,
    { language },
  );
}

const clearOutputs = (notebook: Notebook): Notebook => ({
  ...notebook,
  cells: notebook.cells.map((cell) =>
    cell.cell_type === "code" ? { ...cell, outputs: [], execution_count: null } : cell,
  ),
});

function versions(): string {
  const file = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
