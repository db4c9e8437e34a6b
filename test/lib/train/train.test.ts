import assert from "node:assert/strict";
import { loadModel } from "../../../lib/model/index.js";
import { generator } from "../../../lib/random/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";
import {
  type Architecture,
  adam,
  adamW,
  attentionOnly,
  type Checkpoint,
  cnn,
  cosine,
  type LabelledData,
  mlp,
  predictClasses,
  resnet,
  sgd,
  trainClassifier,
  transformerClassifier,
  transformerDecoder,
} from "../../../lib/train/index.js";

/** Two interleaved half circles. */
function moons(n: number, seed: number): LabelledData {
  const random = generator(seed);
  const data = new Float32Array(2 * n);
  const labels = new BigInt64Array(n);
  for (let i = 0; i < n; i++) {
    const angle = Math.PI * random.uniform();
    const second = i % 2;
    data[2 * i] = (second ? 1 - Math.cos(angle) : Math.cos(angle)) + 0.1 * random.normal();
    data[2 * i + 1] = (second ? 0.5 - Math.sin(angle) : Math.sin(angle)) + 0.1 * random.normal();
    labels[i] = BigInt(second);
  }
  return {
    inputs: { type: "float32", dims: [n, 2], data },
    labels: { type: "int64", dims: [n], data: labels },
  };
}

/** Pictures with a bright square in one of four quarters. */
function quarters(n: number, seed: number): LabelledData {
  const random = generator(seed);
  const data = Float32Array.from({ length: n * 64 }, () => 0.3 * random.uniform());
  const labels = BigInt64Array.from({ length: n }, () => BigInt(random.integer(4)));
  labels.forEach((label, i) => {
    const [row, column] = [
      Number(label >> 1n) * 4 + random.integer(2),
      Number(label & 1n) * 4 + random.integer(2),
    ];
    for (let k = 0; k < 4; k++) data[i * 64 + (row + (k >> 1)) * 8 + column + (k & 1)]! += 0.7;
  });
  return {
    inputs: { type: "float32", dims: [n, 1, 8, 8], data },
    labels: { type: "int64", dims: [n], data: labels },
  };
}

/** Token sequences, their largest token, and the next token in the cycle. */
function sequences(n: number, seed: number): { inputs: Tensor; largest: Tensor; next: Tensor } {
  const random = generator(seed);
  const inputs = BigInt64Array.from({ length: n * 4 }, () => BigInt(random.integer(6)));
  const rows = Array.from({ length: n }, (_, i) => [...inputs.subarray(4 * i, 4 * i + 4)]);
  const largest = BigInt64Array.from(rows, (row) => BigInt(Math.max(...row.map(Number))));
  const next = BigInt64Array.from(inputs, (token) => (token + 1n) % 6n);
  return {
    inputs: { type: "int64", dims: [n, 4], data: inputs },
    largest: { type: "int64", dims: [n], data: largest },
    next: { type: "int64", dims: [n, 4], data: next },
  };
}

async function accuracyOf(bytes: Uint8Array, { inputs, labels }: LabelledData): Promise<number> {
  using model = await loadModel(bytes);
  const guesses = await predictClasses(model.graph, inputs);
  const hits = guesses.reduce(
    (sum, guess, i) => sum + Number(guess === Number((labels.data as BigInt64Array)[i])),
    0,
  );
  return hits / guesses.length;
}

describe("train.trainClassifier", () => {
  it("learns two moons with each optimiser", async () => {
    for (const [optimizer, learningRate] of [
      [sgd({ momentum: 0.9 }), 0.1],
      [adam(), 0.01],
      [adamW(), cosine(0.02, { warmup: 10 })],
    ] as const) {
      const trained = await trainClassifier(mlp({ input: [2], hidden: [32], classes: 2 }), moons(400, 1), {
        seed: 3,
        epochs: 30,
        batchSize: 50,
        optimizer,
        learningRate,
      });
      const accuracy = await accuracyOf(trained.bytes, moons(200, 2));
      assert.ok(accuracy > 0.95, `${optimizer.name}: ${accuracy}`);
      assert.equal(trained.losses.length, 240);
    }
  });

  const pictures: readonly Architecture[] = [
    cnn({ input: [1, 8, 8], channels: [8], hidden: 16, classes: 4 }),
    resnet({ input: [1, 8, 8], channels: [8, 8], classes: 4 }),
  ];
  for (const architecture of pictures) {
    it(`learns pictures with ${architecture.name}`, async () => {
      const trained = await trainClassifier(architecture, quarters(320, 1), {
        seed: 1,
        epochs: 12,
        batchSize: 32,
        learningRate: 5e-3,
      });
      assert.ok((await accuracyOf(trained.bytes, quarters(100, 2))) > 0.95);
    });
  }

  it("learns the largest of four tokens with an encoder and with attention alone", async () => {
    const { inputs, largest } = sequences(1000, 1);
    const test = sequences(200, 2);
    for (const architecture of [
      transformerClassifier({ vocabulary: 6, length: 4, width: 32, heads: 2, layers: 1, classes: 6 }),
      attentionOnly({ vocabulary: 6, length: 4 }),
    ]) {
      const data = { inputs, labels: largest };
      const trained = await trainClassifier(architecture, data, {
        seed: 1,
        epochs: 40,
        batchSize: 100,
        learningRate: 5e-3,
      });
      const accuracy = await accuracyOf(trained.bytes, { inputs: test.inputs, labels: test.largest });
      assert.ok(accuracy > 0.9, `${architecture.name}: ${accuracy}`);
    }
  });

  it("learns the next token with a causal decoder, which does not look ahead", async () => {
    const { inputs, next } = sequences(300, 1);
    const decoder = transformerDecoder({ vocabulary: 6, length: 8, width: 16, heads: 2, layers: 1 });
    const trained = await trainClassifier(
      decoder,
      { inputs, labels: next },
      { seed: 1, steps: 150, batchSize: 50, learningRate: 1e-2 },
    );
    assert.ok(trained.metrics["assay/accuracy"]!.at(-1)! > 0.99);
    using model = await loadModel(trained.bytes);
    const ids = (...tokens: number[]): Tensor => ({
      type: "int64",
      dims: [1, tokens.length],
      data: BigInt64Array.from(tokens, BigInt),
    });
    const a = (await model.run(ids(1, 2, 3)))["logits"]!.data.slice(0, 12);
    const b = (await model.run(ids(1, 2, 5)))["logits"]!.data.slice(0, 12);
    assert.deepEqual(a, b);
  });

  it("ignores padding, in attention and in the mean", async () => {
    const encoder = transformerClassifier({
      vocabulary: 9,
      length: 6,
      width: 8,
      heads: 2,
      layers: 2,
      classes: 3,
      padding: 0,
    });
    const { bytes } = await trainClassifier(
      encoder,
      {
        inputs: { type: "int64", dims: [2, 3], data: BigInt64Array.of(1n, 2n, 0n, 3n, 4n, 5n) },
        labels: { type: "int64", dims: [2], data: BigInt64Array.of(0n, 1n) },
      },
      { seed: 1, steps: 2 },
    );
    using model = await loadModel(bytes);
    const logits = async (...tokens: bigint[]): Promise<number[]> => {
      const { logits } = await model.run({
        x: { type: "int64", dims: [1, tokens.length], data: BigInt64Array.from(tokens) },
      });
      return Array.from(logits!.data as Float32Array);
    };
    const [short, long] = [await logits(3n, 4n), await logits(3n, 4n, 0n, 0n)];
    for (const [i, value] of short.entries()) assert.ok(Math.abs(value - long[i]!) < 1e-6);
  });

  it("gives the same bits for the same seed at one thread, and others for another seed", async () => {
    const train = async (seed: number): Promise<Uint8Array> =>
      (await trainClassifier(pictures[0]!, quarters(64, 1), { seed, steps: 20, batchSize: 16, threads: 1 }))
        .bytes;
    const [first, again, other] = [await train(1), await train(1), await train(2)];
    assert.deepEqual(first, again);
    assert.notDeepEqual(first, other);
  });

  it("resumes from a checkpoint to the same bits", async () => {
    const options = {
      seed: 5,
      steps: 40,
      batchSize: 16,
      threads: 1,
      learningRate: cosine(1e-2),
      clipNorm: 1,
    };
    const checkpoints: Checkpoint[] = [];
    const whole = await trainClassifier(pictures[0]!, quarters(64, 1), {
      ...options,
      onProgress: ({ checkpoint }) => checkpoints.push(checkpoint),
    });
    const middle = checkpoints.find(({ step }) => step > 0 && step < 40);
    assert.ok(middle, "the training reported nothing before its end");
    const resumed = await trainClassifier(pictures[0]!, quarters(64, 1), { ...options, resume: middle });
    assert.deepEqual(resumed.bytes, whole.bytes);
  });

  it("stops when asked, and when the loss is no number", async () => {
    const controller = new AbortController();
    const data = quarters(64, 1);
    await assert.rejects(
      trainClassifier(pictures[0]!, data, {
        seed: 1,
        steps: 1e6,
        signal: controller.signal,
        onProgress: () => controller.abort(),
      }),
      { code: "ABORTED", message: /of 1000000 steps/ },
    );
    await assert.rejects(
      trainClassifier(pictures[0]!, data, { seed: 1, steps: 200, optimizer: sgd(), learningRate: 1e20 }),
      { code: "NOT_FINITE" },
    );
    const short = { ...data, labels: { ...data.labels, dims: [3], data: BigInt64Array.of(0n, 1n, 2n) } };
    await assert.rejects(trainClassifier(pictures[0]!, short, { seed: 1, steps: 1 }), {
      code: "SHAPE_MISMATCH",
    });
  });
});
