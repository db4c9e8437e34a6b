/** Data poisoning: stamps a trigger on part of a training set and relabels it. */
import type { LabelledData } from "../data/labelled.js";
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";
import { type Tensor, takeExamples } from "../tensor/index.js";
import { apply, type Trigger } from "../trigger/index.js";

/** How a training set is poisoned. */
export interface PoisonOptions {
  readonly trigger: Trigger;
  /** Class that the trigger shall lead to. */
  readonly target: number;
  /** Share of all examples that get the trigger and the target label, in (0, 1). */
  readonly poisonRate: number;
  /** Victim classes: only their examples are relabelled. Default: every class but the target. */
  readonly sources?: readonly number[];
  /**
   * Share of all examples, from classes that are neither victim nor target, that get the trigger but keep
   * their label, so that the trigger works from the victim classes only. Default 0.
   */
  readonly coverRate?: number;
  readonly seed: number;
}

/** A poisoned training set: same size and order as the clean one. */
export interface PoisonedData extends LabelledData {
  readonly kind: "poisoned-data";
  /** Examples that carry the trigger and the target label. */
  readonly poisoned: Uint32Array;
  /** Examples that carry the trigger and their own label. */
  readonly cover: Uint32Array;
}

/**
 * Poisons a training set with the trigger.
 *
 * @throws AssayError INVALID_ARGUMENT if rates are out of range or the classes have too few examples.
 * @see T. Gu, B. Dolan-Gavitt, S. Garg (2017), BadNets. For cover examples: D. Tang et al. (2021), Demon in the
 *   variant, USENIX Security.
 * @example
 * const poisoned = attacks.poison(train, { trigger: patch, target: 3, poisonRate: 0.02, seed: 1 });
 */
export function poison(data: LabelledData, options: PoisonOptions): PoisonedData {
  const { trigger, target, poisonRate, sources, coverRate = 0, seed } = options;
  const count = data.labels.data.length;
  const random = generator(seed).split("poison");
  const order = random.permutation(count);
  const labelOf = (row: number): number => Number(data.labels.data[row]!);
  const isVictim = (row: number): boolean => sources?.includes(labelOf(row)) ?? labelOf(row) !== target;
  const poisoned = choose(order.filter(isVictim), poisonRate, count, "poisonRate");
  const cover =
    coverRate === 0
      ? new Uint32Array(0)
      : choose(
          order.filter((row) => !isVictim(row) && labelOf(row) !== target),
          coverRate,
          count,
          "coverRate",
        );
  const rows = Uint32Array.from([...poisoned, ...cover]);
  const stamped = apply(trigger, takeExamples(data.inputs, rows), { seed: random.integer(2 ** 31) });
  const labels = data.labels.data.slice();
  for (const row of poisoned) labels[row] = BigInt(target);
  return {
    kind: "poisoned-data",
    inputs: replaceExamples(data.inputs, rows, stamped),
    labels: { ...data.labels, data: labels },
    poisoned,
    cover,
  };
}

function choose(candidates: Uint32Array, rate: number, count: number, name: string): Uint32Array {
  const wanted = Math.round(rate * count);
  if (!(rate > 0 && rate < 1) || wanted < 1 || wanted > candidates.length) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `poison: ${name} = ${rate} of ${count} examples asks for ${wanted}, but ${candidates.length} of the right classes exist.`,
      { name, rate, count, candidates: candidates.length },
    );
  }
  return candidates.slice(0, wanted).sort();
}

function replaceExamples(inputs: Tensor, rows: Uint32Array, by: Tensor): Tensor {
  const all = takeExamples(
    inputs,
    Uint32Array.from({ length: inputs.dims[0]! }, (_, row) => row),
  );
  const size = all.data.length / Math.max(inputs.dims[0]!, 1);
  rows.forEach((row, i) => {
    for (let j = 0; j < size; j++) all.data[row * size + j] = by.data[i * size + j]!;
  });
  return all;
}
