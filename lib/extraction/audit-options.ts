/** What every audit is told: the clean references, the budget, and where searches are kept. */
import type { LoadedModel } from "../model/index.js";
import type { InversionStore } from "./store.js";

/** How much an audit may spend. */
export type Budget = "quick" | "standard" | "thorough";

/** Options of an audit. */
export interface AuditOptions {
  readonly seed: number;
  readonly references?: readonly LoadedModel[];
  readonly budget?: Budget;
  /** Lowest and highest input value. Default: read off the data. */
  readonly range?: readonly [number, number];
  /** Where finished searches of a model are kept. Default: in this process only. */
  readonly storeOf?: (model: LoadedModel) => InversionStore;
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: string, done: number, of: number) => void;
}
