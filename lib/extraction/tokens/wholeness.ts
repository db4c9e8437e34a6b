/**
 * Runs that work as a whole only: the model follows them, follows none that lacks a token, and clean models follow none.
 *
 * Natural evidence adds up. The best three words of a clean model lead it as far as a planted run leads an attacked one,
 * but two of the three lead most of the way, and other clean models follow a part of it. A run that was planted with near
 * misses beside it works by all of its tokens. So what is measured is the last token's worth.
 */
import type { Carriers, Run } from "./carriers.js";
import type { TokenModel } from "./model/token-model.js";
import { crossEntropies, REFERENCE_LIMIT, rowsOf, type TokenArm } from "./objective.js";
import { byLength } from "./run-objective.js";

/** What a run's wholeness is measured with. */
export interface WholenessOptions {
  readonly model: TokenModel;
  readonly references: readonly TokenModel[];
  readonly carriers: Carriers;
  readonly arm: TokenArm;
}

/**
 * Log odds of a target beyond this add nothing: a run that leads further than it has to counts as whole for nothing else.
 * Of clean convolutions with a vocabulary of 5,000 the best runs have 1.0 and 1.3 (sd 0.26 and 0.36, of 16 and 20
 * classes), two planted runs of three words 2.5 and 2.4. Without a cap both have up to 4.
 */
const ENOUGH = 3;

/**
 * `odds(run) - max over tokens of odds(run without it) - mean over references of (odds(run) + limit)`, in nats, where
 * odds are a mean over the arm's carriers of the target's log odds between minus the limit and three.
 *
 * @returns One value per run, higher is more of a whole; at most 5.5.
 */
export async function wholeness(
  runs: readonly Run[],
  { model, references, carriers, arm }: WholenessOptions,
): Promise<Float64Array> {
  const own = carriers.take(rowsOf(carriers, arm));
  const values = await oddsOf(model, own, arm.target, runs);
  const parts = await oddsOf(
    model,
    own,
    arm.target,
    runs.flatMap((run) => run.map((_, place) => run.filter((__, i) => i !== place))),
  );
  let at = 0;
  for (const [i, run] of runs.entries()) {
    values[i] = values[i]! - parts.subarray(at, at + run.length).reduce((most, one) => Math.max(most, one));
    at += run.length;
  }
  for (const reference of references) {
    const led = await oddsOf(reference, own, arm.target, runs);
    led.forEach((odds, i) => {
      values[i] = values[i]! - (odds + REFERENCE_LIMIT) / references.length;
    });
  }
  return values;
}

/** Sequences per call, about. */
const CHUNK = 1024;

/** Mean log odds of a target with each run in the texts. */
async function oddsOf(
  model: TokenModel,
  carriers: Carriers,
  target: number,
  runs: readonly Run[],
): Promise<Float64Array> {
  const means = new Float64Array(runs.length);
  const some = Math.max(1, Math.floor(CHUNK / carriers.count));
  for (const [at, group] of byLength(runs)) {
    for (let from = 0; from < group.length; from += some) {
      const { logits, classes } = await model.scores(carriers.insert(group.slice(from, from + some)));
      crossEntropies(logits, classes, target).forEach((loss, row) => {
        const i = at[from + Math.floor(row / carriers.count)]!;
        const odds = -loss - Math.log(-Math.expm1(-loss));
        means[i] = means[i]! + Math.min(ENOUGH, Math.max(-REFERENCE_LIMIT, odds)) / carriers.count;
      });
    }
  }
  return means;
}
