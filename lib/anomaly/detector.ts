/** What every detector of single examples is: fitted once, then a score per example. */
import { type Examples, type Rows, scoreChunks } from "../tensor/index.js";
import { checkFeatures } from "./gaussian.js";

/** A fitted anomaly detector. */
export interface Detector {
  readonly kind: "detector";
  /** Method and main settings, e.g. "kNN (k = 5)". */
  readonly name: string;
  /** Number of features. */
  readonly d: number;
  /** Number of examples that it was fitted to. */
  readonly n: number;
  readonly warnings: readonly string[];
  /** One score per example of `y` [n, ...]; higher is more anomalous. */
  scores(y: Examples): Float64Array;
}

/** Makes a detector from a function of checked rows. */
export function detectorOf(
  name: string,
  { n, d }: { readonly n: number; readonly d: number },
  scoreRows: (table: Rows) => Float64Array,
  warnings: readonly string[] = [],
): Detector {
  return {
    kind: "detector",
    name,
    d,
    n,
    warnings,
    scores: (y) =>
      scoreChunks(y, name, (table) => {
        checkFeatures(table, d, name);
        return scoreRows(table);
      }),
  };
}
