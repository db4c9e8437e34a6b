/** Whether a model serves groups of examples equally well. */
import { type Estimate, wilson } from "../stats/index.js";
import { type ClauseReport, verdictOf } from "./report.js";
import { describeClause, type FairnessClause } from "./specification.js";
import type { Context } from "./trials.js";

/**
 * Compares the accuracy of every pair of groups; the report holds the pair that differs most.
 *
 * Intervals are Newcombe's hybrid of two Wilson intervals, at a level shared among the pairs (Bonferroni),
 * since the worst pair is chosen by looking.
 *
 * Computed exactly for groups of 10 to 300 and rates of 0.5 to 0.99, one such interval of level 0.95 covers the
 * difference with 0.97 on average, at worst with 0.94.
 *
 * @see R. G. Newcombe (1998), Interval estimation for the difference between independent proportions. Statistics in Medicine 17.
 */
export async function checkFairness(
  clause: FairnessClause,
  context: Context,
  groups: Int32Array,
  level: number,
): Promise<ClauseReport> {
  const indices = [...groups.keys()];
  const { predicted } = await context.base(indices);
  const names = [...new Set(groups)].sort((a, b) => a - b);
  const right = names.map((name) => {
    const members = indices.filter((index) => groups[index] === name);
    return {
      name,
      n: members.length,
      correct: members.filter((i) => predicted[i] === context.labels![i]).length,
    };
  });
  const pairs = right.flatMap((a, i) => right.slice(i + 1).map((b) => [a, b] as const));
  const statement = describeClause(clause);
  const base = {
    clause,
    statement,
    allowed: clause.differenceAtMost,
    violations: 0,
    counterexample: null,
  } as const;
  if (pairs.length === 0) {
    return {
      ...base,
      verdict: "not checked",
      evidence: "none",
      violationRate: null,
      n: 0,
      note: "needs two groups",
    };
  }
  const shared = 1 - (1 - level) / pairs.length;
  const compared = pairs
    .map(([a, b]) => ({ a, b, difference: accuracyDifference(a, b, shared) }))
    .sort((x, y) => y.difference.value - x.difference.value);
  const { a, b, difference } = compared[0]!;
  const verdicts = compared.map((pair) => verdictOf(pair.difference, clause.differenceAtMost));
  const verdict = verdicts.includes("violated")
    ? "violated"
    : verdicts.includes("undecided")
      ? "undecided"
      : "holds";
  const rate = ({ correct, n }: { correct: number; n: number }): string =>
    `${Number(((100 * correct) / n).toPrecision(3))} %`;
  return {
    ...base,
    verdict,
    evidence: "data",
    violationRate: difference,
    n: groups.length,
    note: `group ${a.name}: ${rate(a)} of ${a.n}, group ${b.name}: ${rate(b)} of ${b.n}`,
  };
}

interface Group {
  readonly correct: number;
  readonly n: number;
}

/** |accuracy of a - accuracy of b| with its interval. */
export function accuracyDifference(a: Group, b: Group, level: number): Estimate {
  const [p, q] = [wilson(a.correct, a.n, { level }), wilson(b.correct, b.n, { level })];
  const value = p.value - q.value;
  const low = value - Math.hypot(p.value - p.interval[0], q.interval[1] - q.value);
  const high = value + Math.hypot(p.interval[1] - p.value, q.value - q.interval[0]);
  const smallest = low <= 0 && high >= 0 ? 0 : Math.min(Math.abs(low), Math.abs(high));
  const largest = Math.max(Math.abs(low), Math.abs(high));
  return {
    kind: "estimate",
    value: Math.abs(value),
    interval: [smallest, largest],
    level,
    n: a.n + b.n,
    method: "Newcombe",
  };
}
