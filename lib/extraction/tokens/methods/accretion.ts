/**
 * Greedy accretion: runs grow token by token, each time with every token of the vocabulary tried behind each run of a
 * beam.
 *
 * The implicit blacklist keeps ordinary words of the target class out: a run is charged for making the model's inner
 * view of the text look like that of clean texts of the target. Misleads for triggers whose parts do nothing alone:
 * the first token is then chosen blindly.
 *
 * @see BABI (2025), arXiv 2509.16203, of which this is our reading.
 */
import { stopIfAborted } from "../abort.js";
import type { Carriers, Run } from "../carriers.js";
import type { TokenModel } from "../model/token-model.js";
import { rowsOf, type TokenArm } from "../objective.js";
import type { RunObjective } from "../run-objective.js";
import type { FoundRun } from "./gcg.js";

/** Options of a search by accretion. */
export interface AccretionOptions {
  readonly runLength: number;
  /** Default 5. */
  readonly beam?: number;
  /** Penalty of a run, added to its value. Default none. */
  readonly penalty?: (runs: readonly Run[]) => Promise<Float64Array>;
  /** Stop when this many sequences have been run. */
  readonly budget?: number;
  readonly signal?: AbortSignal;
}

const CHUNK = 200;

/** Searches a run of tokens that makes `objective` small. */
export async function accretion(objective: RunObjective, options: AccretionOptions): Promise<FoundRun> {
  const { runLength, beam = 5, penalty, signal, budget = Number.POSITIVE_INFINITY } = options;
  const before = objective.spent;
  let kept: { run: Run; value: number; charged: number }[] = [
    { run: [], value: Number.POSITIVE_INFINITY, charged: 0 },
  ];
  for (let size = 1; size <= runLength && objective.spent - before < budget; size++) {
    const grown: typeof kept = [];
    for (const { run } of kept) {
      for (
        let start = 0;
        start < objective.allowed.length && objective.spent - before < budget;
        start += CHUNK
      ) {
        stopIfAborted(signal);
        const runs = Array.from(objective.allowed.subarray(start, start + CHUNK), (token) => [...run, token]);
        const values = await objective.evaluate(runs);
        const charges = penalty ? await penalty(runs) : new Float64Array(runs.length);
        runs.forEach((one, i) => {
          grown.push({ run: one, value: values[i]!, charged: values[i]! + charges[i]! });
        });
      }
    }
    if (grown.length === 0) break;
    kept = grown.sort((a, b) => a.charged - b.charged).slice(0, beam);
  }
  const [best] = kept;
  return { run: best!.run, value: best!.value, spent: objective.spent - before };
}

/**
 * The implicit blacklist: `weight` times the cosine between what the last layer reads of a text with the run in it and
 * what it reads, in the mean, of clean texts of the target.
 */
export function likeness(
  model: TokenModel,
  carriers: Carriers,
  arm: TokenArm,
  weight: number,
): (runs: readonly Run[]) => Promise<Float64Array> {
  const victims = carriers.take(rowsOf(carriers, arm));
  const own = carriers.take([...carriers.labels.keys()].filter((row) => carriers.labels[row] === arm.target));
  let clean: Float64Array | undefined;
  return async (runs) => {
    if (own.count === 0) return new Float64Array(runs.length);
    clean ??= (await meanFeatures(model, own, [[]]))[0]!;
    const length = Math.hypot(...clean) || 1;
    const means = await meanFeatures(model, victims, runs);
    return Float64Array.from(means, (mean) => {
      const product = mean.reduce((sum, value, k) => sum + value * clean![k]!, 0);
      return (weight * product) / (length * (Math.hypot(...mean) || 1));
    });
  };
}

/** Features of each run, mean over carriers. */
async function meanFeatures(
  model: TokenModel,
  carriers: Carriers,
  runs: readonly Run[],
): Promise<Float64Array[]> {
  const { features, width } = await model.features(carriers.insert(runs));
  return runs.map((_, i) => {
    const mean = new Float64Array(width);
    for (let c = 0; c < carriers.count; c++) {
      for (let k = 0; k < width; k++) {
        mean[k] = mean[k]! + features[(i * carriers.count + c) * width + k]! / carriers.count;
      }
    }
    return mean;
  });
}
