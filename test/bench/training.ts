/** Suite `training`: the tour's CNN from random weights, beside its twin in PyTorch on the same images. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { takeLabelled } from "../../lib/data/index.js";
import { generator } from "../../lib/random/index.js";
import { defaultThreads } from "../../lib/runtime/index.js";
import { type Estimate, meanEstimate } from "../../lib/stats/index.js";
import { writeNpy } from "../../lib/tensor/index.js";
import { cosine, predictClasses, trainClassifier } from "../../lib/train/index.js";
import { readFashionMnist, tourRecipe } from "../../lib/zoo/index.js";
import { median, type Row } from "./measure.js";
import { startPeer } from "./peer.js";

const SEEDS = [1, 2, 3, 4, 5] as const;
const RATE = 3e-3;

/** One training. */
interface Outcome {
  readonly seconds: number;
  /** Processor time of all threads: what a busy machine does not blur. */
  readonly processorSeconds: number;
  /** Share of the 10,000 test images that are classified right. */
  readonly accuracy: number;
}

/**
 * Trains five models on either side, in turn, each from its own random weights. Both sides of a seed see the same
 * 20,000 images; batches, epochs, optimiser and schedule are equal. Two threads, or as ASSAY_THREADS says.
 */
export async function training(): Promise<Record<string, unknown>> {
  const threads = Math.min(2, defaultThreads());
  const { examples, epochs, batchSize } = tourRecipe;
  const train = readFashionMnist("train");
  const test = readFashionMnist("test");
  const folder = mkdtempSync(join(tmpdir(), "assay-bench-"));
  const file = (name: string): string => join(folder, `${name}.npy`);
  const peer = await startPeer("torch_jobs", threads);
  const ours: Outcome[] = [];
  const theirs: Outcome[] = [];
  try {
    await writeNpy(file("test"), test.inputs);
    await writeNpy(file("test-labels"), test.labels);
    for (const seed of SEEDS) {
      const chosen = generator(seed).split("zoo").permutation(train.labels.data.length).subarray(0, examples);
      const data = takeLabelled(train, chosen);
      await writeNpy(file("train"), data.inputs);
      await writeNpy(file("train-labels"), data.labels);
      const start = performance.now();
      const used = process.cpuUsage();
      const { model } = await trainClassifier(tourRecipe.architecture, data, {
        seed,
        epochs,
        batchSize,
        learningRate: cosine(RATE),
        threads,
      });
      const seconds = (performance.now() - start) / 1000;
      const { user, system } = process.cpuUsage(used);
      const processorSeconds = (user + system) / 1e6;
      const predicted = await predictClasses(model, test.inputs);
      const right = predicted.filter((answer, i) => answer === Number(test.labels.data[i])).length;
      ours.push({ seconds, processorSeconds, accuracy: right / predicted.length });
      if (peer) {
        const options = { folder, seed, epochs, batch: batchSize, rate: RATE };
        await peer.prepare("tour_cnn", options);
        const { values } = await peer.run("tour_cnn");
        theirs.push(values as unknown as Outcome);
      }
      const say = ({ seconds: s, processorSeconds: busy, accuracy }: Outcome): string =>
        `${s.toFixed(1)} s (${busy.toFixed(1)} s of processors), accuracy ${accuracy.toFixed(4)}`;
      const beside = theirs.length > 0 ? say(theirs.at(-1)!) : "missing";
      console.error(`bench: training, seed ${seed}: ${say(ours.at(-1)!)}, peer ${beside}`);
    }
  } finally {
    peer?.stop();
    rmSync(folder, { recursive: true });
  }
  const row = timeRow(ours, theirs, threads);
  return {
    trainingSeconds: row.ours,
    trainingOverTorch: row.ratio,
    processorSeconds: median(ours.map(({ processorSeconds }) => processorSeconds)),
    peerProcessorSeconds:
      theirs.length > 0 ? median(theirs.map(({ processorSeconds }) => processorSeconds)) : null,
    accuracy: summary(ours.map(({ accuracy }) => accuracy)),
    peerAccuracy: theirs.length > 0 ? summary(theirs.map(({ accuracy }) => accuracy)) : null,
    // Paired by seed, that is by images.
    accuracyDifferencePoints:
      theirs.length > 0
        ? summary(ours.map(({ accuracy }, i) => 100 * (accuracy - theirs[i]!.accuracy)))
        : null,
    runs: { ours, peer: theirs },
    rows: { trainingOverTorch: row },
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, memoryBytes: totalmem() },
    versions: {
      node: process.version,
      onnxruntime: (createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string })
        .version,
      ...peer?.versions,
    },
  };
}

/** The mean over seeds with its 95 % interval. */
function summary(values: readonly number[]): Estimate {
  return meanEstimate(values);
}

function timeRow(ours: readonly Outcome[], theirs: readonly Outcome[], threads: number): Row {
  const mine = median(ours.map(({ seconds }) => seconds));
  const other = theirs.length === 0 ? null : median(theirs.map(({ seconds }) => seconds));
  return {
    ours: mine,
    peer: other,
    peerName: "PyTorch",
    ratio: other === null ? null : mine / other,
    unit: "s",
    runs: ours.length,
    threads,
  };
}
