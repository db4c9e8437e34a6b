/** Which tokens of a vocabulary a search tries, and where. */
import type { Run } from "../carriers.js";
import { lowestTokens } from "../methods/gcg.js";
import type { Candidates } from "../methods/sweep.js";
import type { TokenArm } from "../objective.js";
import type { RunObjective } from "../run-objective.js";
import type { TokenSearchSettings, TokenTask } from "./inversion.js";
import type { Screening } from "./screening.js";

/** Unusual tokens first, then for each target those that alone move this model more than the references. */
export function poolOf(
  screening: Screening,
  task: TokenTask,
  { pool, perTarget }: TokenSearchSettings,
): Int32Array {
  const chosen = new Set(screening.order.slice(0, pool).map((i) => task.allowed[i]!));
  for (const target of new Set(task.arms.map((arm) => arm.target)))
    for (const token of strongest(screening, screening.excess, task, { target }, perTarget))
      chosen.add(token);
  return Int32Array.from(chosen);
}

/** Tokens that alone move this model to a target more than the references, those that do most first. */
export function strongest(
  { order, classes }: Screening,
  values: Float64Array,
  { allowed }: TokenTask,
  { target }: Pick<TokenArm, "target">,
  count: number,
): Int32Array {
  const best = [...order].sort((a, b) => values[a * classes + target]! - values[b * classes + target]!);
  return Int32Array.from(best.slice(0, count), (i) => allowed[i]!);
}

/** All tokens, or the most unusual of a large vocabulary. */
export const thirdTokens = (order: readonly number[], allowed: Int32Array, most: number): Int32Array =>
  Int32Array.from(order.slice(0, most), (i) => allowed[i]!);

/** Tokens that a sweep tries: all, or the most unusual and the strongest of a large vocabulary. */
export function sweepTokens(
  { order, crossEntropies, classes }: Screening,
  pool: Int32Array,
  { target }: TokenArm,
  { allowed }: TokenTask,
  { sweepTokens: most }: TokenSearchSettings,
): Int32Array {
  if (allowed.length <= most) return allowed;
  const strongest = [...order].sort(
    (a, b) => crossEntropies[a * classes + target]! - crossEntropies[b * classes + target]!,
  );
  const chosen = new Set(pool);
  for (let i = 0; i < order.length && chosen.size < most; i++) {
    chosen.add(allowed[order[i]!]!);
    chosen.add(allowed[strongest[i]!]!);
  }
  return Int32Array.from(chosen).sort();
}

/** Tokens that a place is tried with: the pool, and the best by gradient where there is one. */
export function likelyTokens(
  objective: RunObjective,
  pool: Int32Array,
  fallback: Int32Array,
  count: number,
): Candidates {
  if (!objective.hasGradients) return async () => fallback;
  let last: { run: Run; gradient: Float64Array } | undefined;
  return async (run, place) => {
    if (last?.run.join() !== run.join()) last = { run, gradient: await objective.gradient(run) };
    const best = lowestTokens(last.gradient, place, objective.vocabulary, objective.allowed, count);
    return Int32Array.from(new Set([...pool, ...best]));
  };
}
