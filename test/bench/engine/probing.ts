/** Rows of the engine benchmark against scikit-learn: a few-shot curve and a layer sweep, end to end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fewShot, fitLogistic, sweep } from "../../../lib/probes/index.js";
import { type Tensor, takeExamples, writeNpy } from "../../../lib/tensor/index.js";
import { noise } from "../../support/signals.js";
import { compare, type Row, timed } from "../measure.js";
import type { Peer } from "../peer.js";

const LAYERS = 6;
const DRAWS = 8;

/** Two classes whose means differ a little in every feature, more so in later layers. */
function layer(n: number, d: number, seed: number, distance: number): Tensor<"float32"> {
  const x = noise([n, d], seed);
  for (let at = 0; at < x.data.length; at++) {
    if (Math.floor(at / d) % 2 === 1) x.data[at]! += distance / Math.sqrt(d);
  }
  return x;
}

const labelsOf = (n: number): Tensor<"int64"> => ({
  type: "int64",
  dims: [n],
  data: BigInt64Array.from({ length: n }, (_, i) => BigInt(i % 2)),
});

/**
 * - `fewShotOverSklearn`: 1 to 128 examples per class, 8 draws each, the probe with shuffled labels and a random
 *   direction beside it, judged by AUROC on 1,000 held-out examples of 256 features.
 * - `layerSweepOverSklearn`: six layers of 1,000 examples with 128 features, three penalties, five folds, then the
 *   chosen one on 1,000 held-out examples.
 */
export async function probing(
  peer: Peer | undefined,
  threads: number,
  rounds: number,
): Promise<Record<string, Row>> {
  const folder = mkdtempSync(join(tmpdir(), "assay-bench-"));
  const write = async (name: string, value: Tensor): Promise<string> => {
    const path = join(folder, `${name}.npy`);
    await writeNpy(path, value);
    return path;
  };
  try {
    const all = layer(3000, 256, 1, 1.5);
    const labels = labelsOf(3000);
    const cut = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    const [train, heldOut] = [cut(0, 2000), cut(2000, 3000)].map((rows) => ({
      x: takeExamples(all, rows),
      labels: takeExamples(labels, rows),
    })) as [{ x: Tensor; labels: Tensor }, { x: Tensor; labels: Tensor }];
    const layers = Array.from({ length: LAYERS }, (_, k) => layer(2000, 128, 10 + k, 0.3 * (k + 1)));
    const half = (from: number) =>
      Object.fromEntries(layers.map((x, k) => [`layer${k}`, takeExamples(x, cut(from, from + 1000))]));
    const sets = {
      train: half(0),
      labels: labelsOf(1000),
      heldOut: half(1000),
      heldOutLabels: labelsOf(1000),
    };
    await peer?.prepare("few_shot", {
      train: await write("train", train.x),
      train_labels: await write("train-labels", train.labels),
      held_out: await write("held-out", heldOut.x),
      held_out_labels: await write("held-out-labels", heldOut.labels),
      draws: DRAWS,
    });
    await peer?.prepare("layer_sweep", {
      layers: await Promise.all(layers.map((x, k) => write(`layer${k}`, x))),
      labels: await write("labels", labelsOf(2000)),
    });
    const row = (job: string, ours: () => unknown): Promise<Row> =>
      compare({
        peerName: "scikit-learn",
        threads,
        rounds,
        ours: () => timed(ours),
        peer: peer && (async () => (await peer.run(job)).seconds * 1000),
      });
    return {
      fewShotOverSklearn: await row("few_shot", () =>
        fewShot({ train, heldOut }, { seed: 1, fit: (x, own) => fitLogistic(x, own), draws: DRAWS }),
      ),
      layerSweepOverSklearn: await row("layer_sweep", () => sweep(sets, { seed: 1 })),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
