/** Examples with their labels, as audits and training take them. */
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";
import { integerLabels, readNpz, type Tensor, takeExamples } from "../tensor/index.js";

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
 * The examples of some classes, in their original order.
 *
 * @param isWanted Tells by its label whether an example is taken.
 * @example
 * const spam = data.takeWhere(messages, (label) => label === 1);
 */
export function takeWhere(data: LabelledData, isWanted: (label: number) => boolean): LabelledData {
  const rows = [...data.labels.data.keys()].filter((row) => isWanted(Number(data.labels.data[row])));
  return takeLabelled(data, rows);
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

/**
 * Reads labelled examples from an .npz file: `inputs` `[n, ...]` and int64 `labels` `[n]`.
 *
 * @throws AssayError FILE_NOT_FOUND, INVALID_FILE; UNKNOWN_TENSOR or SHAPE_MISMATCH if the arrays are missing or
 *   do not belong together.
 * @example
 * const clean = await data.readLabelled("data/fashion-mnist.npz");
 */
export async function readLabelled(path: string): Promise<LabelledData> {
  const { inputs, labels, ...others } = await readNpz(path);
  if (!inputs || !labels) {
    const found = [...(inputs ? ["inputs"] : []), ...(labels ? ["labels"] : []), ...Object.keys(others)];
    throw new AssayError(
      "UNKNOWN_TENSOR",
      `"${path}" must hold the arrays "inputs" and "labels"; it holds ${found.length > 0 ? found.join(", ") : "none"}.`,
      { path, found },
    );
  }
  return { inputs, labels: labelTensor(labels, inputs.dims[0] ?? 0, path) };
}

/**
 * Labels as int64 `[n]`, whatever integer type they came in.
 *
 * @throws AssayError SHAPE_MISMATCH, TYPE_MISMATCH.
 */
export function labelTensor(labels: Tensor, n: number, who: string): Tensor<"int64"> {
  return { type: "int64", dims: [n], data: BigInt64Array.from(integerLabels(labels, n, who), BigInt) };
}

/**
 * Cuts examples at random into two parts.
 *
 * @param options.share Share of the examples in the first part, in (0, 1). Default one half.
 * @example
 * const [fitting, heldOut] = data.split(clean, { seed: 1 });
 */
export function split(
  data: LabelledData,
  options: { readonly seed: number; readonly share?: number },
): [LabelledData, LabelledData] {
  const { seed, share = 0.5 } = options;
  const count = data.labels.data.length;
  const first = Math.round(share * count);
  if (!(share > 0 && share < 1) || first < 1 || first >= count) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `split: a share of ${share} of ${count} examples leaves one part empty.`,
      { share, count },
    );
  }
  const order = generator(seed).split("split").permutation(count);
  return [takeLabelled(data, order.subarray(0, first)), takeLabelled(data, order.subarray(first))];
}
