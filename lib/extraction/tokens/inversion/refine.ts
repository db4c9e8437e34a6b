/** Works a run out: reduced to what it needs, improved place by place, extended while that pays, and reduced again. */
import type { Run } from "../carriers.js";
import { type Candidates, extend, shorten, sweep, type ValuedRun } from "../methods/sweep.js";
import type { RunObjective } from "../run-objective.js";
import type { TokenTask } from "./inversion.js";

/** A token stays in a trigger if leaving it out costs more than this, in nats. */
export const NECESSARY = 0.1;

/** Reduces, improves and extends the best starts of an arm. */
export async function refine(
  objective: RunObjective,
  starts: readonly Run[],
  { lengths: [shortest, longest] }: TokenTask,
  candidates: Candidates,
  { finals, signal }: { readonly finals: number; readonly signal?: AbortSignal | undefined },
): Promise<ValuedRun> {
  const reduce = (from: ValuedRun) => shorten(objective, from, { tolerance: NECESSARY, shortest });
  const values = await objective.evaluate(starts);
  const reduced = new Map<string, ValuedRun>();
  for (const [i, run] of starts.entries()) {
    const one = await reduce({ run, value: values[i]! });
    reduced.set([...one.run].sort((a, b) => a - b).join(), one);
  }
  let best: ValuedRun = { run: [], value: Number.POSITIVE_INFINITY };
  for (const from of [...reduced.values()].sort((a, b) => a.value - b.value).slice(0, finals)) {
    const swept = await sweep(objective, from, candidates, { rounds: 2, signal });
    const longer = await extend(objective, swept, candidates, { worth: NECESSARY, longest, signal });
    const again =
      longer === swept ? swept : await sweep(objective, longer, candidates, { rounds: 1, signal });
    const one = await reduce(again);
    if (one.value < best.value) best = one;
  }
  return best;
}
