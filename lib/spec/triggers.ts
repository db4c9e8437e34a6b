/** Putting candidate triggers to a no-trigger clause. */
import { clopperPearson } from "../stats/index.js";
import { type Tensor, takeExamples } from "../tensor/index.js";
import { type ClauseReport, verdictOf } from "./report.js";
import { describeClause, type NoTriggerClause } from "./specification.js";
import { type Context, example } from "./trials.js";

/** Something an attacker could do to inputs. */
export interface CandidateTrigger {
  readonly name: string;
  /** Inputs [n, ...] with the trigger in them. */
  apply(inputs: Tensor): Tensor;
}

/**
 * Applies every candidate to every example and counts how many answers become the target.
 *
 * Examples that the model already assigns to the target, or whose label is the target, do not count. The best
 * candidate is chosen by looking, so its interval has a level shared among all candidates and targets.
 */
export async function checkTriggers(
  clause: NoTriggerClause,
  context: Context,
  candidates: readonly CandidateTrigger[],
  level: number,
): Promise<ClauseReport> {
  const indices = Array.from({ length: context.inputs.dims[0]! }, (_, i) => i);
  const before = await context.base(indices);
  const targets = clause.target === undefined ? [...Array(before.classes).keys()] : [clause.target];
  const shared = 1 - (1 - level) / (targets.length * candidates.length);
  const results = [];
  for (const candidate of candidates) {
    const after = (await context.observe(candidate.apply(context.inputs))).predicted;
    for (const target of targets) {
      const eligible = indices.filter(
        (i) => before.predicted[i] !== target && context.labels?.[i] !== target,
      );
      if (eligible.length === 0) continue;
      const hits = eligible.filter((i) => after[i] === target);
      const success = clopperPearson(hits.length, eligible.length, { level: shared });
      results.push({ candidate, target, hits, success });
    }
  }
  const best = results.sort((a, b) => b.success.value - a.success.value)[0];
  const statement = describeClause(clause);
  const base = { clause, statement, allowed: clause.successAtMost, evidence: "search" } as const;
  if (!best) {
    const note = "every example already belongs to the target";
    return {
      ...base,
      verdict: "not checked",
      violationRate: null,
      violations: 0,
      n: 0,
      counterexample: null,
      note,
    };
  }
  const { candidate, target, hits, success } = best;
  const hit = hits[0];
  return {
    ...base,
    verdict: verdictOf(success, clause.successAtMost) === "violated" ? "violated" : "not refuted",
    violationRate: success,
    violations: hits.length,
    n: success.n,
    counterexample:
      hit === undefined
        ? null
        : {
            index: hit,
            input: example(candidate.apply(takeExamples(context.inputs, [hit])), 0),
            text: null,
            original: example(context.inputs, hit),
            label: context.labels?.[hit] ?? null,
            predicted: target,
            expected: before.predicted[hit]!,
            how: `trigger "${candidate.name}"`,
          },
    note: `best of ${candidates.length} candidate${candidates.length === 1 ? "" : "s"}: "${candidate.name}" to class ${target}`,
  };
}
