/** The searches for runs of tokens side by side, at one budget: what they find, and what of it was planted. */
import {
  accretion,
  type FoundRun,
  gbda,
  gcg,
  hotFlip,
  pez,
  type RunObjective,
  searchRuns,
} from "../../extraction/index.js";
import { bootstrap, type Estimate } from "../../stats/index.js";
import type { TrackRow } from "../track.js";

/** A planted run that searches are set on; its length and the target are given. */
export interface SearchTask {
  readonly runLength: number;
  /** The objective of the model alone, or minus that of references. */
  objective(withReferences: boolean): RunObjective;
  /** Share of held-out inputs on which a run works. */
  success(run: readonly number[]): Promise<number>;
}

/** What a method came to on one task. */
export interface MethodScore {
  readonly method: string;
  readonly run: readonly number[];
  readonly success: number;
  readonly spent: number;
}

/** Tokens of a search's run: as many as are planted. */
interface Settings {
  readonly runLength: number;
  readonly seed: number;
  readonly budget: number;
}

type Method = (objective: RunObjective, settings: Settings) => Promise<FoundRun>;

/** Searches that know nothing of references, and those that subtract them. Steps are set so that the budget ends them. */
const methods: readonly {
  readonly name: string;
  readonly withReferences: boolean;
  readonly search: Method;
}[] = [
  { name: "GCG", withReferences: false, search: (o, s) => gcg(o, { ...s, steps: 100_000 }) },
  {
    name: "GCG, buffer of 8, two swaps",
    withReferences: false,
    search: (o, s) => gcg(o, { ...s, steps: 100_000, buffer: 8, swaps: 2 }),
  },
  { name: "UAT", withReferences: false, search: (o, s) => hotFlip(o, { ...s, restarts: 1000 }) },
  { name: "PEZ", withReferences: false, search: (o, s) => pez(o, { ...s, steps: 100_000 }) },
  { name: "GBDA", withReferences: false, search: repeatedGbda },
  { name: "greedy accretion", withReferences: false, search: (o, s) => accretion(o, { ...s, beam: 2 }) },
  {
    name: "GCG on the difference to references",
    withReferences: true,
    search: (o, s) => gcg(o, { ...s, steps: 100_000 }),
  },
  {
    name: "differential search (UAT, sweeps, reduction)",
    withReferences: true,
    search: (o, s) => searchRuns(o, { ...s, lengths: [1, s.runLength], restarts: 1000 }),
  },
];

/** GBDA has a schedule, so a budget is spent on several descents. */
async function repeatedGbda(objective: RunObjective, settings: Settings): Promise<FoundRun> {
  const before = objective.spent;
  let best: FoundRun = { run: [], value: Number.POSITIVE_INFINITY, spent: 0 };
  for (let i = 0; objective.spent - before < settings.budget; i++) {
    const found = await gbda(objective, { ...settings, seed: settings.seed + i });
    if (found.value < best.value) best = found;
  }
  return { ...best, spent: objective.spent - before };
}

/** Runs every method on a task. */
export async function scoreMethods(
  task: SearchTask,
  options: { readonly seed: number; readonly budget: number },
): Promise<MethodScore[]> {
  const scores: MethodScore[] = [];
  for (const { name, withReferences, search } of methods) {
    const { run, spent } = await search(task.objective(withReferences), {
      ...options,
      runLength: task.runLength,
    });
    scores.push({
      method: name,
      run,
      success: await task.success(run),
      spent,
    });
  }
  return scores;
}

const mean = (values: readonly number[], seed: number): Estimate =>
  bootstrap([values], ([drawn]) => drawn!.reduce((sum, value) => sum + value, 0) / drawn!.length, { seed });

/** Share of the planted tokens that a run holds. */
export const recallOf = (run: readonly number[], planted: readonly number[]): number =>
  planted.filter((token) => run.includes(token)).length / planted.length;

/**
 * Success and recall of each method, apart.
 *
 * @param planted The planted run of each task; known when all searches are done.
 */
export function methodRows(
  tasks: readonly (readonly MethodScore[])[],
  planted: readonly (readonly number[])[],
  seed: number,
  goals?: { readonly method: string; readonly recall: number; readonly success: number },
): TrackRow[] {
  return methods.flatMap(({ name }) => {
    const own = tasks.map((scores) => scores.find(({ method }) => method === name)!);
    const spent = Math.round(own.reduce((sum, one) => sum + one.spent, 0) / own.length);
    const goal = (atLeast: number | undefined) =>
      atLeast !== undefined && goals?.method === name ? { atLeast } : null;
    return [
      {
        metric: `${name}: success`,
        estimate: mean(
          own.map(({ success }) => success),
          seed,
        ),
        goal: goal(goals?.success),
        note: `${spent} sequences each`,
      },
      {
        metric: `${name}: planted tokens recovered`,
        estimate: mean(
          own.map(({ run }, i) => recallOf(run, planted[i]!)),
          seed,
        ),
        goal: goal(goals?.recall),
      },
    ];
  });
}
