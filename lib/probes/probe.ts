/** What every linear probe is: one direction in activation space, and an offset. */
import { AssayError } from "../errors.js";
import {
  type Examples,
  integerLabels,
  type LabelledRows,
  type Labels,
  labelledChunks,
  labelValues,
  type Rows,
  scoreChunks,
  type Tensor,
  tensor,
} from "../tensor/index.js";

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
  logits(y: Examples): Float64Array;
}

/** Checked labels of exactly two classes. */
export interface TwoLabels {
  /** 1 where the example belongs to the second class. */
  readonly targets: Uint8Array;
  readonly classes: readonly [number, number];
  readonly counts: readonly [number, number];
}

/** Activations with checked labels of exactly two classes. */
export interface TwoClasses extends Rows, TwoLabels {}

/** Activations in chunks, with their labels as 0 and 1. */
export interface TwoClassChunks extends TwoLabels {
  readonly chunks: Iterable<LabelledRows>;
}

/**
 * Checks activations, whole or in chunks, and labels of a probe's training set; what cannot be known before the chunks
 * are read is checked then.
 *
 * @throws AssayError INVALID_ARGUMENT unless there are exactly two classes.
 */
export function twoClassChunks(x: Examples, labels: Labels, who: string): TwoClassChunks {
  const chunks = labelledChunks(x, labels, who);
  const { length } = labelValues(labels, who);
  const two = twoLabels(integerLabels(labels, length, who), who);
  return {
    ...two,
    chunks: {
      *[Symbol.iterator]() {
        for (const table of chunks) {
          yield { ...table, labels: table.labels.map((label) => Number(label === two.classes[1])) };
        }
      },
    },
  };
}

function twoLabels(values: Int32Array, who: string): TwoLabels {
  const classes = distinct(values);
  if (classes.length !== 2) {
    const found = classes.slice(0, 12).join(", ");
    throw new AssayError(
      "INVALID_ARGUMENT",
      classes.length === 1
        ? `${who}: all ${values.length} labels are ${found}; a probe needs examples of two classes.`
        : `${who}: expected two classes, got ${classes.length} (${found}). Turn one class against the rest into 0 and 1 first, e.g. labels.map((label) => Number(label === 3)).`,
      { classes: classes.slice(0, 100) },
    );
  }
  const [first, second] = classes as [number, number];
  const targets = new Uint8Array(values.length);
  let positives = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === second) positives += targets[i] = 1;
  return { targets, classes: [first, second], counts: [values.length - positives, positives] };
}

/** The labels that occur, smallest first. */
function distinct(values: Int32Array): number[] {
  const seen = new Set<number>();
  let last: number | undefined;
  for (let i = 0; i < values.length; i++) {
    if (values[i] === last) continue;
    last = values[i]!;
    seen.add(last);
  }
  return [...seen].sort((a, b) => a - b);
}

/** The probe with given weights. */
export function linearProbe(
  method: string,
  weights: Float64Array,
  intercept: number,
  { classes, counts }: Pick<TwoLabels, "classes" | "counts">,
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
function project(y: Examples, weights: Float64Array, intercept: number): Float64Array {
  return scoreChunks(y, "logits", ({ n, d, data }) => {
    if (d !== weights.length) {
      throw new AssayError(
        "SHAPE_MISMATCH",
        `logits: the probe reads ${weights.length} features, examples of [${n}, ${d}] have ${d}. Use activations of the tap it was fitted on, as [n, ...].`,
        { expected: weights.length, found: d },
      );
    }
    const logits = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = intercept;
      for (let j = 0, at = i * d; j < d; j++) sum += weights[j]! * data[at + j]!;
      logits[i] = sum;
    }
    return logits;
  });
}
