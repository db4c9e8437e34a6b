/** What a model says of one class under each of many patches. */
import { AssayError } from "../../../errors.js";
import type { LoadedModel } from "../../../model/index.js";
import { type Tensor, tensor } from "../../../tensor/index.js";
import { apply, type PatchTrigger } from "../../../trigger/index.js";
import { answerOf, logitsOf } from "../../logits.js";
import type { ImageModel } from "../image-model.js";

/** A model that takes `[n, channels, height, width]`, with its own graph to say what its answers are. */
export interface AnsweringModel extends ImageModel {
  /** True if the answers are probabilities already. */
  readonly isProbability: boolean;
}

/** Adds what a view of a model does not say of its answers. */
export const answering = (view: ImageModel, model: LoadedModel): AnsweringModel => ({
  ...view,
  isProbability: logitsOf(model.graph, answerOf(model)).isProbability,
});

/** How one patch does. */
export interface PatchAnswers {
  /** Mean probability of the target. */
  readonly probability: number;
  /** Share of images classified as the target. */
  readonly success: number;
}

const ROWS_PER_RUN = 256;

/** Stamps every patch on every image. */
export async function answersUnder(
  model: AnsweringModel,
  triggers: readonly PatchTrigger[],
  images: Tensor<"float32">,
  target: number,
  signal: AbortSignal | undefined,
): Promise<PatchAnswers[]> {
  const count = images.dims[0]!;
  const perRun = Math.max(1, Math.floor(ROWS_PER_RUN / count));
  const output = answerOf(model);
  const results: PatchAnswers[] = [];
  for (let first = 0; first < triggers.length; first += perRun) {
    if (signal?.aborted) throw new AssayError("ABORTED", "The search for the patch was stopped.");
    const some = triggers.slice(first, first + perRun);
    const batch = new Float32Array(some.length * images.data.length);
    some.forEach((trigger, i) => {
      batch.set(apply(trigger, images).data as Float32Array, i * images.data.length);
    });
    const answer = (
      await model.run(tensor("float32", [some.length * count, ...images.dims.slice(1)], batch), {
        outputs: [output],
      })
    )[output]!;
    const classes = answer.dims.at(-1)!;
    const values = answer.data as Float32Array;
    for (let i = 0; i < some.length; i++) {
      results.push(
        summary(
          values.subarray(i * count * classes, (i + 1) * count * classes),
          classes,
          target,
          model.isProbability,
        ),
      );
    }
  }
  return results;
}

function summary(
  values: Float32Array,
  classes: number,
  target: number,
  isProbability: boolean,
): PatchAnswers {
  const count = values.length / classes;
  let probability = 0;
  let hits = 0;
  for (let i = 0; i < count; i++) {
    const row = values.subarray(i * classes, (i + 1) * classes);
    const highest = row.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
    if (row[target] === highest) hits++;
    probability += isProbability
      ? row[target]!
      : Math.exp(row[target]! - highest) / row.reduce((sum, value) => sum + Math.exp(value - highest), 0);
  }
  return { probability: probability / count, success: hits / count };
}
