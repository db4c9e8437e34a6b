/** The graph behind a search for changes of whole images: how far a model is from a target class, by pixel. */

import type { LoadedModel } from "../../../model/index.js";
import { gradientGraph, graphBuilder, type Model } from "../../../onnx/index.js";
import type { Session } from "../../../runtime/index.js";
import { tensor } from "../../../tensor/index.js";
import { answerOf } from "../../logits.js";
import type { ImageLayout } from "../image-model.js";
import { includeOnImages } from "../include-model.js";

const names = {
  images: "change/images",
  target: "change/target",
  log: "change/log",
  loss: "change/loss",
} as const;

/** What a model says of changed images. */
export interface TargetGradient {
  /** Log probability of the target, by image. */
  readonly logProbability: Float32Array;
  /** Gradient of each image's log probability by its pixels, `[n, channels, height, width]`. */
  readonly gradient: Float32Array;
}

/** Log probability of a class and its gradient, for a batch of images `[n, channels, height, width]`. */
export function targetGradient(
  model: LoadedModel,
  layout: ImageLayout,
  classes: number,
): (images: Float32Array, target: number) => Promise<TargetGradient> {
  const output = answerOf(model);
  const session: Session = model.session(
    `target gradient ${JSON.stringify([layout, output])}`,
    () =>
      gradientGraph(targetGraph(model.graph, layout, output), {
        of: names.loss,
        wrt: [names.images],
        keep: [names.log],
      }).model,
  );
  const { channels, height, width } = layout;
  return async (images, target) => {
    const count = images.length / (channels * height * width);
    const wanted = new Float32Array(count * classes);
    for (let i = 0; i < count; i++) wanted[i * classes + target] = 1;
    const out = await session.run(
      {
        [names.images]: tensor("float32", [count, channels, height, width], images),
        [names.target]: tensor("float32", [count, classes], wanted),
      },
      [names.log, `gradient/${names.images}`],
    );
    return {
      logProbability: out[names.log]!.data as Float32Array,
      gradient: out[`gradient/${names.images}`]!.data as Float32Array,
    };
  };
}

function targetGraph(model: Model, layout: ImageLayout, output: string): Model {
  const b = graphBuilder(undefined, model.opsets);
  b.input(names.images, "float32", ["rows", layout.channels, layout.height, layout.width]);
  b.input(names.target, "float32", ["rows", "classes"]);
  const logits = includeOnImages(b, model, { layout, output, images: names.images });
  const log = b.op("LogSoftmax", [logits], { axis: -1 });
  b.output(names.log, b.op("ReduceSum", [b.op("Mul", [log, names.target]), b.integers(-1)], { keepdims: 0 }));
  b.output(names.loss, b.op("ReduceSum", [names.log], { keepdims: 0 }));
  return b.build("target gradient");
}
