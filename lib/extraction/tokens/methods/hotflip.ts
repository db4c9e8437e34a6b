/**
 * Universal adversarial triggers by HotFlip: places are swept in turn, a beam of runs is kept, and the tokens with
 * the lowest gradient are evaluated exactly.
 *
 * Shows a run that minimises an objective; the cheapest of the searches by gradient. Misleads as they all do: on plain
 * cross-entropy it finds ordinary words of the target class.
 *
 * @see E. Wallace et al. (2019), Universal adversarial triggers for attacking and analyzing NLP. EMNLP.
 */
import { generator } from "../../../random/index.js";
import { stopIfAborted } from "../abort.js";
import type { Run } from "../carriers.js";
import type { RunObjective } from "../run-objective.js";
import { drawRun, type FoundRun, lowestTokens } from "./gcg.js";

/** Options of a search by HotFlip. */
export interface HotFlipOptions {
  readonly seed: number;
  readonly runLength: number;
  /** Tokens per place that are evaluated. Default 20. */
  readonly candidates?: number;
  /** Default 2. */
  readonly beam?: number;
  /** Default 3. */
  readonly restarts?: number;
  /** Stop when this many sequences have been run. */
  readonly budget?: number;
  readonly signal?: AbortSignal;
}

/** Searches a run of tokens that makes `objective` small. */
export async function hotFlip(objective: RunObjective, options: HotFlipOptions): Promise<FoundRun> {
  const { seed, runLength, candidates = 20, beam = 2, restarts = 3, signal } = options;
  const { budget = Number.POSITIVE_INFINITY } = options;
  const before = objective.spent;
  const isSpent = (): boolean => objective.spent - before >= budget;
  let best = { run: [] as Run, value: Number.POSITIVE_INFINITY };
  for (let restart = 0; restart < restarts && !isSpent(); restart++) {
    const run = drawRun(objective.allowed, runLength, generator(seed).split(`hotflip ${restart}`));
    let kept = [{ run, value: (await objective.evaluate([run]))[0]! }];
    let unchanged = 0;
    for (let step = 0; unchanged < runLength && !isSpent(); step++) {
      stopIfAborted(signal);
      const place = step % runLength;
      const tried = [...kept];
      for (const from of kept) {
        const gradient = await objective.gradient(from.run);
        const tokens = lowestTokens(gradient, place, objective.vocabulary, objective.allowed, candidates);
        const runs = Array.from(tokens, (token) => from.run.map((one, i) => (i === place ? token : one)));
        const values = await objective.evaluate(runs);
        runs.forEach((next, i) => {
          tried.push({ run: next, value: values[i]! });
        });
      }
      const distinct = [...new Map(tried.map((one) => [one.run.join(), one])).values()];
      distinct.sort((a, b) => a.value - b.value);
      unchanged = distinct[0]!.value < kept[0]!.value ? 0 : unchanged + 1;
      kept = distinct.slice(0, beam);
    }
    if (kept[0]!.value < best.value) best = kept[0]!;
  }
  return { ...best, spent: objective.spent - before };
}
