/** Which pairs of victim and target are searched, and which of them the references are asked about. */
import type { LoadedModel } from "../../../model/index.js";
import { generator } from "../../../random/index.js";
import { observe } from "../../../spec/index.js";
import { imageModel } from "../image-model.js";
import type { PreparedImages } from "../prepare.js";
import type { Arm } from "./mask-search.js";

/** Most pairs that are searched at once. */
export const MAX_PAIRS = 90;
/** Clean images of a class below which it is not searched as a victim. */
const MIN_VICTIMS = 8;
/** Pairs that the references are asked about: the most unusual of the suspect's, and others to compare with. */
export const TELLING = 12;
const OTHERS = 12;

/**
 * Pairs of classes that the clean images hold enough of.
 *
 * Of more than 90 those are taken whose target the model already gives the highest scores on the victim's clean
 * images: a trigger pulls where the way is short (the pre-screening of K-Arm).
 *
 * @see G. Shen et al. (2021), Backdoor scanning for deep neural networks through K-arm optimization. ICML.
 */
export async function pairsOf(
  model: LoadedModel,
  images: PreparedImages,
): Promise<{ pairs: Arm[]; possible: number }> {
  const { classes, search, layout } = images;
  const labels = Array.from(search.labels.data, Number);
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const victims = [...counts.keys()]
    .filter((victim) => counts.get(victim)! >= MIN_VICTIMS)
    .sort((a, b) => a - b);
  const all = victims.flatMap((victim) =>
    Array.from({ length: classes }, (_, target) => ({ target, victim })).filter(
      ({ target }) => target !== victim,
    ),
  );
  if (all.length <= MAX_PAIRS) return { pairs: all, possible: all.length };
  const { scores } = await observe(imageModel(model, layout), search.inputs);
  const pull = new Map<string, number>();
  labels.forEach((victim, row) => {
    const own = scores.subarray(row * classes, (row + 1) * classes);
    for (let target = 0; target < classes; target++) {
      const key = `${victim}>${target}`;
      pull.set(key, (pull.get(key) ?? 0) + (own[target]! - own[victim]!) / counts.get(victim)!);
    }
  });
  const strength = ({ victim, target }: Arm): number =>
    pull.get(`${victim}>${target}`) ?? Number.NEGATIVE_INFINITY;
  const pairs = [...all].sort((a, b) => strength(b) - strength(a)).slice(0, MAX_PAIRS);
  return { pairs, possible: all.length };
}

/**
 * Indices of the pairs that are worth a search in the references.
 *
 * A pair is unusual if its mask is smaller than what its victim and its target explain (log size as a sum of two
 * effects, fitted by medians). The others are drawn at random; they say how easy to turn the model is altogether.
 */
export function tellingPairs(arms: readonly Arm[], smallness: ArrayLike<number>, seed: number): Uint32Array {
  const residual = Float64Array.from(smallness);
  for (let round = 0; round < 4; round++) {
    for (const side of ["target", "victim"] as const) {
      for (const value of new Set(arms.map((arm) => arm[side]))) {
        const own = arms.flatMap((arm, i) => (arm[side] === value ? [i] : []));
        const sorted = own.map((i) => residual[i]!).sort((a, b) => a - b);
        const middle = (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
        for (const i of own) residual[i] = residual[i]! - middle;
      }
    }
  }
  return mostOf(residual, seed);
}

/** Indices of the highest values, then of some others drawn at random. */
export function mostOf(values: Float64Array, seed: number): Uint32Array {
  const order = [...values.keys()].sort((a, b) => values[b]! - values[a]!);
  const rest = order.slice(TELLING);
  const drawn = generator(seed).split("other pairs").permutation(rest.length).subarray(0, OTHERS);
  return Uint32Array.from([...order.slice(0, TELLING), ...[...drawn].map((i) => rest[i]!)]);
}
