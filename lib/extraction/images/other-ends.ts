/**
 * Where a trigger that was found for one class leads the others: an all-to-all backdoor sends each class to another end,
 * and shows as a trigger from one class alone to a search that asks about one end at a time.
 */
import type { LabelledData } from "../../data/index.js";
import { observe } from "../../spec/index.js";
import { apply } from "../../trigger/index.js";
import type { Check } from "../verdict.js";
import type { ImageModel } from "./image-model.js";
import type { RecoveredTrigger } from "./recovered-trigger.js";

/** Share of a class that must go to one other end, and share of the classes that must do so. */
const MOST = 0.5;
const CLASSES = 0.5;

/**
 * The check that a trigger from one class leads others to further ends; null if it works from all, or leads them nowhere
 * else.
 */
export async function checkOtherEnds(
  model: ImageModel,
  { inputs, labels }: LabelledData,
  { trigger, target, sources }: RecoveredTrigger,
  passes: { forward: number },
): Promise<Check | null> {
  const [source] = sources ?? [];
  if (source === undefined) return null;
  const { predicted, classes } = await observe(model, apply(trigger, inputs));
  passes.forward += predicted.length;
  const answers = Array.from({ length: classes }, () => new Float64Array(classes));
  labels.data.forEach((label, i) => {
    const own = answers[Number(label)]!;
    own[predicted[i]!] = own[predicted[i]!]! + 1;
  });
  const others = answers.flatMap((own, from) => {
    const count = own.reduce((sum, value) => sum + value, 0);
    if (count === 0 || from === source || from === target) return [];
    const to = own.indexOf(Math.max(...own));
    return [{ from, to, isLed: to !== from && to !== target && own[to]! >= MOST * count }];
  });
  const led = others.filter(({ isLed }) => isLed);
  const ends = new Set(led.map(({ to }) => to));
  if (led.length < 2 || led.length < CLASSES * others.length || ends.size < CLASSES * led.length) return null;
  return {
    name: "other classes under the same trigger",
    statistic: led.length,
    pValue: null,
    result: "flag",
    why: `it leads ${led.map(({ from, to }) => `${from} to ${to}`).join(", ")} as well: the backdoor has an end for each class`,
  };
}
