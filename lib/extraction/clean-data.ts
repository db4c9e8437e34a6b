/** Clean data as an audit takes them: checked against the model, and split into a part to search on and one held out. */
import { createHash } from "node:crypto";
import { type LabelledData, labelTensor } from "../data/index.js";
import { AssayError } from "../errors.js";
import type { LoadedModel } from "../model/index.js";
import { generator } from "../random/index.js";
import type { Observation } from "../spec/index.js";
import { type Tensor, takeExamples } from "../tensor/index.js";

/** Clean inputs with or without their labels. */
export interface CleanData {
  readonly inputs: Tensor;
  /** Integers `[n]`. */
  readonly labels?: Tensor | undefined;
}

/** The two parts. */
export interface SplitData<T extends Tensor> {
  /** Inputs to search on, and inputs never searched on. */
  readonly search: LabelledData & { readonly inputs: T };
  readonly heldOut: LabelledData & { readonly inputs: T };
  /** Labels of all inputs, in their order. */
  readonly labels: Tensor<"int64">;
  /** SHA-256 of the search inputs and their labels. */
  readonly digest: string;
  /** False where the model's answers have no more to do with the labels than by chance: nothing can be concluded. */
  readonly knowsTask: boolean;
  readonly warnings: readonly string[];
}

/** How messages speak of the inputs, and what a low accuracy may come from. */
export interface DataWords {
  readonly one: "image" | "text";
  readonly doubt: string;
}

const LEAST = 40;

/** @throws AssayError INVALID_ARGUMENT for fewer than 40 inputs. */
export function checkCount(count: number, { one }: DataWords): void {
  if (count >= LEAST) return;
  throw new AssayError(
    "INVALID_ARGUMENT",
    `Trigger extraction needs at least ${LEAST} clean ${one}s, half of them held out; got ${count}.`,
    { count },
  );
}

/**
 * Splits inputs at random into halves. Without labels the model's own answers take their place.
 *
 * @param inputs All inputs, in the layout that searches use.
 * @param seen What the model answers to them.
 * @param options.most Inputs that are searched on at most. Default: half of all.
 * @throws AssayError INVALID_ARGUMENT for a model of one class, and for labels that are none of its classes.
 */
export function splitClean<T extends Tensor>(
  model: LoadedModel,
  inputs: T,
  labels: Tensor | undefined,
  seen: Observation,
  options: { readonly seed: number; readonly most?: number; readonly words: DataWords },
): SplitData<T> {
  const { seed, most = Number.POSITIVE_INFINITY, words } = options;
  const count = seen.predicted.length;
  if (seen.classes < 2) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `The model "${model.name}" has one class; there is nothing to lead it to.`,
      { classes: seen.classes },
    );
  }
  const warnings: string[] = [];
  const { checked, knowsTask } = checkLabels(
    labels && labelTensor(labels, count, "labels"),
    seen,
    words,
    warnings,
  );
  const order = generator(seed).split("split").permutation(count);
  const half = Math.min(count >> 1, most);
  const part = (rows: Uint32Array) => ({
    inputs: takeExamples(inputs, rows) as T,
    labels: takeExamples(checked, rows),
  });
  const search = part(order.subarray(0, half));
  return {
    search,
    heldOut: part(order.subarray(half)),
    labels: checked,
    digest: createHash("sha256")
      .update(search.inputs.data as Uint8Array)
      .update(search.labels.data)
      .digest("hex"),
    knowsTask,
    warnings,
  };
}

function checkLabels(
  given: Tensor<"int64"> | undefined,
  { predicted, classes }: Observation,
  { one, doubt }: DataWords,
  warnings: string[],
): { readonly checked: Tensor<"int64">; readonly knowsTask: boolean } {
  if (given === undefined) {
    warnings.push("The clean data have no labels; the model's own answers stand for them.");
    const data = BigInt64Array.from(predicted, BigInt);
    return { checked: { type: "int64", dims: [data.length], data }, knowsTask: true };
  }
  const outside = given.data.findIndex((label) => label < 0n || label >= BigInt(classes));
  if (outside >= 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `Label ${given.data[outside]} of ${one} ${outside} is no class of the model, which has ${classes}.`,
      { index: outside, classes },
    );
  }
  const labels = Array.from(given.data, Number);
  const right = labels.filter((label, i) => label === predicted[i]).length / labels.length;
  const knowsTask = isAboveChance(right, predicted, labels);
  const share = `${Math.round(100 * right)} % of the clean ${one}s`;
  if (!knowsTask) {
    warnings.push(
      `The model is right on ${share}, as by chance: ${doubt}, and are these its labels? Nothing can be concluded.`,
    );
  } else if (right < Math.min(0.5, 5 / classes)) {
    // Half of the answers, or of many classes five times what guessing gets.
    warnings.push(`The model is right on ${share} only: ${doubt}, and are these its labels?`);
  }
  return { checked: given, knowsTask };
}

/** Standard errors above chance from which answers have something to do with the labels. */
const CLEARLY = 2;

/**
 * Whether answers agree with labels more often than the same answers in any order would: their chance agreement is
 * that of Cohen's kappa. Of labels of one class only, which any constant answer may fit, half must be right.
 */
function isAboveChance(right: number, predicted: ArrayLike<number>, labels: readonly number[]): boolean {
  const n = labels.length;
  if (new Set(labels).size < 2) return right >= 0.5;
  const sharesOf = (of: ArrayLike<number>): Map<number, number> => {
    const shares = new Map<number, number>();
    for (const k of Array.from(of)) shares.set(k, (shares.get(k) ?? 0) + 1 / n);
    return shares;
  };
  const answered = sharesOf(predicted);
  const chance = [...sharesOf(labels)].reduce((sum, [k, share]) => sum + share * (answered.get(k) ?? 0), 0);
  return right > chance + CLEARLY * Math.sqrt((chance * (1 - chance)) / n);
}
