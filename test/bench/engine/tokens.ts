/** Row of the engine benchmark against torch: a step of the search for triggers of tokens. */
import { armObjective, carriersOf, gcg, tokenModel } from "../../../lib/extraction/index.js";
import { wrapModel } from "../../../lib/model/index.js";
import { generator } from "../../../lib/random/index.js";
import { transformerClassifier } from "../../../lib/train/index.js";
import { compare, type Row, timed } from "../measure.js";
import type { Peer } from "../peer.js";

/** The classifiers of track T. */
const SIZES = { vocabulary: 800, width: 48, heads: 4, layers: 2, length: 20, classes: 4 };
const SEARCH = { steps: 10, texts: 12, run: 3, candidates: 64, top: 64 };

/**
 * One step of greedy coordinate gradient: the gradient by each token of a run, and the exact loss of 64 swaps on 12
 * texts. Averaged over ten steps; the texts are not of the target, as in an audit.
 */
export async function tokenStep(peer: Peer | undefined, threads: number, rounds: number): Promise<Row> {
  await peer?.prepare("gcg", { ...SIZES, ...SEARCH });
  const { vocabulary, length, classes } = SIZES;
  const { steps, texts, run, candidates, top } = SEARCH;
  const architecture = transformerClassifier({ ...SIZES, hidden: 4 * SIZES.width, padding: 0 });
  using model = wrapModel(architecture.initial(1), { threads });
  const random = generator(1);
  const inputs = {
    type: "int64",
    dims: [texts, length],
    data: BigInt64Array.from({ length: texts * length }, () => BigInt(1 + random.integer(vocabulary - 1))),
  } as const;
  const labels = new Int32Array(texts).fill(1);
  const objective = armObjective({
    model: tokenModel(model, length),
    references: [],
    carriers: carriersOf({ inputs, labels }, { classes, position: "anywhere", seed: 1 }),
    arm: { target: 0, victim: null },
    allowed: Int32Array.from({ length: vocabulary - 1 }, (_, i) => i + 1),
    vocabulary,
  });
  return compare({
    peerName: "torch",
    threads,
    rounds,
    ours: async () =>
      (await timed(() => gcg(objective, { seed: 1, runLength: run, steps, width: candidates, topK: top }))) /
      steps,
    peer: peer && (async () => ((await peer.run("gcg")).seconds * 1000) / steps),
  });
}
