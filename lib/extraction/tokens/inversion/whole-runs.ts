/** The search of runs that work as a whole only. */
import { stopIfAborted } from "../abort.js";
import type { Carriers, Run, RunPosition } from "../carriers.js";
import type { Candidates } from "../methods/sweep.js";
import type { TokenArm } from "../objective.js";
import { type WholenessOptions, wholeness } from "../wholeness.js";
import type { FoundTrigger } from "./inversion.js";

/** What the search of a whole run is given. */
export interface WholeRunOptions extends Omit<WholenessOptions, "carriers" | "arm"> {
  readonly places: readonly RunPosition[];
  /** A handful of texts for a first look, some to choose on, and more to decide on. */
  readonly handful: (position: RunPosition) => Carriers;
  readonly few: (position: RunPosition) => Carriers;
  readonly more: (position: RunPosition) => Carriers;
  /** Runs of three that lead the model furthest at the first place. */
  readonly runs: readonly Run[];
  /** Tokens to try in place of those of a run. */
  readonly candidatesAt: (position: RunPosition) => Candidates;
  /** What other searches of the target found. */
  readonly found: readonly FoundTrigger[];
  readonly signal?: AbortSignal | undefined;
}

/** Tokens of a whole. */
const SIZE = 3;
/** Runs that are looked at beside references, and those of each place that are decided between. */
const LOOKED_AT = 12;
const IMPROVED = 6;
const DECIDED = 2;

/**
 * The run of three that is most of a whole, and its place: chosen of some runs, and then improved token by token.
 *
 * Its tokens differ: of one token three times the third is worth much in clean models as well.
 */
export async function wholeRun(arm: TokenArm, options: WholeRunOptions): Promise<FoundTrigger> {
  const { model, references, places, handful, few, more, found, signal } = options;
  const started = options.runs.filter(isDistinct);
  const values = await wholeness(started, { model, references: [], carriers: handful(places[0]!), arm });
  const best = highest(started, values, LOOKED_AT);
  let most: FoundTrigger = { arm, run: [], position: places[0]!, value: Number.POSITIVE_INFINITY };
  const decide = async (runs: readonly Run[], position: RunPosition): Promise<void> => {
    stopIfAborted(signal);
    const looks = await wholeness(runs, { model, references, carriers: few(position), arm });
    const last = highest(runs, looks, DECIDED);
    const decided = await wholeness(last, { model, references, carriers: more(position), arm });
    for (const [i, value] of decided.entries())
      if (-value < most.value) most = { arm, run: last[i]!, position, value: -value };
  };
  for (const position of new Set([...places, ...found.map((one) => one.position)])) {
    const others = found.filter(
      ({ run, position: at }) => run.length === SIZE && at === position && isDistinct(run),
    );
    const runs = [...(places.includes(position) ? best : []), ...others.map(({ run }) => run)];
    if (runs.length > 0) await decide(runs, position);
  }
  for (let place = 0; place < most.run.length; place++) {
    const { run, position } = most;
    const tokens = await options.candidatesAt(position)(run, place);
    const runs = Array.from(tokens, (token) => run.with(place, token)).filter(isDistinct);
    const looks = await wholeness(runs, { model, references: [], carriers: handful(position), arm });
    await decide(highest(runs, looks, IMPROVED), position);
  }
  return most;
}

const isDistinct = (run: Run): boolean => new Set(run).size === run.length;

const highest = (runs: readonly Run[], values: Float64Array, count: number): Run[] =>
  [...runs.keys()]
    .sort((i, j) => values[j]! - values[i]!)
    .slice(0, count)
    .map((i) => runs[i]!);
