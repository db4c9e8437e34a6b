/** Checking every input of a domain that is too large to be listed at once. */
import { AssayError } from "../errors.js";
import type { Estimate } from "../stats/index.js";
import type { CheckData } from "./check.js";
import { contextOf } from "./context.js";
import { countInputs, inputsFrom } from "./domain.js";
import type { Observable } from "./observe.js";
import {
  allowedRate,
  type ClauseReport,
  type Counterexample,
  notChecked,
  type SpecificationReport,
  verdictOf,
} from "./report.js";
import { describeClause, type Specification } from "./specification.js";
import { type PerExampleClause, trials } from "./trials.js";

/** How all inputs are checked. */
export interface EveryInputOptions {
  /** Inputs listed at a time. Default 65,536. */
  readonly batch?: number;
  /** Most inputs that a check may take. Default 100 million. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Checks a specification on every input that its domain of type "enumeration" holds. Rates are exact, and "holds"
 * and "violated" are facts about the model: no sampling, no confidence level.
 *
 * Cost: one forward pass per input. Clauses that change inputs, compare groups or need triggers are not checked.
 *
 * @param labelOf The right answer to a sequence of symbols.
 * @throws AssayError INVALID_ARGUMENT if the domain is not enumerable, TOO_LARGE, ABORTED.
 * @example
 * await spec.checkEveryInput(model, maxOfFour, (symbols) => Math.max(...symbols))
 */
export async function checkEveryInput(
  model: Observable,
  specification: Specification,
  labelOf: (symbols: readonly number[]) => number,
  options: EveryInputOptions = {},
): Promise<SpecificationReport> {
  const { batch = 65_536, limit = 1e8, signal, onProgress } = options;
  const { domain, clauses } = specification;
  if (domain.type !== "enumeration") {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `spec.checkEveryInput: the inputs of a domain of type "${domain.type}" cannot be listed. Use spec.check.`,
      { domain: domain.type },
    );
  }
  const total = countInputs(domain);
  if (!(total <= limit)) {
    throw new AssayError(
      "TOO_LARGE",
      `spec.checkEveryInput: the domain holds ${total} inputs, more than the limit of ${limit}. Fix some places, or raise { limit }.`,
      { total, limit },
    );
  }
  const counts = clauses.map(() => ({ violations: 0, asked: 0, witness: null as Counterexample | null }));
  let forwardPasses = 0;
  for (let from = 0; from < total; from += batch) {
    if (signal?.aborted) {
      throw new AssayError("ABORTED", "spec.checkEveryInput: stopped by its signal.", { done: from, total });
    }
    const to = Math.min(total, from + batch);
    const data: CheckData = { ...inputsFrom(domain, labelOf, from, to), isExhaustive: true };
    const context = contextOf(model, specification, data, { seed: 1, ...(signal ? { signal } : {}) });
    const indices = Array.from({ length: to - from }, (_, i) => i);
    for (const [i, clause] of clauses.entries()) {
      if (!isListed(clause)) continue;
      const count = counts[i]!;
      const outcome = await trials(clause, context, indices);
      count.violations += outcome.violated.filter(Boolean).length;
      count.asked += outcome.violated.length;
      const witness = count.witness ? null : await outcome.witness();
      if (witness) count.witness = { ...witness, index: from + witness.index };
    }
    forwardPasses += context.forwardPasses();
    onProgress?.(to, total);
  }
  return {
    kind: "specification-report",
    specification,
    model: model.name,
    clauses: clauses.map((clause, i): ClauseReport => {
      const { violations, asked, witness } = counts[i]!;
      if (!isListed(clause)) return notChecked(clause, "cannot be checked by listing inputs: use spec.check");
      if (asked === 0) return notChecked(clause, "no input meets its condition");
      const rate = exactRate(violations, asked);
      const allowed = allowedRate(clause);
      return {
        clause,
        statement: describeClause(clause),
        verdict: verdictOf(rate, allowed),
        evidence: "exhaustive",
        violationRate: rate,
        allowed,
        violations,
        n: asked,
        counterexample: witness,
        note: "",
      };
    }),
    n: total,
    level: 1,
    seed: 1,
    forwardPasses,
    stoppingRule: "every input that exists",
  };
}

/** A rate that is counted, not estimated. */
export function exactRate(violations: number, n: number): Estimate {
  const value = violations / n;
  return { kind: "estimate", value, interval: [value, value], level: 1, n, method: "every input checked" };
}

/** Clauses that ask a question of each unchanged input. */
const isListed = (clause: Specification["clauses"][number]): clause is PerExampleClause =>
  ["accuracy", "forbidden-output", "rare-event", "predicate"].includes(clause.type);
