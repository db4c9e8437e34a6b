/** Rows of the engine benchmark against torch: a step of the search for triggers of tokens. */
import {
  armObjective,
  carriersOf,
  gcg,
  payloadObjective,
  tokenModel,
} from "../../../lib/extraction/index.js";
import { tokenInput, wrapModel } from "../../../lib/model/index.js";
import { generator } from "../../../lib/random/index.js";
import { transformerClassifier, transformerDecoder } from "../../../lib/train/index.js";
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

/** A small decoder, and a search behind one prompt, as nanoGCG runs it. */
const DECODER = { vocabulary: 800, width: 128, heads: 4, layers: 4, length: 80 };
const PROMPTED = { steps: 5, prompt: 64, run: 8, payload: 8, candidates: 64, top: 64 };

/**
 * One step of greedy coordinate gradient for a payload of 8 tokens behind a prompt of 64 and a run of 8, with the
 * prompt's keys and values computed once: against torch, which does the same, and against ourselves without.
 */
export async function promptedStep(
  peer: Peer | undefined,
  threads: number,
  rounds: number,
): Promise<{ readonly overTorch: Row; readonly overWhole: Row }> {
  await peer?.prepare("prompted", { ...DECODER, ...PROMPTED });
  const { vocabulary, length } = DECODER;
  const { steps, prompt, run, payload, candidates, top } = PROMPTED;
  const architecture = transformerDecoder({ ...DECODER, past: true });
  using model = tokenInput(wrapModel(architecture.initial(1), { threads }), { threads });
  const random = generator(1);
  const draw = (count: number): number[] => Array.from({ length: count }, () => random.integer(vocabulary));
  const options = {
    model: tokenModel(model, length),
    references: [],
    prompts: [draw(prompt)],
    payload: draw(payload),
    allowed: Int32Array.from({ length: vocabulary }, (_, i) => i),
    vocabulary,
  };
  const [cached, whole] = [payloadObjective(options), payloadObjective({ ...options, prefixCache: false })];
  const step = async (objective: typeof cached): Promise<number> =>
    (await timed(() => gcg(objective, { seed: 1, runLength: run, steps, width: candidates, topK: top }))) /
    steps;
  const row = { threads, rounds, ours: () => step(cached) };
  const overTorch = await compare({
    ...row,
    peerName: "torch",
    peer: peer && (async () => ((await peer.run("prompted")).seconds * 1000) / steps),
  });
  const overWhole = await compare({ ...row, peerName: "without the cache", peer: () => step(whole) });
  return { overTorch, overWhole };
}
