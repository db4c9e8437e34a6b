/** Searches, without any data, the inputs on which a classifier prefers each class most: its maximum margins. */
import { AssayError } from "../../../errors.js";
import type { LoadedModel } from "../../../model/index.js";
import { gradientGraph, graphBuilder, type Model } from "../../../onnx/index.js";
import { generator } from "../../../random/index.js";
import { tensor } from "../../../tensor/index.js";
import { Adam } from "../../adam.js";
import { answerOf } from "../../logits.js";
import type { ImageLayout } from "../image-model.js";
import { includeOnImages } from "../include-model.js";

/** How hard to search. */
export interface MarginSearchOptions {
  readonly seed: number;
  /** Random inputs that each class is climbed from. */
  readonly starts: number;
  readonly steps: number;
  /** Of Adam, as a share of the input range. */
  readonly learningRate: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/** The highest margin of each class, and the images that went forward and back. */
export interface Margins {
  readonly margins: Float64Array;
  readonly passes: number;
}

const names = {
  images: "margin/images",
  own: "margin/own",
  margin: "margin/margin",
  loss: "margin/loss",
} as const;

/** Rows of a run: more are no faster on a processor. */
const ROWS_PER_RUN = 240;
/** Added to no logit but the class's own, so that it is not its own rival. */
const FAR = 1e9;

/**
 * Maximises `f_c - max over k != c of f_k` over all inputs in the range, by projected Adam from random inputs.
 *
 * @throws AssayError ABORTED, UNSUPPORTED_OPERATOR.
 */
export async function searchMargins(
  model: LoadedModel,
  space: {
    readonly layout: ImageLayout;
    readonly range: readonly [number, number];
    readonly classes: number;
  },
  options: MarginSearchOptions,
): Promise<Margins> {
  const { layout, range, classes } = space;
  const { seed, starts, steps, learningRate, signal, onProgress } = options;
  const output = answerOf(model);
  const session = model.session(
    `margin search ${JSON.stringify([layout, output])}`,
    () =>
      gradientGraph(marginGraph(model.graph, layout, output), {
        of: names.loss,
        wrt: [names.images],
        keep: [names.margin],
      }).model,
  );
  const [low, high] = range;
  const size = layout.channels * layout.height * layout.width;
  const rows = classes * starts;
  const random = generator(seed).split("margin search");
  const inputs = Float32Array.from({ length: rows * size }, () => low + (high - low) * random.uniform());
  const gradient = new Float32Array(inputs.length);
  const margins = new Float64Array(classes).fill(Number.NEGATIVE_INFINITY);
  const adam = new Adam(inputs.length, learningRate * (high - low));
  const classOf = (row: number): number => Math.floor(row / starts);
  for (let step = 0; step <= steps; step++) {
    if (signal?.aborted)
      throw new AssayError("ABORTED", "The search for maximum margins was stopped.", { step });
    for (let first = 0; first < rows; first += ROWS_PER_RUN) {
      const count = Math.min(ROWS_PER_RUN, rows - first);
      const own = new Float32Array(count * classes);
      for (let i = 0; i < count; i++) own[i * classes + classOf(first + i)] = 1;
      const out = await session.run(
        {
          [names.images]: tensor(
            "float32",
            [count, layout.channels, layout.height, layout.width],
            inputs.subarray(first * size, (first + count) * size),
          ),
          [names.own]: tensor("float32", [count, classes], own),
        },
        [names.margin, `gradient/${names.images}`],
      );
      gradient.set(out[`gradient/${names.images}`]!.data as Float32Array, first * size);
      (out[names.margin]!.data as Float32Array).forEach((margin, i) => {
        const c = classOf(first + i);
        margins[c] = Math.max(margins[c]!, margin);
      });
    }
    onProgress?.(step, steps);
    if (step === steps) break;
    adam.update(inputs, gradient);
    for (let i = 0; i < inputs.length; i++) inputs[i] = Math.min(Math.max(inputs[i]!, low), high);
  }
  return { margins, passes: rows * (steps + 1) };
}

/**
 * The graph: `images` `[n, c, h, w]` and the one-hot `own` class of each; outputs the margins `[n]` of the logits
 * before a final Softmax, and minus their sum.
 */
function marginGraph(model: Model, layout: ImageLayout, output: string): Model {
  const b = graphBuilder(undefined, model.opsets);
  b.input(names.images, "float32", ["rows", layout.channels, layout.height, layout.width]);
  b.input(names.own, "float32", ["rows", "classes"]);
  const logits = includeOnImages(b, model, { layout, output, images: names.images });
  const own = b.op("ReduceSum", [b.op("Mul", [logits, names.own]), b.integers(-1)], { keepdims: 0 });
  const rivals = b.op("Sub", [logits, b.op("Mul", [names.own, b.number(FAR)])]);
  const rival = b.op("ReduceMax", [rivals, b.integers(-1)], { keepdims: 0 });
  b.output(names.margin, b.op("Sub", [own, rival]));
  b.output(names.loss, b.op("Neg", [b.op("ReduceSum", [names.margin], { keepdims: 0 })]));
  return b.build("margin search");
}
