/** What a notebook says about the run that made its outputs, in `metadata.assay.run`. No times: they change every run. */
import { createHash } from "node:crypto";
import type { ParameterValue } from "./parameters.js";
import { type Metadata, type Notebook, tagsOf } from "./types.js";

/** How a run ended, or that it has not. */
export type RunStatus = "running" | "complete" | "failed" | "timed-out" | "kernel-died" | "interrupted";

/** The record of a run. */
export interface RunRecord {
  readonly status: RunStatus;
  /** Hash of all sources, parameters and the version of Assay: equal means that the run was the same. */
  readonly source: string;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** Id of the cell at which the run stopped. */
  readonly stoppedAt?: string;
}

/** The record of a notebook's last run, if it has one. */
export function runRecordOf(notebook: Notebook): RunRecord | undefined {
  const record = (notebook.metadata["assay"] as Metadata | undefined)?.["run"] as RunRecord | undefined;
  return typeof record?.status === "string" && typeof record.source === "string" ? record : undefined;
}

/** The notebook with the record of its run. */
export const withRunRecord = (notebook: Notebook, run: RunRecord): Notebook => ({
  ...notebook,
  metadata: { ...notebook.metadata, assay: { ...(notebook.metadata["assay"] as Metadata | undefined), run } },
});

/** Hash of what a run depends on inside the notebook: types, sources and tags of its cells, and the versions. */
export function sourceHash(notebook: Notebook, versions: string): string {
  const hash = createHash("sha256").update(versions);
  for (const cell of notebook.cells) {
    hash.update(`\0${JSON.stringify([cell.cell_type, cell.source, tagsOf(cell)])}`);
  }
  return hash.digest("hex");
}
