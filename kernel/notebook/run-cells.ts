/** Runs the cells of a notebook one after the other, gathers what they show, and saves. */
import { AssayError } from "../../lib/errors.js";
import { startKernel } from "../client/index.js";
import type { ExecuteReply, KernelClient } from "../client/types.js";
import { OutputAreas } from "./output-area.js";
import type { RunOptions, RunReport } from "./run-options.js";
import { type RunRecord, type RunStatus, withRunRecord } from "./run-record.js";
import { Stopper } from "./stopper.js";
import { type CodeCell, type Notebook, tagsOf } from "./types.js";
import { writeNotebook } from "./write.js";

/** The run of one notebook in one kernel. */
export class Run {
  readonly codeCells: number;
  #notebook: Notebook;
  #record: RunRecord;
  #failure: string | undefined;
  #saving: Promise<void> = Promise.resolve();
  readonly #options: RunOptions;
  readonly #areas = new OutputAreas();
  /** Cells that have shown something since their outputs were last taken over. */
  readonly #stale = new Set<number>();
  /** The cell that each execute_request belonged to, for output that comes after its cell has ended. */
  readonly #cellOf = new Map<string, number>();

  constructor(notebook: Notebook, record: RunRecord, options: RunOptions) {
    this.#notebook = notebook;
    this.#record = record;
    this.#options = options;
    this.codeCells = notebook.cells.filter(isRunnable).length;
  }

  async run(cwd: string): Promise<RunReport> {
    const kernel = await startKernel({ cwd });
    try {
      kernel.onMessage((channel, message) => {
        if (channel !== "iopub") return;
        const cell = this.#cellOf.get(message.parent_header.msg_id ?? "");
        if (cell !== undefined)
          for (const changed of this.#areas.receive(cell, message)) this.#stale.add(changed);
      });
      await this.#describeKernel(kernel);
      await this.#runCells(kernel);
    } finally {
      await kernel.dispose();
    }
    await this.save();
    const { status } = this.#record;
    return {
      notebook: withRunRecord(this.#withOutputs(), this.#record),
      status,
      ...(this.#failure !== undefined && { failure: this.#failure }),
    };
  }

  /** Saves what there is now; saves never overlap. */
  async save(): Promise<void> {
    const { output } = this.#options;
    if (output === undefined) return;
    const notebook = withRunRecord(this.#withOutputs(), this.#record);
    this.#saving = this.#saving.then(() => writeNotebook(output, notebook));
    await this.#saving;
  }

  async #describeKernel(kernel: KernelClient): Promise<void> {
    const { content } = await kernel.request("shell", "kernel_info_request", {});
    const kernelspec = { name: "assay", display_name: "Assay (TypeScript)", language: "typescript" };
    const metadata = { ...this.#notebook.metadata, kernelspec, language_info: content["language_info"] };
    this.#notebook = { ...this.#notebook, metadata };
  }

  async #runCells(kernel: KernelClient): Promise<void> {
    const { onProgress = () => {}, totalTimeoutMs, allowErrors = false } = this.#options;
    const deadline =
      totalTimeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + totalTimeoutMs;
    let done = 0;
    let saving = Promise.resolve();
    for (const [i, cell] of this.#notebook.cells.entries()) {
      if (!isRunnable(cell)) continue;
      const place = { index: done++, cells: this.codeCells, id: cell.id };
      onProgress({ event: "cell", ...place, label: labelOf(this.#notebook, i) });
      const start = performance.now();
      const problem = await this.#runCell(kernel, i, cell, deadline);
      onProgress({ event: "cell-done", ...place, status: problem ? "error" : "ok", seconds: seconds(start) });
      const mayFail = allowErrors || tagsOf(cell).includes("raises-exception");
      if (problem && !(problem.canGoOn && mayFail)) {
        this.#failure = `cell ${i + 1} ("${cell.id}"): ${problem.message}`;
        this.#record = { ...this.#record, status: problem.status, stoppedAt: cell.id };
        return;
      }
      // The next cell need not wait for the disk, but a full disk stops the run here and not at its end.
      await saving;
      saving = this.save();
      saving.catch(() => undefined);
    }
    this.#record = { ...this.#record, status: "complete" };
  }

  async #runCell(
    kernel: KernelClient,
    index: number,
    cell: CodeCell,
    deadline: number,
  ): Promise<Problem | undefined> {
    const {
      timeoutMs = Number.POSITIVE_INFINITY,
      totalTimeoutMs = Number.POSITIVE_INFINITY,
      signal,
    } = this.#options;
    const left = deadline - performance.now();
    if (signal?.aborted) return interrupted;
    if (left <= 0)
      return this.#timedOut(index, `the notebook took longer than ${formatSeconds(totalTimeoutMs)}.`, false);
    const stopper = new Stopper(kernel, Math.min(timeoutMs, left), signal);
    let reply: ExecuteReply;
    try {
      reply = await Promise.race([this.#execute(kernel, index, cell), stopper.gaveUp]);
    } catch (error) {
      if (!(error instanceof AssayError && error.code === "KERNEL_DIED")) throw error;
      this.#addError(index, "KernelDied", error.message);
      return { status: "kernel-died", message: error.message, canGoOn: false };
    } finally {
      stopper.dispose();
    }
    if (stopper.reason === "signal") return interrupted;
    if (stopper.reason === "time-out") {
      const isTotal = left < timeoutMs;
      const limit = isTotal
        ? `the notebook took longer than ${formatSeconds(totalTimeoutMs)}`
        : `the cell took longer than ${formatSeconds(timeoutMs)}`;
      const end = stopper.hasGivenUp
        ? "did not react to the interrupt, so its kernel was ended"
        : "was interrupted";
      return this.#timedOut(index, `${limit} and ${end}.`, !isTotal && !stopper.hasGivenUp);
    }
    if (reply.status === "ok") return undefined;
    const message = `${reply.ename}: ${reply.evalue}`;
    if (reply.ename === "SessionEnded") return { status: "kernel-died", message, canGoOn: false };
    return { status: "failed", message, canGoOn: true };
  }

  #timedOut(index: number, message: string, canGoOn: boolean): Problem {
    this.#addError(index, "Timeout", message);
    return { status: "timed-out", message, canGoOn };
  }

  async #execute(kernel: KernelClient, index: number, cell: CodeCell): Promise<ExecuteReply> {
    const reply = await kernel.execute(cell.source, {
      metadata: { cellId: cell.id },
      onOutput: ({ parent_header }) => this.#cellOf.set(parent_header.msg_id ?? "", index),
    });
    this.#setCell(index, { execution_count: reply.execution_count });
    return reply;
  }

  #addError(cell: number, ename: string, evalue: string): void {
    this.#areas.add(cell, { output_type: "error", ename, evalue, traceback: [`${ename}: ${evalue}`] });
    this.#stale.add(cell);
  }

  #withOutputs(): Notebook {
    for (const cell of this.#stale) this.#setCell(cell, { outputs: this.#areas.of(cell) });
    this.#stale.clear();
    return this.#notebook;
  }

  #setCell(index: number, change: Partial<CodeCell>): void {
    const cells = this.#notebook.cells.with(index, {
      ...(this.#notebook.cells[index] as CodeCell),
      ...change,
    });
    this.#notebook = { ...this.#notebook, cells };
  }
}

/** Why a cell did not end well. */
interface Problem {
  readonly status: RunStatus;
  readonly message: string;
  /** The kernel lives and the run may go on if errors are allowed. */
  readonly canGoOn: boolean;
}

const interrupted: Problem = { status: "interrupted", message: "interrupted", canGoOn: false };

const isRunnable = (cell: Notebook["cells"][number]): cell is CodeCell =>
  cell.cell_type === "code" && cell.source.trim() !== "";

const formatSeconds = (ms: number): string => `${Number((ms / 1000).toPrecision(3))} s`;

/** The heading above a cell, or the cell's first line. */
function labelOf({ cells }: Notebook, index: number): string {
  const above = cells[index - 1];
  const heading = above?.cell_type === "markdown" ? /^#+\s+(.+)$/m.exec(above.source)?.[1] : undefined;
  return (heading ?? cells[index]!.source.trim().split("\n")[0]!).slice(0, 80);
}

/** Time since a moment of `performance.now()`, in seconds with three decimals. */
export const seconds = (since: number): number => Math.round(performance.now() - since) / 1000;
