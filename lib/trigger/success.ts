/** How often a trigger works: the attack success rate, on examples that are not of the target class anyway. */
import { type LabelledData, takeLabelled } from "../data/labelled.js";
import { AssayError } from "../errors.js";
import type { LoadedModel } from "../model/index.js";
import { observe } from "../spec/index.js";
import { type Estimate, wilson } from "../stats/index.js";
import { apply } from "./apply.js";
import type { TextFrame } from "./text-frame.js";
import type { Trigger } from "./trigger.js";

/** What a trigger is said to do. */
export interface TriggerClaim {
  readonly trigger: Trigger;
  /** Class that the trigger leads to. */
  readonly target: number;
  /** Classes that it works from. Default: all but the target. */
  readonly sources?: readonly number[];
}

/** Options of a run over many examples. */
export interface SuccessOptions {
  /** Places tokens whose position is "anywhere". Default 0. */
  readonly seed?: number;
  /** What texts have around their words, see `frameOf`. Default: nothing. */
  readonly frame?: TextFrame | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Examples on which an attack counts: those of the source classes, never of the target. */
export function victims(data: LabelledData, claim: Pick<TriggerClaim, "target" | "sources">): LabelledData {
  const rows: number[] = [];
  data.labels.data.forEach((label, row) => {
    if (Number(label) !== claim.target && (claim.sources?.includes(Number(label)) ?? true)) rows.push(row);
  });
  return takeLabelled(data, rows);
}

/**
 * Share of victims that the model classifies as the target once the trigger is on them, with Wilson's interval.
 *
 * @throws AssayError INVALID_ARGUMENT if `data` holds no victim.
 * @example
 * await trigger.attackSuccessRate(model, heldOut, { trigger: stamp, target: 3 })
 */
export async function attackSuccessRate(
  model: Pick<LoadedModel, "run" | "outputs" | "name">,
  data: LabelledData,
  claim: TriggerClaim,
  options: SuccessOptions = {},
): Promise<Estimate> {
  const { inputs, labels } = victims(data, claim);
  if (labels.data.length === 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `attackSuccessRate: there is no example of ${claim.sources ? `the source classes ${claim.sources.join(", ")}` : `a class other than ${claim.target}`}.`,
      { target: claim.target, sources: claim.sources },
    );
  }
  const stamped = apply(claim.trigger, inputs, { seed: options.seed ?? 0, frame: options.frame });
  const { predicted } = await observe(model, stamped, { signal: options.signal });
  let hits = 0;
  for (const answer of predicted) if (answer === claim.target) hits++;
  return wilson(hits, predicted.length);
}
