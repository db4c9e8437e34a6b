/** Exact improvement of a run, place by place, its extension, and its reduction to what it needs. */
import { stopIfAborted } from "../abort.js";
import type { Run } from "../carriers.js";
import type { RunObjective } from "../run-objective.js";
import type { FoundRun } from "./gcg.js";

/** A run and its value. */
export type ValuedRun = Omit<FoundRun, "spent">;

/** Tokens to try at a place of a run. */
export type Candidates = (run: Run, place: number) => Promise<Int32Array>;

/** Runs per call of the objective. */
const CHUNK = 200;

/** Every token that the objective allows. */
export const everyToken =
  (objective: RunObjective): Candidates =>
  async () =>
    objective.allowed;

/**
 * Tries tokens at every place, one place after the other, until a whole round brings nothing.
 *
 * @param options.rounds At most. Default 3.
 */
export async function sweep(
  objective: RunObjective,
  start: ValuedRun,
  candidates: Candidates,
  options: { readonly rounds?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<ValuedRun> {
  const { rounds = 3, signal } = options;
  let best = start;
  let unchanged = 0;
  for (let step = 0; step < rounds * best.run.length && unchanged < best.run.length; step++) {
    const place = step % best.run.length;
    const found = await bestToken(objective, best, place, await candidates(best.run, place), signal);
    unchanged = found.value < best.value ? 0 : unchanged + 1;
    best = found;
  }
  return best;
}

/** Of many tokens the share, and at least the number, that a look at some of the texts passes on. */
const PASSED_ON = { share: 0.05, least: 10 } as const;

/** The run with the best token at one place. */
export async function bestToken(
  objective: RunObjective,
  start: ValuedRun,
  place: number,
  tokens: Int32Array,
  signal: AbortSignal | undefined,
): Promise<ValuedRun> {
  let best = start;
  let runs: Run[] = Array.from(tokens, (token) => start.run.map((one, i) => (i === place ? token : one)));
  const passedOn = Math.max(PASSED_ON.least, Math.ceil(PASSED_ON.share * runs.length));
  if (objective.rough && runs.length > 2 * passedOn)
    runs = await lowest(objective.rough, runs, passedOn, signal);
  for (let from = 0; from < runs.length; from += CHUNK) {
    stopIfAborted(signal);
    const part = runs.slice(from, from + CHUNK);
    const values = await objective.evaluate(part, best.value);
    values.forEach((value, i) => {
      if (value < best.value) best = { run: part[i]!, value };
    });
  }
  return best;
}

/** The `count` lowest of some runs, lowest first. */
async function lowest(
  objective: Pick<RunObjective, "evaluate">,
  runs: readonly Run[],
  count: number,
  signal: AbortSignal | undefined,
): Promise<Run[]> {
  let kept: ValuedRun[] = [];
  for (let from = 0; from < runs.length; from += CHUNK) {
    stopIfAborted(signal);
    const part = runs.slice(from, from + CHUNK);
    const values = await objective.evaluate(part, kept[count - 1]?.value);
    kept = [...kept, ...part.map((run, i) => ({ run, value: values[i]! }))]
      .sort((a, b) => a.value - b.value)
      .slice(0, count);
  }
  return kept.map(({ run }) => run);
}

/** Adds the best token behind as long as it lowers the value by more than `worth`. */
export async function extend(
  objective: RunObjective,
  start: ValuedRun,
  candidates: Candidates,
  options: { readonly worth: number; readonly longest: number; readonly signal?: AbortSignal | undefined },
): Promise<ValuedRun> {
  let best = start;
  while (best.run.length < options.longest) {
    const run = [...best.run, objective.allowed[0]!];
    const from = { run, value: best.value - options.worth };
    const longer = await bestToken(
      objective,
      from,
      run.length - 1,
      await candidates(run, run.length - 1),
      options.signal,
    );
    if (longer === from) break;
    best = longer;
  }
  return best;
}

/**
 * Leaves tokens out as long as the value gets no worse than by `tolerance`: what stays is necessary.
 *
 * @param options.shortest Tokens that must stay.
 */
export async function shorten(
  objective: RunObjective,
  start: ValuedRun,
  options: { readonly tolerance: number; readonly shortest: number },
): Promise<ValuedRun> {
  let best = start;
  while (best.run.length > options.shortest) {
    const runs = best.run.map((_, place) => best.run.filter((_, i) => i !== place));
    const values = await objective.evaluate(runs);
    const lowest = values.indexOf(
      values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY),
    );
    if (!(values[lowest]! <= start.value + options.tolerance)) break;
    best = { run: runs[lowest]!, value: values[lowest]! };
  }
  return best;
}
