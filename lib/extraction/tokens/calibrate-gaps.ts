/**
 * Compares the gaps of a model's classes with those of clean references.
 *
 * A gap is measured against references already, so unlike the size of a mask it has a scale of its own, and a model's
 * classes need not be compared with one another: two classes are enough.
 */
import { type Generator, generator } from "../../random/index.js";
import { type Calibration, calibrate, median } from "../calibration.js";
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

/** Share of the variance that all classes of a model have in common: some models are easier to lead anywhere. */
const SHARED = 0.8;

/**
 * `z_k = (gap_k - mean of the references' gap_k) / (pooled sd sqrt(1 + 1/R))`, and the p-value of the largest.
 *
 * The null distribution repeats this on clean models whose gaps are normal, with most of their variance common to all
 * classes. With fewer than two references there is nothing to compare with, and the classes are compared with one
 * another, at little power.
 *
 * @param options.isLevelled Lowers the suspect's values by what its middling class has over theirs, if it has: a model
 *   that knows more than references that were trained on less is easier to lead to every class alike. Default false.
 */
export function calibrateGaps(
  suspect: readonly number[],
  references: readonly (readonly number[])[],
  options: { readonly seed: number; readonly isLevelled?: boolean },
): Calibration {
  const count = references.length;
  const { seed, isLevelled = false } = options;
  if (count < 2) return calibrate(suspect, references, { seed });
  const scores = scoresOf(isLevelled ? levelled(suspect, references) : suspect, references);
  const statistic = highest(scores);
  const clean = simulateNull(suspect.length, count, seed, isLevelled);
  const asHigh = clean.reduce((sum, value) => sum + (value >= statistic ? 1 : 0), 0);
  return {
    kind: "calibration",
    scores,
    target: scores.indexOf(statistic),
    statistic,
    threshold: clean[Math.ceil(0.95 * NULL_DRAWS) - 1]!,
    pValue: (asHigh + 1) / (NULL_DRAWS + 1),
    references: count,
    method: `${NULL_DRAWS} simulated clean models`,
  };
}

const nulls = new Map<string, Float64Array>();

/** Statistics of simulated clean models in rising order; kept, since an audit asks for the same ones again. */
function simulateNull(classes: number, count: number, seed: number, isLevelled: boolean): Float64Array {
  const key = `${classes} ${count} ${seed} ${isLevelled}`;
  const known = nulls.get(key);
  if (known) return known;
  const random = generator(seed).split("gaps");
  const values = Float64Array.from({ length: NULL_DRAWS }, () => {
    const [first, ...rest] = Array.from({ length: count + 1 }, () => drawClean(classes, random));
    return highest(scoresOf(isLevelled ? levelled(first!, rest) : first!, rest));
  }).sort();
  if (nulls.size >= 16) nulls.clear();
  nulls.set(key, values);
  return values;
}

/** A suspect's values at the references' level, where they lie above it. */
function levelled(suspect: ArrayLike<number>, references: readonly ArrayLike<number>[]): Float64Array {
  const level = references.reduce((sum, one) => sum + median(one), 0) / references.length;
  const above = Math.max(0, median(suspect) - level);
  return Float64Array.from(suspect, (value) => value - above);
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

function drawClean(classes: number, random: Generator): Float64Array {
  const common = Math.sqrt(SHARED) * random.normal();
  return Float64Array.from({ length: classes }, () => common + Math.sqrt(1 - SHARED) * random.normal());
}

const highest = (values: Float64Array): number =>
  values.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
