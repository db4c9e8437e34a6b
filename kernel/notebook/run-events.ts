/** What a run tells while it goes on. */
import type { RunStatus } from "./run-record.js";

/** Told while a notebook runs. */
export type RunEvent =
  | { readonly event: "start"; readonly file: string; readonly cells: number }
  | {
      readonly event: "cell";
      readonly index: number;
      readonly cells: number;
      readonly id: string;
      readonly label: string;
    }
  | {
      readonly event: "cell-done";
      readonly index: number;
      readonly cells: number;
      readonly id: string;
      readonly status: "ok" | "error";
      readonly seconds: number;
    }
  | { readonly event: "note"; readonly message: string }
  | { readonly event: "end"; readonly status: RunStatus; readonly seconds: number };
