/** What came out of checking a specification. */
import type { Estimate } from "../stats/index.js";
import type { Tensor } from "../tensor/index.js";
import { type Clause, describeClause, type Specification } from "./specification.js";

/**
 * What the evidence says about a clause.
 *
 * - holds: the whole interval of the violation rate lies within what is allowed.
 * - violated: the whole interval lies beyond it.
 * - undecided: the interval contains the limit; more data would tell.
 * - not refuted: a search found nothing. A search cannot show that there is nothing.
 * - not checked: something needed was missing; the note says what.
 */
export type ClauseVerdict = "holds" | "violated" | "undecided" | "not refuted" | "not checked";

/** One clause with its evidence. */
export interface ClauseReport {
  readonly clause: Clause;
  /** The clause in a sentence. */
  readonly statement: string;
  readonly verdict: ClauseVerdict;
  /** Where the evidence comes from: sampled data, every input there is, a proof, or a search. */
  readonly evidence: "data" | "exhaustive" | "proof" | "search" | "none";
  /** Share of examples that break the promise (for fairness, the largest difference of accuracies). */
  readonly violationRate: Estimate | null;
  /** Largest rate that the clause allows. */
  readonly allowed: number;
  readonly violations: number;
  /** Number of examples that the clause speaks about. */
  readonly n: number;
  readonly counterexample: Counterexample | null;
  /** What a reader should know, or empty. */
  readonly note: string;
}

/** An input that breaks a promise, made as small as the change allows. */
export interface Counterexample {
  /** Index of the example in the data. */
  readonly index: number;
  /** The input that breaks the promise, without its batch axis. */
  readonly input: Tensor;
  /** The input in words, if a tokenizer was given. */
  readonly text: string | null;
  /** The unchanged example, where the clause changes it. */
  readonly original: Tensor | null;
  readonly label: number | null;
  /** What the model answers. */
  readonly predicted: number;
  /** What it should have answered, where the clause says so. */
  readonly expected: number | null;
  /** How it was found and minimised. */
  readonly how: string;
}

/** A checked specification. */
export interface SpecificationReport {
  readonly kind: "specification-report";
  readonly specification: Specification;
  readonly model: string;
  readonly clauses: readonly ClauseReport[];
  /** Number of examples that were available. */
  readonly n: number;
  readonly level: number;
  readonly seed: number;
  /** Examples that were run through the model. */
  readonly forwardPasses: number;
  /** When checking stopped, as stated beforehand. */
  readonly stoppingRule: string;
}

/** The word for an interval and a limit. */
export function verdictOf({ interval: [low, high] }: Estimate, allowed: number): ClauseVerdict {
  if (high <= allowed) return "holds";
  return low > allowed ? "violated" : "undecided";
}

/** The report on a clause for which something needed is missing. */
export function notChecked(clause: Clause, note: string): ClauseReport {
  return {
    clause,
    statement: describeClause(clause),
    verdict: "not checked",
    evidence: "none",
    violationRate: null,
    allowed: allowedRate(clause),
    violations: 0,
    n: 0,
    counterexample: null,
    note,
  };
}

/** Largest rate that a clause allows. */
export function allowedRate(clause: Clause): number {
  if (clause.type === "accuracy") return 1 - clause.atLeast;
  if (clause.type === "fairness") return clause.differenceAtMost;
  return clause.type === "no-trigger" ? clause.successAtMost : clause.atMost;
}
