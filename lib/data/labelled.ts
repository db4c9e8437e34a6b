/** Examples with their labels, as audits and training take them. */
import { AssayError } from "../errors.js";
import { type Tensor, takeExamples } from "../tensor/index.js";

/** Labelled examples: `inputs` `[n, ...]` as the model takes them, `labels` int64 `[n]`, each a class number. */
export interface LabelledData {
  readonly inputs: Tensor;
  readonly labels: Tensor<"int64">;
}

/** The examples at `rows` with their labels, in that order. */
export function takeLabelled<D extends LabelledData>(data: D, rows: ArrayLike<number>): LabelledData {
  return { inputs: takeExamples(data.inputs, rows), labels: takeExamples(data.labels, rows) };
}

/**
 * The first `perClass` examples of every class, in their original order.
 *
 * @throws AssayError INVALID_ARGUMENT if a class has fewer examples.
 */
export function takePerClass(data: LabelledData, perClass: number): LabelledData {
  const taken = new Map<bigint, number>();
  const rows: number[] = [];
  data.labels.data.forEach((label, row) => {
    const count = taken.get(label) ?? 0;
    if (count >= perClass) return;
    taken.set(label, count + 1);
    rows.push(row);
  });
  for (const [label, count] of taken) {
    if (count === perClass) continue;
    throw new AssayError(
      "INVALID_ARGUMENT",
      `takePerClass: class ${label} has ${count} examples, ${perClass} were asked for.`,
      { label: Number(label), count, perClass },
    );
  }
  return takeLabelled(data, rows);
}
