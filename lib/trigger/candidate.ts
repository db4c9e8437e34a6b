/** A trigger in the form in which a specification puts it to the test. */
import type { CandidateTrigger } from "../spec/index.js";
import { apply } from "./apply.js";
import type { Trigger } from "./trigger.js";

/**
 * A named trigger for the no-trigger clauses of `spec.check`.
 *
 * @param options.seed Places tokens whose position is "anywhere". Default 0.
 * @example
 * await spec.check(model, intended, heldOut, { triggers: [trigger.candidate("recovered", found.recovered.trigger)] })
 */
export const candidate = (
  name: string,
  trigger: Trigger,
  options: { readonly seed?: number } = {},
): CandidateTrigger => ({ name, apply: (inputs) => apply(trigger, inputs, options) });
