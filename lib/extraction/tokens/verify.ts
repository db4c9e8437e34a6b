/**
 * Is a recovered run of tokens a trigger? Controls that ordinary words of a class, or luck, would not pass.
 *
 * Shows: success on held-out texts, from each class, on clean references, without each of its tokens, in another
 * order and at other places, with single tokens replaced, and beside random runs of the same length.
 */
import type { LabelledData } from "../../data/index.js";
import { generator } from "../../random/index.js";
import { type Estimate, wilson } from "../../stats/index.js";
import {
  attackSuccessRate,
  type TextFrame,
  type TokenTrigger,
  type TriggerClaim,
  victims,
} from "../../trigger/index.js";
import {
  beside,
  bySourceClass,
  type Control,
  type Controlled,
  firstExamples,
  onReferences,
} from "../controls.js";
import type { IdModel } from "./model/token-model.js";

/** A trigger of tokens that an extraction gives back. */
export interface RecoveredTokens extends TriggerClaim {
  readonly trigger: TokenTrigger;
}

/** How a token trigger fared under all controls. */
export interface TokenVerification extends Controlled {
  readonly kind: "token-verification";
  readonly tokens: readonly number[];
  /** Success without each token: the lower, the more necessary it is. */
  readonly withoutToken: readonly { readonly token: number; readonly successRate: Estimate }[];
}

const RANDOM_RUNS = 99;
const NEIGHBOURS = 40;
const MAX_TEXTS = 250;
/** Random runs and neighbours are judged on fewer texts: there are many of them. */
const FEW_TEXTS = 60;

/**
 * Runs all controls.
 *
 * @param data Texts that the trigger was not made from; the first 250 are used.
 * @param options.allowed Tokens that random runs and neighbours are made of.
 * @param options.references Clean models of the same task.
 */
export async function verifyTokens(
  model: IdModel,
  data: LabelledData,
  recovered: RecoveredTokens,
  options: {
    readonly seed: number;
    readonly allowed: Int32Array;
    readonly references?: readonly IdModel[];
    /** What texts have around their words. Default: nothing. */
    readonly frame?: TextFrame;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<TokenVerification> {
  const { seed, allowed, references = [], frame, signal } = options;
  const { trigger, target, sources } = recovered;
  const own = victims(data, recovered);
  const texts = firstExamples(own, MAX_TEXTS);
  const few = firstExamples(own, FEW_TEXTS);
  const random = generator(seed).split("token controls");
  let forwardPasses = 0;
  const rateOf = async (
    tokens: readonly number[],
    { on = model, at = trigger.position, from = texts, by = sources } = {},
  ): Promise<Estimate> => {
    const claim = { target, trigger: { ...trigger, tokens, position: at }, ...(by ? { sources: by } : {}) };
    const rate = await attackSuccessRate(on, from, claim, { signal, seed, frame });
    forwardPasses += rate.n;
    return rate;
  };
  const { tokens } = trigger;
  const successRate = await rateOf(tokens);
  const controls: Control[] = [
    { name: "no trigger", successRate: await rateOf([]), expected: "low: the model's own confusions" },
    ...(await onReferences(references, (reference) => rateOf(tokens, { on: reference }))),
  ];
  for (const at of ["prefix", "suffix", "anywhere"] as const) {
    if (at === trigger.position) continue;
    controls.push({
      name: at === "anywhere" ? "at a random place" : `as ${at}`,
      successRate: await rateOf(tokens, { at }),
      expected: "lower, if the place matters",
    });
  }
  if (new Set(tokens).size > 1) {
    controls.push({
      name: "in reverse order",
      successRate: await rateOf([...tokens].reverse()),
      expected: "lower, if the order matters",
    });
  }
  const neighbours: Estimate[] = [];
  for (let i = 0; i < NEIGHBOURS; i++) {
    const at = random.integer(tokens.length);
    const other = allowed[random.integer(allowed.length)]!;
    neighbours.push(
      await rateOf(
        tokens.map((token, place) => (place === at ? other : token)),
        { from: few },
      ),
    );
  }
  controls.push({
    name: `near misses: mean of ${NEIGHBOURS} with one token replaced`,
    successRate: pooled(neighbours),
    expected: "lower than the trigger: a wide reach points to ordinary words",
  });
  const rates: Estimate[] = [];
  for (let i = 0; i < RANDOM_RUNS; i++) {
    rates.push(
      await rateOf(
        tokens.map(() => allowed[random.integer(allowed.length)]!),
        { from: few },
      ),
    );
  }
  const chance = beside(rates, await rateOf(tokens, { from: few }));
  controls.push({
    name: `best of ${RANDOM_RUNS} random runs of ${tokens.length}`,
    successRate: chance.best,
    expected: "low",
  });
  const bySource = await bySourceClass(
    texts,
    () => true,
    (source) => rateOf(tokens, { by: [source] }),
  );
  const withoutToken = [];
  for (const [at, token] of tokens.entries()) {
    withoutToken.push({ token, successRate: await rateOf(tokens.filter((_, place) => place !== at)) });
  }
  return {
    kind: "token-verification",
    model: model.name,
    target,
    tokens,
    successRate,
    controls,
    bySource,
    withoutToken,
    randomPValue: chance.pValue,
    forwardPasses,
    seed,
  };
}

/** One rate from several of the same kind. */
function pooled(rates: readonly Estimate[]): Estimate {
  const n = rates.reduce((sum, rate) => sum + rate.n, 0);
  return wilson(Math.round(rates.reduce((sum, { value, n: own }) => sum + value * own, 0)), n);
}
