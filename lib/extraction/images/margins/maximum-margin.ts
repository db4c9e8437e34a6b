/**
 * MM-BD: does the model prefer one class, on inputs made to please it, more than is natural?
 *
 * Shows: a class whose largest possible margin stands out, as training on a trigger leaves it, whatever the trigger
 * looks like: patches, blends, and changes of the whole image. Needs no data at all. Misleads without references: the
 * published test (a gamma distribution fitted to the model's other classes) called 12 of 27 clean development CNNs
 * backdoored at 0.05, with AUROC 0.68 [0.47, 0.84] for squares and blends, since classes differ by nature; beside the
 * same class of three clean references it was 0.98 [0.92, 1.00] (bootstrap). Source-specific triggers barely show.
 */
import { AssayError } from "../../../errors.js";
import type { LoadedModel } from "../../../model/index.js";
import { fitGamma } from "../../../stats/index.js";
import { type Calibration, calibrate } from "../../calibration.js";
import { answerOf } from "../../logits.js";
import { type ImageLayout, imageLayout } from "../image-model.js";
import { type MarginSearchOptions, searchMargins } from "./margin-search.js";

/** Options of `maximumMargin`. */
export interface MaximumMarginOptions extends Partial<Omit<MarginSearchOptions, "seed">> {
  readonly seed: number;
  /** Clean models of the same task; with two or more each class is compared with theirs. Default: none. */
  readonly references?: readonly LoadedModel[];
  /** Lowest and highest input value. Default `[0, 1]`. */
  readonly range?: readonly [number, number];
  /** Dims of one input, e.g. `[1, 28, 28]`. Default: those that the model declares. */
  readonly dims?: readonly number[];
}

/** What the margins of one model say. */
export interface MaximumMargin {
  readonly kind: "maximum-margin";
  readonly model: string;
  readonly references: readonly string[];
  /** Largest `f_c - max over k != c of f_k` found for each class c, in units of logits. */
  readonly margins: Float64Array;
  readonly referenceMargins: readonly Float64Array[];
  /** Class of the largest margin, and the published p-value: `1 - H(margin)^K` with H fitted to the other classes. */
  readonly largest: { readonly target: number; readonly pValue: number };
  /** Comparison of log margins with the references; null for fewer than two. */
  readonly calibration: Calibration | null;
  /** Class and p-value by the references where there are enough, else of the largest margin. */
  readonly target: number;
  readonly pValue: number;
  /** Inputs that went forward and back through all models. */
  readonly passes: number;
  readonly settings: Pick<MarginSearchOptions, "starts" | "steps" | "learningRate" | "seed">;
  readonly warnings: readonly string[];
}

/**
 * Settings of the search. The paper takes 300 steps; on 59 development models 60 ranked them as 200 did (AUROC 0.923 for
 * all kinds of trigger with either; 0.907 with 10 starts and 40 steps, at a quarter of the passes).
 */
const marginSearch = { starts: 24, steps: 60, learningRate: 0.1 } as const;

/**
 * Finds the maximum margin of every class and says how unusual the most unusual one is.
 *
 * @throws AssayError INVALID_ARGUMENT for fewer than four classes or free input sizes, UNSUPPORTED_OPERATOR, ABORTED.
 * @see H. Wang, Z. Xiang, D. Miller, G. Kesidis (2024), MM-BD: post-training detection of backdoor attacks with
 *   arbitrary backdoor pattern types using a maximum margin statistic. IEEE S&P.
 * @example
 * const margins = await extraction.maximumMargin(model, { seed: 1, references });
 * margins.pValue   // 0.0004
 */
export async function maximumMargin(
  model: LoadedModel,
  options: MaximumMarginOptions,
): Promise<MaximumMargin> {
  const { seed, references = [], range = [0, 1], dims, signal, onProgress, ...given } = options;
  const layout = imageLayout([1, ...(dims ?? declaredDims(model))]);
  const settings = { ...marginSearch, ...given, seed };
  const classes = await countClasses(model, layout);
  if (classes < 4) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `maximumMargin: "${model.name}" has ${classes} classes; the others say what is natural, so four are needed.`,
      { classes },
    );
  }
  const all: Float64Array[] = [];
  let passes = 0;
  for (const [i, one] of [model, ...references].entries()) {
    const found = await searchMargins(
      one,
      { layout, range, classes },
      {
        ...settings,
        signal,
        onProgress: (done, of) => onProgress?.(i * of + done, (references.length + 1) * of),
      },
    );
    passes += found.passes;
    all.push(found.margins);
  }
  const [margins, ...referenceMargins] = all as [Float64Array, ...Float64Array[]];
  const largest = largestMargin(margins);
  const calibration =
    references.length < 2 ? null : calibrate(logMargins(margins), referenceMargins.map(logMargins), { seed });
  return {
    kind: "maximum-margin",
    model: model.name,
    references: references.map(({ name }) => name),
    margins,
    referenceMargins,
    largest,
    calibration,
    target: calibration?.target ?? largest.target,
    pValue: calibration?.pValue ?? largest.pValue,
    passes,
    settings,
    warnings:
      calibration === null
        ? [
            "Without two or more clean references the p-value rests on the model's own classes, which differ by nature: it accuses far more clean models than it says.",
          ]
        : [],
  };
}

/** Margins below this are as good as none: their logarithm would say more than was found. */
const LEAST = 1e-3;

/** The statistic that is compared with references: the scale of a model's logits, which grows with its training, drops out. */
export const logMargins = (margins: Float64Array): Float64Array =>
  margins.map((margin) => Math.log(Math.max(margin, LEAST)));

function largestMargin(margins: Float64Array): MaximumMargin["largest"] {
  const highest = margins.reduce((most, margin) => Math.max(most, margin), Number.NEGATIVE_INFINITY);
  const target = margins.indexOf(highest);
  const others = Array.from(margins)
    .filter((_, k) => k !== target)
    .map((margin) => Math.max(margin, LEAST));
  // All others alike: a larger one has no place among them, an equal one is like all.
  if (Math.max(...others) - Math.min(...others) < 1e-9 * highest)
    return { target, pValue: highest > Math.max(...others) * (1 + 1e-9) ? 0 : 1 };
  const tail = fitGamma(others).upperTail(Math.max(highest, LEAST));
  return { target, pValue: -Math.expm1(margins.length * Math.log1p(-tail)) };
}

function declaredDims(model: LoadedModel): readonly number[] {
  const dims = model.inputs[0]?.dims.slice(1) ?? [];
  if (dims.length > 0 && dims.every((dim) => typeof dim === "number" && dim > 0)) return dims as number[];
  throw new AssayError(
    "INVALID_ARGUMENT",
    `maximumMargin: "${model.name}" leaves sizes of its input free, [${dims.join(", ")}]; give the dims of one input as the option "dims".`,
    { dims },
  );
}

async function countClasses(model: LoadedModel, layout: ImageLayout): Promise<number> {
  const output = answerOf(model);
  const one = {
    type: "float32" as const,
    dims: [1, ...layout.dims],
    data: new Float32Array(layout.dims.reduce((a, b) => a * b, 1)),
  };
  return (await model.run(one, { outputs: [output] }))[output]!.dims.at(-1)!;
}
