/** A number as Assay shows it: with its interval, level, sample size and method. */

/** A measured quantity with its uncertainty. Every number shown to a user is one. */
export interface Estimate {
  readonly kind: "estimate";
  readonly value: number;
  /** Two-sided interval `[low, high]` at `level`. */
  readonly interval: readonly [number, number];
  /** Nominal coverage of `interval`, e.g. 0.95. */
  readonly level: number;
  /** Number of samples behind the value. */
  readonly n: number;
  /** How the interval was made, e.g. "Wilson", "Clopper-Pearson", "DeLong". */
  readonly method: string;
}
