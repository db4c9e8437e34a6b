/** Track I: scores of single inputs, in models whose trigger works. The easy half of auditing, and said to be so. */
import { AssayError } from "../../errors.js";
import { type LoadedModel, loadModel } from "../../model/index.js";
import { observe } from "../../spec/index.js";
import { bootstrap, type Estimate } from "../../stats/index.js";
import { buildPool, cleanDataOf, heldOutDataOf, openSeal, poolMembers } from "../../zoo/index.js";
import type { Track, TrackOptions, TrackRow } from "../track.js";
import {
  type InputScores,
  type InputSets,
  inputSets,
  measureInputs,
  WHERE_IT_WORKS,
} from "./input-scores.js";
import { plainRecipes, trainPlain } from "./plain-models.js";

/** A trigger that works less often is no test of scores for triggered inputs. */
const LEAST_SUCCESS = 0.8;

/** Goals of mean and worst model, by layer and score. */
const goals: Readonly<Record<string, { readonly mean: number; readonly worst?: number }>> = {
  "wide: Ledoit-Wolf Mahalanobis": { mean: 0.94 },
  "narrow: Ledoit-Wolf Mahalanobis": { mean: 0.985, worst: 0.96 },
  "wide: QUE, batch with 5 % triggered": { mean: 0.995 },
  "narrow: QUE, batch with 5 % triggered": { mean: 0.995 },
  "wide: logistic probe, 4 labels": { mean: 0.995 },
  "narrow: logistic probe, 4 labels": { mean: 0.995 },
};

/** Draws of four labels in a model with the trigger, and in a clean one, which is only a control. */
const DRAWS = 8;
const CONTROL_DRAWS = 2;

/** What was measured of one model. */
interface Measured {
  readonly file: string;
  readonly family: string;
  readonly scores: InputScores;
  /** The same trigger and images in a clean model: a reference of the same architecture, or the twin. */
  readonly inClean: InputScores;
  readonly seconds: number;
}

/** Models of one kind. */
interface Population {
  readonly name: string;
  readonly measured: readonly Measured[];
  readonly excluded: readonly string[];
}

export const inputTrack: Track = {
  name: "I",
  title: "Are images with a trigger told from clean ones, if they arrive?",
  code: ["anomaly", "probes", "linalg", "trigger"],
  async run(options) {
    const populations: Population[] = [
      { name: "plain", ...(await measurePlain(options)) },
      { name: "pool", ...(await measurePool(options)) },
    ];
    const all = populations.flatMap(({ measured }) => measured);
    return {
      kind: "track-report",
      name: inputTrack.name,
      title: inputTrack.title,
      pool: options.pool,
      models: all.length,
      failures: 0,
      rows: populations.flatMap((population) => rowsOf(population, options.seed)),
      cost: {
        forward: 2 * FORWARD * all.length,
        backward: 0,
        seconds: Number(all.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(1)),
      },
      seed: options.seed,
      notes: [
        `"plain": 3 x 3 patches, pixels and blends in one architecture, each beside its twin. "pool": the models of V1, three architectures, with weaker and smaller triggers. Fitted to 1,000 trusted images; judged on 600 clean and 600 triggered ones.`,
        `Left out because their trigger works on less than ${100 * LEAST_SUCCESS} % of images: ${populations.flatMap(({ excluded }) => excluded).join(", ") || "none"}.`,
        "Intervals of means are bootstrapped over models, those of the worst model are its own; the worst of many is low by chance too.",
        `"${WHERE_IT_WORKS.slice(2)}": judged on those triggered images alone that the model answers with the trigger's class; the others are of no harm, and look cleaner.`,
        '"In a clean model" is the same trigger and the same images in the twin (plain) or in a reference (pool).',
      ],
    };
  },
};

function rowsOf({ name, measured }: Population, seed: number): TrackRow[] {
  const rows: TrackRow[] = [];
  for (const layer of ["wide", "narrow", "logits"] as const) {
    for (const score of Object.keys(measured[0]?.scores[layer] ?? {})) {
      const of = (scores: InputScores): Estimate => scores[layer][score]!;
      const own = measured.map(({ scores }) => of(scores));
      const worst = own.reduce((a, b) => (b.value < a.value ? b : a));
      const at = measured[own.indexOf(worst)]!;
      const goal = goals[`${layer}: ${score}`];
      const metric = `${name}, ${layer}: ${score}`;
      rows.push(
        {
          metric: `${metric}, mean AUROC`,
          estimate: meanOf(own, seed),
          goal: goal ? { atLeast: goal.mean } : null,
        },
        {
          metric: `${metric}, worst model`,
          estimate: worst,
          goal: goal?.worst === undefined ? null : { atLeast: goal.worst },
          note: `${at.file}, ${at.family}`,
        },
      );
      // A clean model's answers are not turned.
      if (!score.endsWith(WHERE_IT_WORKS)) {
        rows.push({
          metric: `${metric}, in a clean model`,
          estimate: meanOf(
            measured.map(({ inClean }) => of(inClean)),
            seed,
          ),
          goal: null,
        });
      }
    }
  }
  return rows;
}

const meanOf = (areas: readonly Estimate[], seed: number): Estimate =>
  bootstrap(
    [areas.map(({ value }) => value)],
    ([drawn]) => drawn!.reduce((sum, value) => sum + value, 0) / drawn!.length,
    { seed },
  );

async function measurePlain(options: TrackOptions): Promise<Omit<Population, "name">> {
  const { pool, seed, store, log, signal } = options;
  const found: (Measured & { readonly success: number })[] = [];
  for (const recipe of plainRecipes(pool)) {
    stopIfAsked(signal);
    const kept = await store.keep(
      JSON.stringify(["I plain, where it works", pool, recipe, seed]),
      async () => {
        const model = await trainPlain(recipe);
        const trusted = cleanDataOf("cnn-28");
        const sets = inputSets(
          trusted,
          heldOutDataOf("cnn-28"),
          model.stamp,
          (label) => label !== model.target,
          seed,
        );
        using loaded = await loadModel(model.bytes, { name: recipe.name });
        using twin = await loadModel(model.twin, { name: `${recipe.name} twin` });
        const { predicted } = await observe(loaded, sets.triggered);
        const success = predicted.filter((answer) => answer === model.target).length / predicted.length;
        return {
          file: recipe.name,
          family: recipe.family,
          success,
          ...(await both(loaded, twin, sets, model.target, seed)),
        };
      },
    );
    log(sayMeasured(`${pool}/plain ${kept.file}`, kept));
    found.push(kept);
  }
  return {
    measured: found.filter(({ success }) => success >= LEAST_SUCCESS),
    excluded: found
      .filter(({ success }) => success < LEAST_SUCCESS)
      .map(({ file, success }) => `${file} (${success.toFixed(2)})`),
  };
}

async function measurePool(options: TrackOptions): Promise<Omit<Population, "name">> {
  const { pool, seed, store, log, signal } = options;
  await buildPool(pool, {
    isWanted: ({ role, family }) => role === "reference" || (role === "V1" && family !== null),
    log,
    ...(signal ? { signal } : {}),
  });
  const references = poolMembers(pool, "reference");
  const measured: Measured[] = [];
  const excluded: string[] = [];
  for (const { file, path, architecture, commitment } of poolMembers(pool, "V1")) {
    stopIfAsked(signal);
    // No audit is blind here: the question is about the trigger, so the seal is opened first.
    const truth = await openSeal(pool, file).catch(() => null);
    const attack = truth?.attack;
    if (!attack || !truth.attackSuccessRate) continue;
    if (truth.attackSuccessRate.value < LEAST_SUCCESS) {
      excluded.push(`${file} (${truth.attackSuccessRate.value.toFixed(2)})`);
      continue;
    }
    const reference = references.find((one) => one.architecture === architecture)!;
    const key = JSON.stringify(["I, where it works", pool, file, commitment, reference.commitment, seed]);
    const kept = await store.keep(key, async () => {
      const victim = (label: number): boolean => label !== attack.target;
      const sets = inputSets(
        cleanDataOf(architecture),
        heldOutDataOf(architecture),
        attack.stamp,
        victim,
        seed,
      );
      using model = await loadModel(path);
      using clean = await loadModel(reference.path);
      return { file, family: attack.family, ...(await both(model, clean, sets, attack.target, seed)) };
    });
    log(sayMeasured(`${pool}/${file}`, kept));
    measured.push(kept);
  }
  return { measured, excluded };
}

function stopIfAsked(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AssayError("ABORTED", "The track was not finished; run again to go on.");
}

async function both(
  model: LoadedModel,
  clean: LoadedModel,
  sets: InputSets,
  target: number,
  seed: number,
): Promise<Pick<Measured, "scores" | "inClean" | "seconds">> {
  const started = performance.now();
  const scores = await measureInputs(model, sets, { seed, draws: DRAWS, target });
  const inClean = await measureInputs(clean, sets, { seed, draws: CONTROL_DRAWS });
  return { scores, inClean, seconds: Number(((performance.now() - started) / 1000).toFixed(1)) };
}

function sayMeasured(name: string, { family, scores, seconds }: Measured): string {
  const at = (layer: "wide" | "narrow"): string => scores[layer]["Ledoit-Wolf Mahalanobis"]!.value.toFixed(3);
  return `${name}, ${family}: Ledoit-Wolf ${at("wide")} wide, ${at("narrow")} narrow (${seconds} s)`;
}

/** Images through one model: the sets at two layers, and 20 overlays of 1,200 images for STRIP. */
const FORWARD = 2 * (1000 + 600 + 600 + 64 + 3000) + 20 * 1200;
