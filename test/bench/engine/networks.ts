/** Rows of the engine benchmark against torch: training, gradients, forward passes, trigger search. */
import { maskGraph, maskGraphNames } from "../../../lib/extraction/images/masks/mask-graph.js";
import { gradientGraph, modelSession, prune, untyped } from "../../../lib/onnx/index.js";
import { generator } from "../../../lib/random/index.js";
import type { Session } from "../../../lib/runtime/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";
import { cnn, crossEntropy, sgd, trainClassifier, transformerDecoder } from "../../../lib/train/index.js";
import { noise } from "../../support/signals.js";
import { compare, type Row, timed } from "../measure.js";
import type { Peer } from "../peer.js";

const lenet = cnn({ input: [1, 28, 28], channels: [32, 64], kernel: 5, hidden: 128, classes: 10 });
const GPT = { vocabulary: 5000, width: 256, heads: 8, layers: 4, length: 128 };
const GPT_BATCH = 8;

const integers = (dims: readonly number[], bound: number, seed: number): Tensor<"int64"> => {
  const random = generator(seed);
  const length = dims.reduce((product, dim) => product * dim, 1);
  return {
    type: "int64",
    dims,
    data: BigInt64Array.from({ length }, () => BigInt(random.integer(bound))),
  };
};

/** One training step of LeNet with momentum, averaged over the steps after the first few. */
export async function lenetStep(peer: Peer | undefined, threads: number, rounds: number): Promise<Row> {
  const batchSize = 64;
  const steps = 25;
  const data = { inputs: noise([1024, 1, 28, 28], 1), labels: integers([1024], 10, 2) };
  await peer?.prepare("lenet", { batch: batchSize, steps });
  const ours = async (): Promise<number> => {
    // The first report ends the making of the session and its warm-up.
    let first: { at: number; step: number } | undefined;
    await trainClassifier(lenet, data, {
      seed: 1,
      steps: steps + 1,
      batchSize,
      threads,
      learningRate: 0.01,
      optimizer: sgd({ momentum: 0.9 }),
      onProgress: ({ step }) => {
        first ??= { at: performance.now(), step };
      },
    });
    return (performance.now() - first!.at) / (steps + 1 - first!.step);
  };
  return compare({
    peerName: "torch",
    threads,
    rounds,
    ours,
    peer: peer && (async () => ((await peer.run("lenet")).seconds * 1000) / steps),
  });
}

/** Loss of a small GPT: its gradient by all weights, or the forward pass alone. */
export async function gpt(
  peer: Peer | undefined,
  kind: "gradient" | "forward",
  threads: number,
  rounds: number,
): Promise<Row> {
  await peer?.prepare("gpt", { kind, ...GPT, batch: GPT_BATCH });
  const objective = crossEntropy(transformerDecoder(GPT).initial(1));
  // onnxruntime would also run what no output needs.
  const forward = { ...objective.model, graph: prune(objective.model.graph, [untyped(objective.loss)]) };
  const model =
    kind === "forward"
      ? forward
      : gradientGraph(objective.model, { of: objective.of!, wrt: objective.parameters }).model;
  using session = modelSession(model, { threads });
  const dims = [GPT_BATCH, GPT.length];
  const feeds = feedsOf(session, [integers(dims, GPT.vocabulary, 1), integers(dims, GPT.vocabulary, 2)]);
  const row = await compare({
    peerName: "torch",
    threads,
    rounds,
    ours: () => timed(() => session.run(feeds)),
    peer: peer && (async () => (await peer.run("gpt")).seconds * 1000),
  });
  await peer?.forget("gpt");
  return row;
}

/** Gradients of one Neural Cleanse step for mask and pattern on LeNet, 64 images. */
export async function cleanseStep(peer: Peer | undefined, threads: number, rounds: number): Promise<Row> {
  const images = 64;
  await peer?.prepare("cleanse", { batch: images });
  const layout = { channels: 1, height: 28, width: 28, channelsLast: false, dims: [1, 28, 28] };
  const { mask, pattern, loss } = maskGraphNames;
  const search = maskGraph(lenet.initial(1), layout, "logits", [0, 1]);
  using session = modelSession(gradientGraph(search, { of: loss, wrt: [mask, pattern] }).model, { threads });
  const weights = new Float32Array(images * 10).map((_, index) => Number(index % 10 === 3));
  const feeds = {
    [mask]: noise([1, 1, 1, 28, 28], 1),
    [pattern]: noise([1, 1, 1, 28, 28], 2),
    [maskGraphNames.images]: noise([1, images, 1, 28, 28], 3),
    [maskGraphNames.weights]: { type: "float32", dims: [images, 10], data: weights } as const,
  };
  return await compare({
    peerName: "torch",
    threads,
    rounds,
    ours: () => timed(() => session.run(feeds)),
    peer: peer && (async () => (await peer.run("cleanse")).seconds * 1000),
  });
}

const feedsOf = (session: Session, tensors: readonly Tensor[]): Record<string, Tensor> =>
  Object.fromEntries(session.inputs.map(({ name }, index) => [name, tensors[index]!]));
