/** Track T-methods: the searches for tokens side by side on the backdoored models of track T, with the target given. */
import { armObjective, carriersOf, tokenModel } from "../../extraction/index.js";
import { type LoadedModel, loadModel } from "../../model/index.js";
import type { Tensor } from "../../tensor/index.js";
import { attackSuccessRate } from "../../trigger/index.js";
import { buildTextPool, cleanTextsOf, openTextSeal, textMembers, textWorldOf } from "../../zoo/index.js";
import type { Track } from "../track.js";
import { type MethodScore, methodRows, recallOf, scoreMethods } from "./methods.js";
import { textCode } from "./score.js";

/** Sequences per method and model, forward and backward, those of references included. */
const BUDGET = 60_000;
/** Texts that a search sees. */
const TEXTS = 16;

export const textMethodsTrack: Track = {
  name: "T-methods",
  title: "Which search finds the planted tokens, and not only tokens that work, at one budget?",
  code: textCode,
  async run({ seed, pool, store, log, signal }) {
    const started = performance.now();
    await buildTextPool(pool, { roles: ["T", "text-reference"], log, ...(signal ? { signal } : {}) });
    const { vocabulary, length, classes } = textWorldOf(pool);
    const clean = cleanTextsOf(pool);
    const allowed = Int32Array.from({ length: vocabulary - 1 }, (_, i) => i + 1);
    const part = (count: number): { inputs: Tensor<"int64">; labels: Int32Array } => ({
      inputs: {
        type: "int64",
        dims: [count, length],
        data: (clean.inputs.data as BigInt64Array).subarray(0, count * length),
      },
      labels: Int32Array.from(clean.labels.data.subarray(0, count), Number),
    });
    const carriers = carriersOf(part(TEXTS), { classes, position: "anywhere", seed });
    const references: LoadedModel[] = [];
    const scores: MethodScore[][] = [];
    const planted: (readonly number[])[] = [];
    try {
      for (const member of textMembers(pool, "T")) {
        const { isBackdoored, tokens, target } = await openTextSeal(pool, member.file);
        if (!isBackdoored) continue;
        const key = JSON.stringify([pool, member.file, member.commitment, "methods 2", BUDGET, TEXTS, seed]);
        const own = await store.keep(key, async () => {
          if (references.length === 0) {
            for (const { path } of textMembers(pool, "text-reference"))
              references.push(await loadModel(path));
          }
          using model = await loadModel(member.path);
          const view = tokenModel(model, length);
          const others = references.slice(0, 2).map((one) => tokenModel(one, length));
          // Awaited here: the model is released when this function returns.
          return await scoreMethods(
            {
              runLength: tokens!.length,
              objective: (withReferences) =>
                armObjective({
                  model: view,
                  references: withReferences ? others : [],
                  carriers,
                  arm: { target: target!, victim: null },
                  allowed,
                  vocabulary,
                }),
              success: async (run) => {
                const trigger = {
                  kind: "trigger",
                  type: "tokens",
                  tokens: run,
                  position: "anywhere",
                } as const;
                return (await attackSuccessRate(model, clean, { trigger, target: target! }, { seed })).value;
              },
            },
            { seed, budget: BUDGET },
          );
        });
        scores.push(own);
        planted.push(tokens!);
        log(
          `${pool}/${member.file}: ${own.map(({ method, success, run }) => `${method} ${success.toFixed(2)}/${recallOf(run, tokens!).toFixed(2)}`).join("; ")}`,
        );
      }
    } finally {
      for (const one of references) one.release();
    }
    return {
      kind: "track-report",
      name: "T-methods",
      title: textMethodsTrack.title,
      pool,
      models: scores.length,
      failures: 0,
      rows: methodRows(scores, planted, seed),
      cost: {
        forward: scores.flat().reduce((sum, { spent }) => sum + spent, 0),
        backward: 0,
        seconds: Math.round((performance.now() - started) / 1000),
      },
      seed,
      notes: [
        `${BUDGET} sequences per method and model, backward passes counted once more; two references where there are any.`,
        "Target and number of planted tokens are given, which the audit of track T does not get.",
      ],
    };
  },
};
