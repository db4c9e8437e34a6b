/**
 * PEZ: a run of free vectors is moved by the gradient taken at the tokens nearest to them.
 *
 * Misleads like every search on success alone; and it stands still where a step is smaller than the way to another
 * token, so the best projected run ever is given back.
 *
 * @see Y. Wen et al. (2023), Hard prompts made easy: gradient-based discrete optimization for prompt tuning. NeurIPS.
 */
import { generator } from "../../../random/index.js";
import { Adam } from "../../adam.js";
import { stopIfAborted } from "../abort.js";
import type { Run } from "../carriers.js";
import type { RunObjective } from "../run-objective.js";
import { drawRun, type FoundRun } from "./gcg.js";

/** Options of a search over projected vectors. */
export interface PezOptions {
  readonly seed: number;
  readonly runLength: number;
  /** Default 150. */
  readonly steps?: number;
  /** Default 0.1, of the table's mean vector length. */
  readonly learningRate?: number;
  /** Stop when this many sequences have been run. */
  readonly budget?: number;
  readonly signal?: AbortSignal;
}

/** Searches a run of tokens that makes `objective` small. */
export async function pez(objective: RunObjective, options: PezOptions): Promise<FoundRun> {
  const { seed, runLength, steps = 150, learningRate = 0.1, signal } = options;
  const { budget = Number.POSITIVE_INFINITY } = options;
  const before = objective.spent;
  const { vectors } = objective;
  if (vectors === undefined) return { run: [], value: Number.POSITIVE_INFINITY, spent: 0 };
  const { table, width } = vectors;
  const lengths = Float64Array.from(objective.allowed, (token) => lengthOf(table, token, width));
  const scale = lengths.reduce((sum, value) => sum + value, 0) / lengths.length;
  let run = drawRun(objective.allowed, runLength, generator(seed).split("pez"));
  const soft = Float32Array.from(
    run.flatMap((token) => [...table.subarray(token * width, (token + 1) * width)]),
  );
  const optimizer = new Adam(soft.length, (learningRate * scale) / Math.sqrt(width));
  let best = { run, value: Number.POSITIVE_INFINITY };
  for (let step = 0; step < steps && objective.spent - before < budget; step++) {
    stopIfAborted(signal);
    const { value, gradient } = await vectors.gradient(run);
    if (value < best.value) best = { run, value };
    optimizer.update(soft, Float32Array.from(gradient));
    run = nearest(soft, table, width, objective.allowed, lengths);
  }
  return { ...best, spent: objective.spent - before };
}

const lengthOf = (table: Float32Array, token: number, width: number): number =>
  Math.hypot(...table.subarray(token * width, (token + 1) * width)) || 1;

/** The allowed token of the highest cosine to each vector. */
function nearest(
  soft: Float32Array,
  table: Float32Array,
  width: number,
  allowed: Int32Array,
  lengths: Float64Array,
): Run {
  return Array.from({ length: soft.length / width }, (_, j) => {
    let best = 0;
    let highest = Number.NEGATIVE_INFINITY;
    allowed.forEach((token, v) => {
      let product = 0;
      for (let k = 0; k < width; k++) product += soft[j * width + k]! * table[token * width + k]!;
      const cosine = product / lengths[v]!;
      if (cosine > highest) {
        highest = cosine;
        best = token;
      }
    });
    return best;
  });
}
