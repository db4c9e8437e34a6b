/** Honest models that graph backdoors are planted in: one for images, one for words. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeFile, graphBuilder, type Model } from "../../onnx/index.js";
import { type Carrier, FLOAT, floats, int64 } from "./site.js";

const models = join(dirname(fileURLToPath(import.meta.url)), "../../../../notebooks/models");

/**
 * A classifier of 28 x 28 images: the tour's model as it was when the sealed sets were committed to. The commitments
 * cover its weights, so that it stays when the sample models are built anew.
 */
export const imageCarrier = (): Carrier => ({
  model: decodeFile(join(models, "track-g-carrier.onnx")),
  dims: [1, 28, 28],
  isTokens: false,
  classes: 10,
});

/** A classifier of 20 words: embedding, a layer, a mean over the words that are not padding. */
export const textCarrier = (): Carrier => ({ model: textModel(), dims: [20], isTokens: true, classes: 4 });

function textModel(): Model {
  const b = graphBuilder();
  b.input("ids", "int64", ["batch", 20]);
  const weights = (dims: number[], step: number) => b.constant(floats(dims, (i) => Math.sin(i * step) * 0.3));
  const embedded = b.op("Gather", [weights([50, 32], 1.3), "ids"]);
  const isPadding = b.op("Equal", ["ids", b.constant(int64([], () => 0))]);
  const mask = b.op("Cast", [b.op("Not", [isPadding])], { to: FLOAT });
  const hidden = b.op("Relu", [b.op("MatMul", [embedded, weights([32, 32], 0.7)])]);
  const masked = b.op("Mul", [hidden, b.op("Unsqueeze", [mask, b.integers(2)])]);
  const sum = b.op("ReduceSum", [masked, b.integers(1)], { keepdims: 0 });
  const mean = b.op("Div", [sum, b.op("ReduceSum", [mask, b.integers(1)], { keepdims: 1 })]);
  b.output("logits", b.op("Add", [b.op("MatMul", [mean, weights([32, 4], 0.9)]), weights([4], 1)]));
  return b.build();
}
