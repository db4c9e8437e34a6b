/** Means of classes, and what all classes have in common around them. */
import type { LabelledRows, Rows } from "../tensor/index.js";
import type { Moments } from "./moments.js";
import { momentsOfChunks } from "./streamed-moments.js";

/** Number and mean of the examples of one class. */
export interface ClassMean {
  readonly label: number;
  readonly count: number;
  readonly mean: Float64Array;
}

/** The mean of each class, in rising order of labels. One pass. */
export function classMeans(chunks: Iterable<LabelledRows>): ClassMean[] {
  const sums = new Map<number, { count: number; readonly sum: Float64Array }>();
  for (const { n, d, data, labels } of chunks) {
    for (let i = 0; i < n; i++) {
      const label = labels[i]!;
      let own = sums.get(label);
      if (own === undefined) sums.set(label, (own = { count: 0, sum: new Float64Array(d) }));
      own.count++;
      for (let j = 0; j < d; j++) own.sum[j]! += data[i * d + j]!;
    }
  }
  return [...sums]
    .sort(([a], [b]) => a - b)
    .map(([label, { count, sum }]) => ({ label, count, mean: sum.map((value) => value / count) }));
}

/** Moments of all examples, each less the mean of its class. A second pass. */
export function momentsWithinClasses(chunks: Iterable<LabelledRows>, classes: readonly ClassMean[]): Moments {
  const means = new Map(classes.map(({ label, mean }) => [label, mean]));
  return momentsOfChunks(residuals(chunks, means));
}

function* residuals(
  chunks: Iterable<LabelledRows>,
  means: ReadonlyMap<number, Float64Array>,
): Iterable<Rows> {
  for (const { n, d, data, labels } of chunks) {
    const rest = new Float64Array(n * d);
    for (let i = 0; i < n; i++) {
      const mean = means.get(labels[i]!)!;
      for (let j = 0; j < d; j++) rest[i * d + j] = data[i * d + j]! - mean[j]!;
    }
    yield { n, d, data: rest };
  }
}
