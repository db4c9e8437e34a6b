/** Gradients of a named loss: the cotangents of `model.vjp` written for the user. */
import { AssayError } from "../errors.js";
import { integerLabels, type Labels, type Tensor } from "../tensor/index.js";
import type { LoadedModel, ModelInput } from "./model.js";

/** Options of {@link gradient}. */
export interface GradientLossOptions {
  /** Mean over examples of -log softmax(logits)[label], in nats. */
  readonly loss: "cross-entropy";
  /** Class of each example. */
  readonly labels: Labels;
  /** Inputs, inner tensors or weights to differentiate by. */
  readonly wrt: readonly string[];
  /** float32 tensor [n, classes] before any softmax. Default: the model's first output. */
  readonly logits?: string;
}

/** A loss and its gradients. */
export interface LossGradient {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Tensor>>;
}

/**
 * The loss of a model on labelled examples, with its gradients. One forward run, then one of the gradient.
 *
 * @throws AssayError SHAPE_MISMATCH unless the logits are [n, classes]; TYPE_MISMATCH unless float32;
 *   INVALID_ARGUMENT for a label that is no class; UNKNOWN_TAP, UNKNOWN_TENSOR, UNSUPPORTED_OPERATOR.
 * @example
 * const { gradients } = await gradient(model, { x }, { loss: "cross-entropy", labels, wrt: ["x"] });
 */
export async function gradient(
  model: LoadedModel,
  feeds: ModelInput,
  { labels, wrt, logits: at = model.outputs[0]?.name ?? "" }: GradientLossOptions,
): Promise<LossGradient> {
  const logits = await model.activations(feeds, { at });
  if (logits.type !== "float32") {
    throw new AssayError("TYPE_MISMATCH", `gradient: "${at}" is ${logits.type}, not float32 logits.`, { at });
  }
  const [n = 0, classes = 0] = logits.dims;
  if (logits.dims.length !== 2 || n === 0 || classes === 0) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `gradient: "${at}" is [${logits.dims.join(", ")}], not [n, classes]. Name the logits, e.g. { logits: "fc" }.`,
      { at, dims: logits.dims },
    );
  }
  const targets = integerLabels(labels, n, "gradient");
  const cotangent = new Float32Array(n * classes);
  let loss = 0;
  for (let i = 0; i < n; i++) {
    const label = targets[i]!;
    if (!(label >= 0 && label < classes)) {
      throw new AssayError(
        "INVALID_ARGUMENT",
        `gradient: label ${label} of example ${i} is not from 0 to ${classes - 1}.`,
        { example: i, label, classes },
      );
    }
    const row = Float64Array.from((logits.data as Float32Array).subarray(i * classes, (i + 1) * classes));
    const most = row.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
    const logSum = most + Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0));
    loss += (logSum - row[label]!) / n;
    for (let j = 0; j < classes; j++) {
      cotangent[i * classes + j] = (Math.exp(row[j]! - logSum) - Number(j === label)) / n;
    }
  }
  const cotangents = { [at]: { type: "float32", dims: logits.dims, data: cotangent } as const };
  return { loss, gradients: await model.vjp(feeds, { cotangents, wrt }) };
}
