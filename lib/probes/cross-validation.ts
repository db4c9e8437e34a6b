/** Cross-validation of probes: folds, and what out-of-fold logits achieve. */
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";
import { type Estimate, stratifiedAuroc } from "../stats/index.js";
import { type Examples, selectExamples } from "../tensor/index.js";
import { fitLogistics } from "./logistic/logistic.js";

/** Which examples are left out together: one number from 0 to folds - 1 for each. */
export type Folds = Uint8Array;

/**
 * Folds of equal class shares, at random.
 *
 * @throws AssayError INVALID_ARGUMENT if a class has fewer examples than folds.
 */
export function assignFolds(labels: Int32Array, folds: number, seed: number, who: string): Folds {
  const random = generator(seed).split("folds");
  const assignment = new Uint8Array(labels.length);
  for (const label of new Set(labels)) {
    const members = [...labels.keys()].filter((i) => labels[i] === label);
    if (members.length < folds || folds < 2 || folds > 255) {
      throw new AssayError(
        "INVALID_ARGUMENT",
        `${who}: ${folds} folds need as many examples of class ${label}, got ${members.length}.`,
        { folds, label },
      );
    }
    random.permutation(members.length).forEach((from, to) => {
      assignment[members[from]!] = to % folds;
    });
  }
  return assignment;
}

/** Indices of the examples inside and outside of a fold. */
export function splitAt(assignment: Folds, fold: number): { inside: number[]; outside: number[] } {
  const all = [...assignment.keys()];
  return {
    inside: all.filter((i) => assignment[i] !== fold),
    outside: all.filter((i) => assignment[i] === fold),
  };
}

/**
 * AUROC of logistic probes on the examples that each was not fitted on, for each penalty.
 *
 * Examples are compared within their fold only: logits of different folds have different offsets, which makes a
 * pooled AUROC fall below one half where there is nothing to find.
 */
export function crossValidate(
  x: Examples,
  labels: Int32Array,
  assignment: Folds,
  folds: number,
  penalties: readonly number[],
): Estimate[] {
  const positive = Math.max(...labels);
  const strata = penalties.map(() => [] as { negatives: Float64Array; positives: Float64Array }[]);
  for (let fold = 0; fold < folds; fold++) {
    const { inside, outside } = splitAt(assignment, fold);
    const own = selectExamples(x, (i) => assignment[i] !== fold);
    const others = selectExamples(x, (i) => assignment[i] === fold);
    const ownLabels = inside.map((i) => labels[i]!);
    fitLogistics(own, ownLabels, penalties).forEach((probe, k) => {
      const logits = probe.logits(others);
      strata[k]!.push({
        negatives: logits.filter((_, i) => labels[outside[i]!] !== positive),
        positives: logits.filter((_, i) => labels[outside[i]!] === positive),
      });
    });
  }
  return strata.map((folded) => stratifiedAuroc(folded));
}
