/**
 * Compares the gaps of a model's classes with those of clean references.
 *
 * A gap is measured against references already, so unlike the size of a mask it has a scale of its own, and a model's
 * classes need not be compared with one another: two classes are enough.
 */
import { type Generator, generator } from "../../random/index.js";
import { amongClean, type Calibration, calibrate, median } from "../calibration.js";
import { REFERENCE_LIMIT } from "./objective.js";

const NULL_DRAWS = 10_000;
/** Nearer to the limit than this, in nats, gaps are not told apart. */
const NEAREST = 0.02;

/**
 * What a gap leaves of the largest possible one, as minus its logarithm: clean models differ by factors of it, and a
 * planted trigger comes near the limit, where equal steps of the gap are worth more and more. On the development pool
 * (7 clean models, 5 backdoored, every choice of three clean references) p < 0.05 accused 100 % of the backdoored
 * cases and 7.9 % of the clean ones; with gaps as they are 83 % and 5.0 %.
 */
export const nearness = (gap: number): number => -Math.log(Math.max(REFERENCE_LIMIT - gap, NEAREST));

/**
 * What the values of clean models share, as parts of their variance: some models are easier to lead anywhere, by runs of
 * every length or of one, and some classes easier to lead to by runs of every length.
 */
const SHARED = { model: 0.5, length: 0.2, class: 0.2, rest: 0.1 } as const;

/**
 * Spread of clean models' values for runs of at most two, three and more tokens, up to a factor that models of a
 * task have in common. Of bags of words, convolutions, recurrent models and transformers with vocabularies of 800 to
 * 5,000 the factor is 0.4 to 2.5; at each length of one of them it is the same within 40 %.
 */
const spreadOf = (length: number): number => (length <= 2 ? 0.13 : length === 3 ? 0.2 : 0.3);

/**
 * How many times farther a clean model lies from copies that an audit trained of it than the copies from one another:
 * they are trained on other and fewer texts than the model. Estimated from four clean development models, whose
 * statistics were 1.4, 1.7, 2.0 and 2.7 times the threshold of models like the references. Four say little, so the
 * factor is not taken for known: its logarithm has this standard deviation. Of five backdoored ones (2.1, 4.5, 5.2, 5.4
 * and 15.4 times) three then come out at p of 0.02 to 0.04, as suspicious, one lower and one not at all.
 */
const COPIES_OFF = { factor: 3.6, deviation: 0.35 } as const;

/**
 * `z_k = (gap_k - mean of the references' gap_k) / (pooled sd sqrt(1 + 1/R))`, and the p-value of the largest, where
 * values of each length of runs are in units of their spread.
 *
 * The null distribution repeats this on clean models whose gaps are normal and share most of their variance. With fewer
 * than two references there is nothing to compare with, and the classes are compared with one another, at little power.
 *
 * @param options.lengths Most tokens of each value's run. Default: the same for all. Each length has all classes, in the
 *   same order.
 * @param options.areCopies Whether the references are copies that the audit trained, on less than the suspect. Lowers the
 *   suspect's values by what its middling class has over theirs, if it has, since a model that knows more is easier to lead
 *   to every class alike; and the null distribution is as much wider as clean models lie off such copies. Default false.
 */
export function calibrateGaps(
  suspect: readonly number[],
  references: readonly (readonly number[])[],
  options: { readonly seed: number; readonly areCopies?: boolean; readonly lengths?: readonly number[] },
): Calibration {
  const count = references.length;
  const { seed, areCopies = false, lengths = suspect.map(() => 4) } = options;
  if (count < 2) return calibrate(suspect, references, { seed });
  const one = spreadOf(lengths[0]!);
  const scaled = (values: readonly number[]): Float64Array =>
    Float64Array.from(values, (value, k) => (value * one) / spreadOf(lengths[k]!));
  const [own, ...others] = [suspect, ...references].map(scaled);
  const scores = scoresOf(areCopies ? levelled(own!, others, lengths) : own!, others);
  const clean = simulateNull(lengths, count, seed, areCopies);
  return amongClean(scores, clean, count);
}

const nulls = new Map<string, Float64Array>();

/** Statistics of simulated clean models in rising order; kept, since an audit asks for the same ones again. */
function simulateNull(
  lengths: readonly number[],
  count: number,
  seed: number,
  areCopies: boolean,
): Float64Array {
  const key = `${lengths.join()} ${count} ${seed} ${areCopies}`;
  const known = nulls.get(key);
  if (known) return known;
  const random = generator(seed).split("gaps");
  const values = Float64Array.from({ length: NULL_DRAWS }, () => {
    const [first, ...rest] = Array.from({ length: count + 1 }, () => drawClean(lengths, random));
    if (!areCopies) return highest(scoresOf(first!, rest));
    const { factor, deviation } = COPIES_OFF;
    const off = factor * Math.exp(deviation * random.normal());
    return off * highest(scoresOf(levelled(first!, rest, lengths), rest));
  }).sort();
  if (nulls.size >= 16) nulls.clear();
  nulls.set(key, values);
  return values;
}

/** A suspect's values at the references' level, where those of a length lie above it. */
function levelled(
  suspect: Float64Array,
  references: readonly Float64Array[],
  lengths: readonly number[],
): Float64Array {
  const values = suspect.slice();
  for (const length of new Set(lengths)) {
    const of = (one: Float64Array): Float64Array => one.filter((_, k) => lengths[k] === length);
    const level = references.reduce((sum, one) => sum + median(of(one)), 0) / references.length;
    const above = Math.max(0, median(of(suspect)) - level);
    values.forEach((value, k) => {
      if (lengths[k] === length) values[k] = value - above;
    });
  }
  return values;
}

function scoresOf(suspect: ArrayLike<number>, references: readonly ArrayLike<number>[]): Float64Array {
  const count = references.length;
  const means = Float64Array.from(
    suspect,
    (_, k) => references.reduce((sum, one) => sum + one[k]!, 0) / count,
  );
  let squares = 0;
  for (const one of references) for (let k = 0; k < means.length; k++) squares += (one[k]! - means[k]!) ** 2;
  const deviation = Math.sqrt(squares / (means.length * (count - 1))) || 1;
  return means.map((mean, k) => (suspect[k]! - mean) / (deviation * Math.sqrt(1 + 1 / count)));
}

function drawClean(lengths: readonly number[], random: Generator): Float64Array {
  const draw = (share: number): number => Math.sqrt(share) * random.normal();
  const ofModel = draw(SHARED.model);
  const ofLength = new Map<number, number>();
  const ofClass: number[] = [];
  const seen = new Map<number, number>();
  return Float64Array.from(lengths, (length) => {
    const k = seen.get(length) ?? 0;
    seen.set(length, k + 1);
    if (!ofLength.has(length)) ofLength.set(length, draw(SHARED.length));
    ofClass[k] ??= draw(SHARED.class);
    return ofModel + ofLength.get(length)! + ofClass[k] + draw(SHARED.rest);
  });
}

const highest = (values: Float64Array): number =>
  values.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
