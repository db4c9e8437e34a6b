/** A track of the scoreboard: one question, asked of many models with known answers. */
import type { Estimate } from "../stats/index.js";
import type { ScoreStore } from "./score-store.js";

/** What running a track takes. */
export interface TrackOptions {
  readonly seed: number;
  /** "test" for figures to publish; "dev" while a method is being made. */
  readonly pool: "dev" | "test";
  /** Keeps the result of each model, so that a killed run goes on where it was. */
  readonly store: ScoreStore;
  readonly signal?: AbortSignal;
  /** Called with a line for each model that is done. */
  readonly log: (line: string) => void;
}

/** One track. Each has its own file; add it to `tracks.ts`. */
export interface Track {
  /** Short name, as `assay bench --track` takes it. */
  readonly name: string;
  /** The question, in one sentence. */
  readonly title: string;
  /** Folders of `lib` whose code makes the scores; a change there discards kept ones. */
  readonly code: readonly string[];
  run(options: TrackOptions): Promise<TrackReport>;
}

/** One figure of a track. */
export interface TrackRow {
  readonly metric: string;
  readonly estimate: Estimate;
  /** What we set out to reach; null where there is no goal. */
  readonly goal: { readonly atLeast?: number; readonly atMost?: number } | null;
  /** What the figure rests on, where its name does not say so. */
  readonly note?: string;
}

/** What a track came to. */
export interface TrackReport {
  readonly kind: "track-report";
  readonly name: string;
  readonly title: string;
  readonly pool: "dev" | "test";
  /** Models that were scored; those that made the audit fail are counted against it. */
  readonly models: number;
  readonly failures: number;
  readonly rows: readonly TrackRow[];
  /** Examples that went through models, in both directions, and time; all models of the track together. */
  readonly cost: { readonly forward: number; readonly backward: number; readonly seconds: number };
  readonly seed: number;
  readonly notes: readonly string[];
}

/** Whether a figure reaches its goal; null without one. */
export function isReached({ estimate, goal }: TrackRow): boolean | null {
  if (goal === null) return null;
  return (
    estimate.value >= (goal.atLeast ?? Number.NEGATIVE_INFINITY) &&
    estimate.value <= (goal.atMost ?? Number.POSITIVE_INFINITY)
  );
}
