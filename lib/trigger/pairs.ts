/** Inputs with and without a trigger, labelled: what a probe for a known trigger learns from. */
import type { LabelledData } from "../data/index.js";
import { concatExamples, type Tensor } from "../tensor/index.js";
import { apply } from "./apply.js";
import type { Trigger } from "./trigger.js";

/**
 * The inputs as they are (label 0), then the same ones with the trigger (label 1): `[2 n, ...]`.
 *
 * Leave out inputs of the trigger's target class if the question is what the trigger does to others.
 *
 * @param options.seed Places tokens whose position is "anywhere". Default 0.
 * @throws AssayError SHAPE_MISMATCH or TYPE_MISMATCH if the trigger does not fit these inputs.
 * @example
 * const { inputs, labels } = trigger.withAndWithout(known, heldOut.inputs);
 */
export function withAndWithout(
  trigger: Trigger,
  inputs: Tensor,
  options: { readonly seed?: number } = {},
): LabelledData {
  const n = inputs.dims[0]!;
  return {
    inputs: concatExamples([inputs, apply(trigger, inputs, options)]),
    labels: {
      type: "int64",
      dims: [2 * n],
      data: BigInt64Array.from({ length: 2 * n }, (_, i) => (i < n ? 0n : 1n)),
    },
  };
}
