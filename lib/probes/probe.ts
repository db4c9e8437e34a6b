/** What every linear probe is: one direction in activation space, and an offset. */
import { AssayError } from "../errors.js";
import { integerLabels, type Labels, type Rows, rows, type Tensor, tensor } from "../tensor/index.js";

/** A direction that should separate two classes of examples. */
export interface LinearProbe {
  readonly kind: "probe";
  /** How it was fitted, e.g. "logistic". */
  readonly method: string;
  /** float64 [d]. */
  readonly weights: Tensor<"float64">;
  readonly intercept: number;
  /** The two labels, smaller first; a positive logit speaks for the second. */
  readonly classes: readonly [number, number];
  /** Number of training examples of each class, in that order. */
  readonly counts: readonly [number, number];
  readonly warnings: readonly string[];
  /** `weights · example + intercept` for each example of `y` [n, ...]; above 0 it votes for the second class. */
  logits(y: Tensor): Float64Array;
}

/** Activations with checked labels of exactly two classes. */
export interface TwoClasses extends Rows {
  /** 1 where the example belongs to the second class. */
  readonly targets: Uint8Array;
  readonly classes: readonly [number, number];
  readonly counts: readonly [number, number];
}

/**
 * Checks activations and labels of a probe's training set.
 *
 * @throws AssayError INVALID_ARGUMENT unless there are exactly two classes.
 */
export function twoClasses(x: Tensor, labels: Labels, who: string): TwoClasses {
  const table = rows(x, who);
  const values = integerLabels(labels, table.n, who);
  const classes = [...new Set(values)].sort((a, b) => a - b);
  if (classes.length !== 2) {
    const found = classes.slice(0, 12).join(", ");
    throw new AssayError(
      "INVALID_ARGUMENT",
      classes.length === 1
        ? `${who}: all ${table.n} labels are ${found}; a probe needs examples of two classes.`
        : `${who}: expected two classes, got ${classes.length} (${found}). Turn one class against the rest into 0 and 1 first, e.g. labels.map((label) => Number(label === 3)).`,
      { classes: classes.slice(0, 100) },
    );
  }
  const targets = Uint8Array.from(values, (value) => Number(value === classes[1]));
  const positives = targets.reduce((sum, target) => sum + target, 0);
  return {
    ...table,
    targets,
    classes: [classes[0]!, classes[1]!],
    counts: [table.n - positives, positives],
  };
}

/** The probe with given weights. */
export function linearProbe(
  method: string,
  weights: Float64Array,
  intercept: number,
  { classes, counts }: Pick<TwoClasses, "classes" | "counts">,
  warnings: readonly string[] = [],
): LinearProbe {
  return {
    kind: "probe",
    method,
    weights: tensor("float64", [weights.length], weights),
    intercept,
    classes,
    counts,
    warnings,
    logits: (y) => project(y, weights, intercept),
  };
}

/** `weights · example + intercept` of each example. */
function project(y: Tensor, weights: Float64Array, intercept: number): Float64Array {
  const { n, d, data } = rows(y, "logits");
  if (d !== weights.length) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `logits: the probe reads ${weights.length} features, examples of [${y.dims.join(", ")}] have ${d}. Use activations of the tap it was fitted on, as [n, ...].`,
      { expected: weights.length, dims: y.dims },
    );
  }
  const logits = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = intercept;
    for (let j = 0, at = i * d; j < d; j++) sum += weights[j]! * data[at + j]!;
    logits[i] = sum;
  }
  return logits;
}
