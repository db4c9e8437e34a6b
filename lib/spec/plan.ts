/** What a check can decide, worked out before it is run. */
import { AssayError } from "../errors.js";
import { checkLevel, clopperPearson, trialsForUpperLimit } from "../stats/index.js";
import { allowedRate, verdictOf } from "./report.js";
import { describeClause, type Specification } from "./specification.js";

/** What will come of a clause on n examples. */
export interface PlannedClause {
  readonly clause: string;
  /** Largest violation rate that the clause allows. */
  readonly allowed: number;
  /** Examples that will be looked at. */
  readonly examples: number;
  /** The clause holds with at most so many violations, or null if so few examples can never show that it holds. */
  readonly "holds with at most": number | null;
  /** The clause is violated from so many violations on. */
  readonly "violated from": number | null;
  /** Examples without any violation that it takes to show that the clause holds; null if no number is enough. */
  readonly "examples needed": number | null;
}

/**
 * Plans a check on data: how many violations each clause may show, and whether the examples are enough. Numbers are
 * for a fixed number of examples that the clause speaks about; clauses that data cannot decide are left out.
 *
 * @param options.examples Examples that will be looked at.
 * @param options.level Confidence level. Default 0.95.
 * @throws AssayError INVALID_ARGUMENT.
 * @example
 * spec.plan(intended, { examples: 500 })   // a table
 */
export function plan(
  specification: Specification,
  options: { readonly examples: number; readonly level?: number },
): PlannedClause[] {
  const level = checkLevel("spec.plan", options.level);
  const { examples } = options;
  if (!Number.isInteger(examples) || examples < 1) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `spec.plan: examples must be a positive integer, got ${examples}.`,
      {
        examples,
      },
    );
  }
  return specification.clauses
    .filter(({ type }) => type !== "no-trigger" && type !== "fairness")
    .map((clause) => {
      const allowed = allowedRate(clause);
      const word = (violations: number): string =>
        verdictOf(clopperPearson(violations, examples, { level }), allowed);
      const [holds, violated] = [
        lastWith(examples, (k) => word(k) === "holds"),
        lastWith(examples, (k) => word(k) !== "violated"),
      ];
      return {
        clause: describeClause(clause),
        allowed,
        examples,
        "holds with at most": holds < 0 ? null : holds,
        "violated from": violated >= examples ? null : violated + 1,
        // The verdict rests on a two-sided interval, so its upper end has half the error.
        "examples needed": allowed > 0 ? trialsForUpperLimit(allowed, { level: (1 + level) / 2 }) : null,
      };
    });
}

/** The largest k in [0, n] with a property that holds up to some k and never after, or -1. */
function lastWith(n: number, isSo: (k: number) => boolean): number {
  let [low, high] = [-1, n];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isSo(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
