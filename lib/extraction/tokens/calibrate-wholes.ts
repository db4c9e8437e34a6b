/**
 * Compares how much of a whole a model's runs are with those of clean references.
 *
 * Three references say little about their spread. It is in nats and much alike from one architecture to another, so what
 * clean models of other tasks showed counts as well, as if it had been estimated before.
 *
 * @see G. K. Smyth (2004), Linear models and empirical Bayes methods for assessing differential expression in
 *   microarray experiments. Statistical Applications in Genetics and Molecular Biology 3.
 */
import { generator } from "../../random/index.js";
import { amongClean, type Calibration } from "../calibration.js";

const NULL_DRAWS = 10_000;

/** Spread of a class between clean models, in nats, and for how many degrees of freedom it counts. */
const BEFORE = { spread: 0.32, degrees: 6 } as const;

/** Share of the variance that is common to all classes of a model. */
const COMMON = 0.25;

/**
 * `z_k = (value_k - mean of the references' value_k) / (s sqrt(1 + 1/R))` with `s` from the references' pooled variance
 * and what is known before, and the p-value of the largest.
 *
 * The null distribution repeats this on simulated clean models whose spread is drawn about what is known before.
 *
 * @param suspect One value per class, higher is more anomalous.
 * @param references The same for each reference; at least two.
 */
export function calibrateWholes(
  suspect: readonly number[],
  references: readonly (readonly number[])[],
  { seed }: { readonly seed: number },
): Calibration {
  const scores = scoresOf(suspect, references);
  const clean = simulateNull(suspect.length, references.length, seed);
  return amongClean(scores, clean, references.length);
}

function scoresOf(suspect: readonly number[], references: readonly (readonly number[])[]): Float64Array {
  const count = references.length;
  const means = suspect.map((_, k) => references.reduce((sum, one) => sum + one[k]! / count, 0));
  const squares = references.reduce(
    (sum, one) => sum + one.reduce((own, value, k) => own + (value - means[k]!) ** 2, 0),
    0,
  );
  const { spread, degrees } = BEFORE;
  const variance = (degrees * spread ** 2 + squares) / (degrees + suspect.length * (count - 1));
  return Float64Array.from(
    suspect,
    (value, k) => (value - means[k]!) / Math.sqrt(variance * (1 + 1 / count)),
  );
}

const nulls = new Map<string, Float64Array>();

/** Statistics of simulated clean models in rising order; kept, since an audit asks for the same ones again. */
function simulateNull(classes: number, count: number, seed: number): Float64Array {
  const key = `${classes} ${count} ${seed}`;
  const known = nulls.get(key);
  if (known) return known;
  const random = generator(seed).split("wholes");
  const { spread, degrees } = BEFORE;
  const values = Float64Array.from({ length: NULL_DRAWS }, () => {
    let chi2 = 0;
    for (let i = 0; i < degrees; i++) chi2 += random.normal() ** 2;
    const own = spread * Math.sqrt(degrees / chi2);
    const draw = (): number[] => {
      const common = Math.sqrt(COMMON) * random.normal();
      return Array.from({ length: classes }, () => own * (common + Math.sqrt(1 - COMMON) * random.normal()));
    };
    return Math.max(...scoresOf(draw(), Array.from({ length: count }, draw)));
  }).sort();
  if (nulls.size >= 16) nulls.clear();
  nulls.set(key, values);
  return values;
}
