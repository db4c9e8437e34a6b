/** Permutation tests: p-values for any statistic, from shuffling which value belongs to which group. */
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";

/** Options of {@link permutationTest}. */
export interface PermutationOptions {
  readonly seed: number;
  /** Number of shuffles. Default 9,999: the smallest p-value then is 0.0001. */
  readonly permutations?: number;
  /** Which values of the statistic count against the null. Default "greater". */
  readonly alternative?: "greater" | "less";
}

/** A test of "the groups come from the same source". */
export interface PermutationTest {
  readonly kind: "permutation-test";
  readonly statistic: number;
  /** (1 + shuffles at least as extreme) / (1 + shuffles): never 0, and valid at any number of shuffles. */
  readonly pValue: number;
  readonly permutations: number;
  readonly seed: number;
  readonly n: number;
}

/**
 * Compares groups by any statistic.
 *
 * @example
 * permutationTest([clean, suspect], ([a, b]) => mean(b) - mean(a), { seed: 1 }).pValue
 */
export function permutationTest(
  groups: readonly ArrayLike<number>[],
  statistic: (groups: readonly Float64Array[]) => number,
  { seed, permutations = 9999, alternative = "greater" }: PermutationOptions,
): PermutationTest {
  const own = groups.map((group) => Float64Array.from(group));
  const pooled = Float64Array.from(own.flatMap((group) => [...group]));
  if (own.length < 2 || own.some((group) => group.length === 0) || !(permutations >= 19)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      "permutationTest: expected two or more groups with values, and at least 19 permutations.",
      {
        sizes: own.map((group) => group.length),
        permutations,
      },
    );
  }
  const sign = alternative === "greater" ? 1 : -1;
  const observed = statistic(own);
  if (Number.isNaN(observed))
    throw new AssayError("NOT_FINITE", "permutationTest: the statistic is NaN.", {});
  const random = generator(seed).split("permutation");
  let extreme = 0;
  for (let r = 0; r < permutations; r++) {
    const order = random.permutation(pooled.length);
    let start = 0;
    const shuffled = own.map((group) => {
      const drawn = group.map((_, i) => pooled[order[start + i]!]!);
      start += group.length;
      return drawn;
    });
    // Equal up to rounding counts as extreme: sums in another order differ in the last digits.
    extreme += Number(sign * (statistic(shuffled) - observed) >= -1e-12 * Math.abs(observed));
  }
  const pValue = (1 + extreme) / (1 + permutations);
  return { kind: "permutation-test", statistic: observed, pValue, permutations, seed, n: pooled.length };
}
