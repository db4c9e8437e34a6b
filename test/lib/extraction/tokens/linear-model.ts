/** A classifier of tokens whose scores are known in closed form: the mean of its tokens' rows. */
import { type LoadedModel, wrapModel } from "../../../../lib/model/index.js";
import { graphBuilder } from "../../../../lib/onnx/index.js";
import { generator } from "../../../../lib/random/index.js";
import { type Tensor, tensor } from "../../../../lib/tensor/index.js";

/** Row-major `[vocabulary, classes]` normal scores. */
export function tokenScores(vocabulary: number, classes: number, seed: number): Float32Array {
  const random = generator(seed).split("scores");
  return Float32Array.from({ length: vocabulary * classes }, () => 3 * random.normal());
}

/** Texts of words drawn uniformly, `[count, length]`, with the classes in turn as their labels. */
export function drawnTexts(
  sizes: {
    readonly vocabulary: number;
    readonly classes: number;
    readonly length: number;
    readonly count: number;
  },
  seed: number,
): { readonly inputs: Tensor<"int64">; readonly labels: Int32Array } {
  const { vocabulary, classes, length, count } = sizes;
  const random = generator(seed);
  const ids = BigInt64Array.from({ length: count * length }, () => BigInt(random.integer(vocabulary)));
  return {
    inputs: tensor("int64", [count, length], ids),
    labels: Int32Array.from({ length: count }, (_, i) => i % classes),
  };
}

/** `logits = mean over positions of scores[token]`; position first inside, as recurrent exports have it, if asked. */
export function linearModel(
  scores: Float32Array,
  classes: number,
  options: { readonly positionFirst?: boolean; readonly length?: number; readonly name?: string } = {},
): LoadedModel {
  const builder = graphBuilder();
  const ids = builder.input("ids", "int64", ["batch", options.length ?? "length"]);
  const table = builder.initializer("table", tensor("float32", [scores.length / classes, classes], scores));
  const turned = options.positionFirst ? builder.op("Transpose", [ids], { perm: [1, 0] }) : ids;
  const vectors = builder.op("Gather", [table, builder.op("Cast", [turned], { to: 7 })]);
  const axis = builder.integers(options.positionFirst ? 0 : 1);
  builder.output("logits", builder.op("ReduceMean", [vectors, axis], { keepdims: 0 }));
  return wrapModel(builder.build("linear"), { name: options.name ?? "linear", threads: 1 });
}
