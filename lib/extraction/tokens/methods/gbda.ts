/**
 * Gradient-based distributional attack: each place of the run holds a distribution over tokens, which descends the
 * expected objective; in the end runs are drawn from it and judged exactly.
 *
 * Misleads where the value of the mixture is taken for that of a run: only the value of drawn runs is given back.
 * Deviations: Adam with the short memory of `adam.ts`, the temperature falls from 1 to 0.1, and there is no term for fluency, since nothing says that a planted
 * trigger is fluent.
 *
 * @see C. Guo et al. (2021), Gradient-based adversarial attacks against text transformers. EMNLP.
 */
import { type Generator, generator } from "../../../random/index.js";
import { Adam } from "../../adam.js";
import { stopIfAborted } from "../abort.js";
import type { Run } from "../carriers.js";
import type { RunObjective } from "../run-objective.js";
import type { FoundRun } from "./gcg.js";

/** Options of a search over distributions. */
export interface GbdaOptions {
  readonly seed: number;
  readonly runLength: number;
  /** Default 100. */
  readonly steps?: number;
  /** Default 0.3. */
  readonly learningRate?: number;
  /** Runs drawn in the end. Default 50. */
  readonly draws?: number;
  /** Stop descending when this many sequences have been run. */
  readonly budget?: number;
  readonly signal?: AbortSignal;
}

/** Searches a run of tokens that makes `objective` small. */
export async function gbda(objective: RunObjective, options: GbdaOptions): Promise<FoundRun> {
  const { seed, runLength, steps = 100, learningRate = 0.3, draws = 50, signal } = options;
  const { budget = Number.POSITIVE_INFINITY } = options;
  const { allowed, vocabulary } = objective;
  const before = objective.spent;
  const random = generator(seed).split("gbda");
  const theta = new Float32Array(runLength * allowed.length);
  const optimizer = new Adam(theta.length, learningRate);
  for (let step = 0; step < steps && objective.spent - before < budget; step++) {
    stopIfAborted(signal);
    const temperature = 1 - (0.9 * step) / Math.max(steps - 1, 1);
    const shares = softmaxRows(theta, runLength, temperature, random);
    const full = new Float64Array(runLength * vocabulary);
    for (let j = 0; j < runLength; j++) {
      allowed.forEach((token, v) => {
        full[j * vocabulary + token] = shares[j * allowed.length + v]!;
      });
    }
    const { gradient } = await objective.mixture(full, runLength);
    const slope = new Float32Array(theta.length);
    for (let j = 0; j < runLength; j++) {
      // Through the softmax: share * (gradient - its mean under the shares) / temperature.
      let mean = 0;
      allowed.forEach((token, v) => {
        mean += shares[j * allowed.length + v]! * gradient[j * vocabulary + token]!;
      });
      allowed.forEach((token, v) => {
        const at = j * allowed.length + v;
        slope[at] = (shares[at]! * (gradient[j * vocabulary + token]! - mean)) / temperature;
      });
    }
    optimizer.update(theta, slope);
  }
  const runs = Array.from({ length: draws }, () => drawFrom(theta, allowed, runLength, random));
  const values = await objective.evaluate(runs);
  const lowest = values.indexOf(
    values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY),
  );
  return {
    run: runs[Math.max(lowest, 0)]!,
    value: values[Math.max(lowest, 0)]!,
    spent: objective.spent - before,
  };
}

/** Softmax of each row of `theta` with Gumbel noise. */
function softmaxRows(
  theta: Float32Array,
  rows: number,
  temperature: number,
  random: Generator,
): Float64Array {
  const columns = theta.length / rows;
  const shares = Float64Array.from(
    theta,
    (value) => (value - Math.log(-Math.log(random.uniform() || 1e-300))) / temperature,
  );
  for (let j = 0; j < rows; j++) {
    const row = shares.subarray(j * columns, (j + 1) * columns);
    const most = row.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
    let total = 0;
    row.forEach((value, i) => {
      row[i] = Math.exp(value - most);
      total += row[i]!;
    });
    row.forEach((value, i) => {
      row[i] = value / total;
    });
  }
  return shares;
}

/** A run drawn from the distributions: the highest of each row after Gumbel noise. */
function drawFrom(theta: Float32Array, allowed: Int32Array, rows: number, random: Generator): Run {
  const columns = theta.length / rows;
  return Array.from({ length: rows }, (_, j) => {
    let best = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (let v = 0; v < columns; v++) {
      const value = theta[j * columns + v]! - Math.log(-Math.log(random.uniform() || 1e-300));
      if (value > highest) {
        highest = value;
        best = v;
      }
    }
    return allowed[best]!;
  });
}
