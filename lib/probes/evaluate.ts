/** What a probe achieves on examples that it was not fitted on. */
import { AssayError } from "../errors.js";
import {
  clopperPearson,
  type Estimate,
  mannWhitneyPValue,
  type RocCurve,
  rocCurve,
  truePositiveRateAt,
  wilson,
} from "../stats/index.js";
import { type Examples, integerLabels, type Labels } from "../tensor/index.js";
import type { LinearProbe } from "./probe.js";

/** Held-out performance of a probe, with what guessing would give. */
export interface ProbeEvaluation {
  readonly kind: "probe-evaluation";
  readonly method: string;
  readonly auroc: Estimate;
  readonly roc: RocCurve;
  /** Share of the second class found where 1 % of the first is flagged by mistake: what a monitor would catch. */
  readonly truePositiveRateAtOnePercent: Estimate;
  /** Share of examples whose logit has the right sign. */
  readonly accuracy: Estimate;
  /** Share of the larger class: the accuracy of always guessing it. */
  readonly majorityRate: Estimate;
  /** Two-sided p-value of the AUROC if labels were shuffled (Mann-Whitney, ties corrected). */
  readonly pValue: number;
  /** Number of held-out examples. */
  readonly n: number;
  readonly classes: readonly [number, number];
  /** Logits of the two classes. */
  readonly logits: { readonly negatives: Float64Array; readonly positives: Float64Array };
  readonly warnings: readonly string[];
}

/**
 * Evaluates a probe on held-out activations.
 *
 * @param activations [n, ...], or chunks of them, of the tap that the probe was fitted on.
 * @param labels n labels, each one of the probe's two classes.
 * @throws AssayError INVALID_ARGUMENT for labels that the probe does not know or if one class is missing.
 * @example
 * probes.evaluate(probe, activations, labels).auroc   // 0.97 [0.95, 0.98]
 */
export function evaluate(probe: LinearProbe, activations: Examples, labels: Labels): ProbeEvaluation {
  const logits = probe.logits(activations);
  const values = integerLabels(labels, logits.length, "evaluate");
  const [negative, positive] = probe.classes;
  const unknown = values.findIndex((value) => value !== negative && value !== positive);
  if (unknown >= 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `evaluate: label ${unknown} is ${values[unknown]}, but the probe tells ${negative} from ${positive}.`,
      { index: unknown, value: values[unknown] },
    );
  }
  return evaluateLogits(probe, logits, values);
}

/** The evaluation of logits that some probe, or one for each fold, gave to examples it was not fitted on. */
export function evaluateLogits(
  probe: Pick<LinearProbe, "method" | "classes" | "warnings">,
  logits: Float64Array,
  values: Int32Array,
): ProbeEvaluation {
  const [negative, positive] = probe.classes;
  const negatives = logits.filter((_, i) => values[i] === negative);
  const positives = logits.filter((_, i) => values[i] === positive);
  const roc = rocCurve({ negatives, positives });
  const correct =
    positives.reduce((count, logit) => count + Number(logit > 0), 0) +
    negatives.reduce((count, logit) => count + Number(logit <= 0), 0);
  const warnings = [...probe.warnings];
  const fewest = Math.min(negatives.length, positives.length);
  if (fewest < 20) warnings.push(`only ${fewest} examples of one class: the intervals are wide.`);
  return {
    kind: "probe-evaluation",
    method: probe.method,
    auroc: roc.auroc,
    roc,
    truePositiveRateAtOnePercent: truePositiveRateAt(0.01, { negatives, positives }),
    accuracy: clopperPearson(correct, logits.length),
    majorityRate: wilson(Math.max(negatives.length, positives.length), logits.length),
    pValue: mannWhitneyPValue({ negatives, positives }),
    n: logits.length,
    classes: probe.classes,
    logits: { negatives, positives },
    warnings,
  };
}
