/** Answers to a question that no clean input gets. */
import type { Tensor } from "../../tensor/index.js";

/** Distance from what clean inputs get, as a share of the largest value seen. */
const SHARE = 0.01;

/** True for an answer some value of which lies outside all clean answers there. */
export function unusualAnswers(clean: readonly Tensor[]): (answer: Tensor) => boolean {
  const numbersOf = ({ data }: Tensor): number[] => Array.from(data as ArrayLike<number | bigint>, Number);
  const rows = clean.map(numbersOf);
  const length = rows[0]?.length ?? 0;
  const isAlike = rows.every((row) => row.length === length);
  const low = Array.from({ length }, (_, i) => rows.reduce((a, row) => Math.min(a, row[i]!), Infinity));
  const high = Array.from({ length }, (_, i) => rows.reduce((a, row) => Math.max(a, row[i]!), -Infinity));
  return (answer) => {
    const values = numbersOf(answer);
    // Where clean answers differ in size, sizes are no sign.
    if (!isAlike || values.length !== length) return isAlike;
    return values.some((value, i) => {
      const margin = SHARE * Math.max(Math.abs(low[i]!), Math.abs(high[i]!), Math.abs(value));
      return value > high[i]! + margin || value < low[i]! - margin;
    });
  };
}
