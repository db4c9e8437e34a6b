/** Which layer a label can be read off, chosen without looking at the held-out examples. */
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";
import { auroc, type Estimate } from "../stats/index.js";
import { integerLabels, type Labels, type Tensor, takeExamples } from "../tensor/index.js";
import { evaluate, type ProbeEvaluation } from "./evaluate.js";
import { fitLogistic } from "./logistic.js";

/** Activations of the same examples at several taps. */
export type Taps = Readonly<Record<string, Tensor>>;

/** A probe at every layer, and an honest figure for the best one. */
export interface LayerSweep {
  readonly kind: "layer-sweep";
  /** One entry per tap, in the given order, with its best penalty. */
  readonly layers: readonly SweptLayer[];
  /** The layer with the highest cross-validated AUROC. */
  readonly selected: SweptLayer;
  /** The selected layer's probe, fitted to all training examples, on the held-out ones. */
  readonly heldOut: ProbeEvaluation;
  readonly folds: number;
  readonly seed: number;
  readonly warnings: readonly string[];
}

/** What a probe at one tap achieves. */
export interface SweptLayer {
  readonly tap: string;
  readonly l2: number;
  /** AUROC of out-of-fold logits of the training examples. Optimistic for the selected layer. */
  readonly crossValidated: Estimate;
}

/** Options of {@link sweep}. */
export interface SweepOptions {
  readonly seed: number;
  /** Penalties to choose from, per layer. Default 0.1, 1, 10. */
  readonly l2?: readonly number[];
  /** Default 5. */
  readonly folds?: number;
}

/**
 * Fits a logistic probe at every tap, chooses tap and penalty by cross-validation on the training examples, and
 * evaluates only the chosen one on the held-out examples.
 *
 * The best of many layers looks better than it is: quote `heldOut`, not the top of the curve.
 *
 * @throws AssayError INVALID_ARGUMENT if a class has fewer examples than folds.
 * @example
 * probes.sweep({ train: await model.activations(x, { at: taps }), labels, heldOut: …, heldOutLabels }, { seed: 1 })
 */
export function sweep(
  sets: {
    readonly train: Taps;
    readonly labels: Labels;
    readonly heldOut: Taps;
    readonly heldOutLabels: Labels;
  },
  { seed, l2 = [0.1, 1, 10], folds = 5 }: SweepOptions,
): LayerSweep {
  const names = Object.keys(sets.train);
  const missing = names.find((name) => !sets.heldOut[name]);
  if (names.length === 0 || l2.length === 0 || missing !== undefined) {
    const what =
      missing === undefined
        ? "at least one tap and one penalty are needed"
        : `the held-out set has no tap "${missing}"`;
    throw new AssayError("INVALID_ARGUMENT", `sweep: ${what}.`, { names, l2 });
  }
  const n = sets.train[names[0]!]!.dims[0] ?? 0;
  const labels = integerLabels(sets.labels, n, "sweep");
  const assignment = assignFolds(labels, folds, seed);
  const layers = names.map((tap) => {
    const candidates = l2.map((penalty) => ({
      tap,
      l2: penalty,
      crossValidated: crossValidate(sets.train[tap]!, labels, assignment, folds, penalty),
    }));
    return candidates.reduce((a, b) => (b.crossValidated.value > a.crossValidated.value ? b : a));
  });
  const selected = layers.reduce((a, b) => (b.crossValidated.value > a.crossValidated.value ? b : a));
  const probe = fitLogistic(sets.train[selected.tap]!, labels, { l2: selected.l2 });
  const heldOut = evaluate(probe, sets.heldOut[selected.tap]!, sets.heldOutLabels);
  const gap = selected.crossValidated.value - heldOut.auroc.interval[1];
  return {
    kind: "layer-sweep",
    layers,
    selected,
    heldOut,
    folds,
    seed,
    warnings: gap > 0 ? ["The selected layer does worse on held-out examples than in cross-validation."] : [],
  };
}

/** Folds of equal class shares, at random. */
function assignFolds(labels: Int32Array, folds: number, seed: number): Uint8Array {
  const random = generator(seed).split("folds");
  const assignment = new Uint8Array(labels.length);
  for (const label of new Set(labels)) {
    const members = [...labels.keys()].filter((i) => labels[i] === label);
    if (members.length < folds || folds < 2 || folds > 255) {
      throw new AssayError(
        "INVALID_ARGUMENT",
        `sweep: ${folds} folds need as many examples of class ${label}, got ${members.length}.`,
        {
          folds,
          label,
        },
      );
    }
    random.permutation(members.length).forEach((from, to) => {
      assignment[members[from]!] = to % folds;
    });
  }
  return assignment;
}

function crossValidate(
  x: Tensor,
  labels: Int32Array,
  assignment: Uint8Array,
  folds: number,
  l2: number,
): Estimate {
  const logits = new Float64Array(labels.length);
  for (let fold = 0; fold < folds; fold++) {
    const inside = [...labels.keys()].filter((i) => assignment[i] !== fold);
    const outside = [...labels.keys()].filter((i) => assignment[i] === fold);
    const probe = fitLogistic(
      takeExamples(x, inside),
      inside.map((i) => labels[i]!),
      { l2 },
    );
    // Logits of different folds are comparable up to the offset of their own intercepts, which is small.
    probe.logits(takeExamples(x, outside)).forEach((logit, k) => {
      logits[outside[k]!] = logit;
    });
  }
  const positive = Math.max(...labels);
  const negatives = logits.filter((_, i) => labels[i] !== positive);
  return auroc({ negatives, positives: logits.filter((_, i) => labels[i] === positive) });
}
