/** How well scores of single inputs tell triggered images from clean ones, in one model whose trigger is known. */
import {
  type Detector,
  fitClassGaussian,
  fitDiagonalGaussian,
  fitGaussian,
  fitNearestNeighbours,
  fitPcaResidual,
  fitQue,
  fitRelativeGaussian,
  strip,
} from "../../anomaly/index.js";
import { type LabelledData, takeLabelled } from "../../data/index.js";
import type { LoadedModel } from "../../model/index.js";
import { fitDifferenceOfMeans, fitLda, fitLogistic, type LinearProbe } from "../../probes/index.js";
import { generator } from "../../random/index.js";
import { observe } from "../../spec/index.js";
import { auroc, type Estimate } from "../../stats/index.js";
import { concatExamples, type Tensor, takeExamples, tensor, toFloat64 } from "../../tensor/index.js";

/** Images of one model's task, disjoint: what the auditor trusts, and what is judged. */
export interface InputSets {
  /** Clean images that everything is fitted to. */
  readonly trusted: LabelledData;
  /** Unseen clean images. */
  readonly clean: Tensor;
  /** Unseen images with the trigger. */
  readonly triggered: Tensor;
  /** Unlabelled images of which one in twenty has the trigger, for scores that look at a whole batch. */
  readonly batch: Tensor;
  /** Images with the trigger that are given to probes, with their label. */
  readonly labelled: Tensor;
}

/** AUROC of each score at each layer, triggered images being the positives. */
export type InputScores = Readonly<Record<"wide" | "narrow" | "logits", Readonly<Record<string, Estimate>>>>;

/** Labelled triggered images that a probe gets. */
const SHOTS = 4;

/**
 * Cuts held-out images into the sets that a measurement takes: 600 clean, 600 triggered, a batch of 2,850 clean with
 * 150 triggered, and 64 labelled triggered images, all different.
 *
 * @param stamp Puts the trigger on images.
 * @param victim Whether the trigger works on images of a class.
 */
export function inputSets(
  trusted: LabelledData,
  heldOut: LabelledData,
  stamp: (images: Tensor) => Tensor,
  victim: (label: number) => boolean,
  seed: number,
): InputSets {
  const order = [...generator(seed).split("input sets").permutation(heldOut.labels.data.length)];
  const take = (count: number, isWanted: (label: number) => boolean): Tensor => {
    const rows: number[] = [];
    for (let i = 0; i < order.length && rows.length < count; i++) {
      const row = order[i]!;
      if (row < 0 || !isWanted(Number(heldOut.labels.data[row]))) continue;
      rows.push(row);
      order[i] = -1;
    }
    return takeLabelled(heldOut, rows).inputs;
  };
  const any = (): boolean => true;
  return {
    trusted,
    clean: take(600, any),
    triggered: stamp(take(600, victim)),
    labelled: stamp(take(64, victim)),
    batch: concatExamples([take(2850, any), stamp(take(150, victim))]),
  };
}

/**
 * Fits every score to the trusted images and judges it on the unseen ones.
 *
 * @param options.draws Draws of four labelled images that probes are fitted to.
 * @param options.target Class that the trigger leads to; some scores are then judged a second time, on those triggered
 *   images that the model answers with it.
 */
export async function measureInputs(
  model: LoadedModel,
  sets: InputSets,
  { seed, draws, target }: { readonly seed: number; readonly draws: number; readonly target?: number },
): Promise<InputScores> {
  const { wide, narrow } = tapsOf(model);
  const turned = target === undefined ? undefined : await turnedImages(model, sets.triggered, target);
  const overlays = takeExamples(
    sets.trusted.inputs,
    Uint32Array.from({ length: 200 }, (_, i) => i),
  );
  const entropy = async (images: Tensor): Promise<Float64Array> =>
    strip(model, images, { overlays, seed, count: 20 });
  return {
    wide: await measureLayer(model, sets, { seed, draws, at: wide, turned }),
    narrow: await measureLayer(model, sets, { seed, draws, at: narrow, turned }),
    logits: {
      STRIP: auroc({ negatives: await entropy(sets.clean), positives: await entropy(sets.triggered) }),
    },
  };
}

/** Ends the name of a score that is judged only on images which the trigger turns to its class. */
export const WHERE_IT_WORKS = ", where the trigger works";

async function turnedImages(model: LoadedModel, triggered: Tensor, target: number): Promise<number[]> {
  const { predicted } = await observe(model, triggered);
  return [...predicted.keys()].filter((i) => predicted[i] === target);
}

/** AUROC of each score at one layer. */
export async function measureLayer(
  model: LoadedModel,
  sets: InputSets,
  {
    seed,
    draws,
    at,
    turned,
  }: {
    readonly seed: number;
    readonly draws: number;
    readonly at: string;
    readonly turned?: readonly number[] | undefined;
  },
): Promise<Readonly<Record<string, Estimate>>> {
  const look = async (images: Tensor): Promise<Tensor> => activationsOf(model, images, at);
  const [x, clean, triggered] = [
    await look(sets.trusted.inputs),
    await look(sets.clean),
    await look(sets.triggered),
  ];
  const area = ({ scores }: Pick<Detector, "scores">, images = triggered): Estimate =>
    auroc({ negatives: scores(clean), positives: scores(images) });
  const gaussian = fitGaussian(x, { shrinkage: "ledoit-wolf" });
  const que = fitQue(x, await look(sets.batch));
  const labelled = await look(sets.labelled);
  const probed = (images: Tensor) =>
    fewLabels(x, labelled, { clean, triggered: images }, gaussian.covariance, { seed, draws });
  const working = turned && takeExamples(triggered, turned);
  const again = working && {
    "Ledoit-Wolf Mahalanobis": area({ scores: gaussian.mahalanobis }, working),
    "QUE, batch with 5 % triggered": area(que, working),
    ...probed(working),
  };
  return {
    "Ledoit-Wolf Mahalanobis": area({ scores: gaussian.mahalanobis }),
    "class-conditional Ledoit-Wolf": area(fitClassGaussian(x, sets.trusted.labels)),
    "diagonal Gaussian": area(fitDiagonalGaussian(x)),
    "relative Mahalanobis": area(fitRelativeGaussian(x, sets.trusted.labels)),
    "kNN-5": area(fitNearestNeighbours(x)),
    "PCA residual": area(fitPcaResidual(x)),
    "QUE, batch with 5 % triggered": area(que),
    ...probed(triggered),
    ...Object.fromEntries(
      Object.entries(again ?? {}).map(([name, estimate]) => [`${name}${WHERE_IT_WORKS}`, estimate]),
    ),
  };
}

/** A wide and a narrow layer of the pools' architectures. */
function tapsOf(model: LoadedModel): { wide: string; narrow: string } {
  const names = new Set(model.taps.map(({ name }) => name));
  return names.has("hidden") ? { wide: "flat", narrow: "hidden" } : { wide: "block2", narrow: "pooled" };
}

/** Probes that get four triggered images; mean over draws of the AUROC, with the first draw's interval method. */
function fewLabels(
  x: Tensor,
  labelled: Tensor,
  judged: { readonly clean: Tensor; readonly triggered: Tensor },
  covariance: Tensor,
  { seed, draws: count }: { readonly seed: number; readonly draws: number },
): Readonly<Record<string, Estimate>> {
  const scaled = scalerOf(x);
  const trusted = x.dims[0]!;
  const copies = Math.floor(trusted / SHOTS);
  const kinds: Readonly<Record<string, (chosen: Tensor) => LinearProbe>> = {
    // The few positives count as much as all trusted images: each is repeated.
    "logistic probe, 4 labels": (chosen) => {
      const positives = concatExamples(Array.from({ length: copies }, () => scaled(chosen)));
      return fitLogistic(concatExamples([scaled(x), positives]), flags(trusted, copies * SHOTS), { l2: 1 });
    },
    "difference of means, 4 labels": (chosen) =>
      fitDifferenceOfMeans(concatExamples([x, chosen]), flags(trusted, SHOTS)),
    "covariance-corrected difference, 4 labels": (chosen) =>
      fitLda(concatExamples([x, chosen]), flags(trusted, SHOTS), { covariance }),
  };
  const draws = Array.from({ length: count }, (_, i) =>
    takeExamples(
      labelled,
      generator(seed).split(`shots ${i}`).permutation(labelled.dims[0]!).subarray(0, SHOTS),
    ),
  );
  return Object.fromEntries(
    Object.entries(kinds).map(([name, fitTo]) => {
      const isScaled = name.startsWith("logistic");
      const own = (y: Tensor): Tensor => (isScaled ? scaled(y) : y);
      const areas = draws.map((chosen) => {
        const probe = fitTo(chosen);
        const [negatives, positives] = [own(judged.clean), own(judged.triggered)].map((y) => probe.logits(y));
        return auroc({ negatives: negatives!, positives: positives! });
      });
      const mean = (of: (area: Estimate) => number): number =>
        areas.reduce((sum, area) => sum + of(area), 0) / areas.length;
      const estimate: Estimate = {
        ...areas[0]!,
        value: mean(({ value }) => value),
        interval: [mean(({ interval }) => interval[0]), mean(({ interval }) => interval[1])],
        method: `mean over ${count} draws of labels, DeLong within a draw`,
      };
      return [name, estimate];
    }),
  );
}

const flags = (negatives: number, positives: number): boolean[] =>
  Array.from({ length: negatives + positives }, (_, i) => i >= negatives);

/** Scales features by their deviation among trusted images; features that never vary there stay as they are. */
function scalerOf(x: Tensor): (y: Tensor) => Tensor<"float64"> {
  const values = toFloat64(x);
  const d = values.length / x.dims[0]!;
  const deviation = Float64Array.from({ length: d }, (_, j) => {
    const column = Float64Array.from({ length: x.dims[0]! }, (_, i) => values[i * d + j]!);
    const mean = column.reduce((a, b) => a + b, 0) / column.length;
    return Math.sqrt(column.reduce((a, b) => a + (b - mean) ** 2, 0) / column.length) || 1;
  });
  return (y) =>
    tensor(
      "float64",
      [y.dims[0]!, d],
      toFloat64(y).map((value, i) => value / deviation[i % d]!),
    );
}

async function activationsOf(model: LoadedModel, images: Tensor, at: string): Promise<Tensor> {
  const parts: Tensor[] = [];
  const rows = Array.from({ length: images.dims[0]! }, (_, i) => i);
  for (let from = 0; from < rows.length; from += 256) {
    parts.push(await model.activations(takeExamples(images, rows.slice(from, from + 256)), { at }));
  }
  return concatExamples(parts);
}
