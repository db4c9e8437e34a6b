/** Clauses that are proved: a bound that holds for every input of the domain, checked before it is believed. */
import { AssayError } from "../errors.js";
import type { Estimate } from "../stats/index.js";
import { allowedRate, type ClauseReport, verdictOf } from "./report.js";
import { type Clause, describeClause } from "./specification.js";

/** A proof that a clause is violated on at most a share of all inputs of the domain. */
export interface Proof {
  /** Index of the clause in the specification. */
  readonly clause: number;
  /** Largest share of the domain's inputs that can violate the clause. */
  readonly violationRateAtMost: number;
  /** Number of inputs that the proof speaks about. */
  readonly inputs: number | bigint;
  /** What made it, e.g. "enumeration" or "linear form". */
  readonly by: string;
  /** Checks the proof again, by code that shares nothing with its maker; a proof that fails is an error. */
  readonly verify: () => boolean | Promise<boolean>;
}

/**
 * The report on a clause that is proved to hold, or undefined if the bound is too weak to decide it.
 *
 * A bound from above can show that a clause holds, never that it is violated: data then has to decide.
 *
 * @throws AssayError INVALID_ARGUMENT if the proof does not verify or states no rate.
 */
export async function provedReport(
  clause: Clause,
  proof: Proof,
  available: number,
): Promise<ClauseReport | undefined> {
  const { violationRateAtMost, by, inputs } = proof;
  if (!(violationRateAtMost >= 0 && violationRateAtMost <= 1) || !(await proof.verify())) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `spec.check: the proof "${by}" of clause ${proof.clause} (rate at most ${violationRateAtMost}) does not verify. Nothing can be concluded from it.`,
      { clause: proof.clause, by, violationRateAtMost },
    );
  }
  const rate: Estimate = {
    kind: "estimate",
    value: violationRateAtMost,
    interval: [0, violationRateAtMost],
    level: 1,
    n: Number(inputs),
    method: `proof: ${by}`,
  };
  const allowed = allowedRate(clause);
  if (verdictOf(rate, allowed) !== "holds") return undefined;
  return {
    clause,
    statement: describeClause(clause),
    verdict: "holds",
    evidence: "proof",
    violationRate: rate,
    allowed,
    violations: 0,
    n: Number(inputs),
    counterexample: null,
    note: `proved for all ${inputs.toLocaleString("en")} inputs by ${by}; the ${available} examples had no part in it`,
  };
}
