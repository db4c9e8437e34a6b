/** What a run of a notebook takes and gives. */
import type { ParameterValue } from "./parameters.js";
import type { RunEvent } from "./run-events.js";
import type { RunStatus } from "./run-record.js";
import type { Notebook } from "./types.js";

export interface RunOptions {
  /** Where the notebook is saved after every cell; not at all when absent. */
  readonly output?: string;
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  /** Longest time of one cell in milliseconds. Default: no limit. */
  readonly timeoutMs?: number;
  /** Longest time of the whole run in milliseconds. Default: no limit. */
  readonly totalTimeoutMs?: number;
  /** Goes on after a cell that fails or times out. Default: false; a cell tagged `raises-exception` may always fail. */
  readonly allowErrors?: boolean;
  /** Keeps `output` as it is when it holds a complete run of the same sources with the same parameters. */
  readonly resume?: boolean;
  /** Stops the running cell and the run. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: RunEvent) => void;
}

export interface RunReport {
  /** The notebook with its outputs, up to and including the cell that stopped the run. */
  readonly notebook: Notebook;
  readonly status: RunStatus;
  /** What went wrong first, with the cell's number and the error's name and message. */
  readonly failure?: string;
}
