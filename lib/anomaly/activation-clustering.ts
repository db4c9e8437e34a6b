/**
 * Activation clustering: whether the examples of a class fall into two groups, as those of a poisoned class do.
 *
 * Needs a batch that holds the anomalies, in no too small share, and no clean examples. It misleads where a class has
 * two natural kinds (boots with and without heel), so the smaller group is never called poison by its size alone:
 * read the silhouette against those of the other classes, and look at the group.
 */
import { AssayError } from "../errors.js";
import { centredRows, momentsOfChunks, multiply } from "../linalg/index.js";
import { type Generator, generator } from "../random/index.js";
import { monteCarloNull } from "../stats/index.js";
import {
  type Examples,
  integerLabels,
  isOneTensor,
  type Labels,
  labelledChunks,
  labelValues,
  type Rows,
  requireRepeatable,
  rowChunks,
  rows,
  selectExamples,
} from "../tensor/index.js";
import { type Detector, detectorOf } from "./detector.js";
import { leadingDirections } from "./principal.js";
import { cluster, type Points, silhouette } from "./two-means.js";

/** Options of {@link fitActivationClustering}. */
export interface ClusteringOptions {
  readonly seed: number;
  /** Principal components in which is clustered. Default 10. */
  readonly components?: number;
  /** Starts of the clustering, of which the best counts. Default 8. */
  readonly restarts?: number;
  /** Draws of one Gaussian cloud to compare the silhouette with. Default 99; 0 leaves the p-value out. */
  readonly nullDraws?: number;
}

/** A batch in two groups. */
export interface ActivationClustering extends Detector {
  /** Share of the examples in the smaller group. */
  readonly smallerShare: number;
  /** Mean silhouette of at most 500 examples, from -1 to 1: how clearly the groups are apart. */
  readonly silhouette: number;
  /** Probability of a silhouette as high from one Gaussian cloud with the same variances; null without draws. */
  readonly pValue: number | null;
  /** True for examples of the smaller group. */
  readonly isSmaller: Uint8Array;
}

/**
 * Splits a batch of one class in two by 2-means on its main components.
 *
 * The score of an example is how much nearer it lies to the smaller group's centre than to the larger's, in units of
 * the distance between the two: above 0 it belongs to the smaller one. Activations are not Gaussian, so a low p-value
 * says that there is structure, not what it is.
 *
 * @param batch Activations [n, ...] of one predicted class, or chunks of them, which are read twice; at least 8
 *   examples. Their main components are held in memory.
 * @throws AssayError INVALID_ARGUMENT for fewer; SINGULAR_COVARIANCE if nothing varies.
 * @see B. Chen et al. (2019), Detecting backdoor attacks on deep neural networks by activation clustering. SafeAI.
 */
export function fitActivationClustering(batch: Examples, options: ClusteringOptions): ActivationClustering {
  const { seed, components = 10, restarts = 8, nullDraws = 99 } = options;
  requireRepeatable(batch, "fitActivationClustering");
  const chunks = rowChunks(batch, "fitActivationClustering");
  const moments = momentsOfChunks(chunks);
  const { n } = moments;
  if (n < 8 || !Number.isInteger(components) || components < 1 || !(restarts >= 1)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `fitActivationClustering: expected at least 8 examples, 1 component and 1 restart, got ${n}, ${components} and ${restarts}.`,
      { n, components, restarts },
    );
  }
  const frame = leadingDirections(moments, components);
  const project = (y: Rows): Points =>
    multiply(centredRows(y, frame.mean, 0, y.n), frame.directions, { transposeB: true });
  const random = generator(seed).split("activation clustering");
  const points = joined(Array.from(chunks, project));
  const found = cluster(points, restarts, random.split("clusters"));
  const clarity = silhouette(points, found.isSmaller, random.split("silhouette"));
  const pValue =
    nullDraws === 0
      ? null
      : monteCarloNull((stream) => oneCloud(n, frame.variances, restarts, stream), {
          seed,
          draws: nullDraws,
        }).pValue(clarity);
  const smallerShare = found.smaller / n;
  return {
    ...detectorOf(
      `activation clustering (smaller group ${(100 * smallerShare).toFixed(0)} %, silhouette ${clarity.toFixed(2)})`,
      moments,
      (y) => nearness(project(y), found.centres),
      smallerShare > 0.35 || clarity < 0.15
        ? ["The two groups are of similar size or hardly apart: there may be only one."]
        : [],
    ),
    smallerShare,
    silhouette: clarity,
    pValue,
    isSmaller: found.isSmaller,
  };
}

/** Points of all chunks. */
function joined(parts: readonly Points[]): Points {
  const { columns } = parts[0]!;
  const count = parts.reduce((sum, part) => sum + part.rows, 0);
  const data = new Float64Array(count * columns);
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { rows: count, columns, data };
}

/** The silhouette that the same procedure finds in one Gaussian cloud. */
function oneCloud(n: number, variances: Float64Array, restarts: number, random: Generator): number {
  const columns = variances.length;
  const deviations = variances.map(Math.sqrt);
  const data = Float64Array.from(
    { length: n * columns },
    (_, at) => random.normal() * deviations[at % columns]!,
  );
  const points = { rows: n, columns, data };
  return silhouette(points, cluster(points, restarts, random).isSmaller, random);
}

function nearness({ rows: n, columns, data }: Points, [small, large]: readonly [Float64Array, Float64Array]) {
  let apart = 0;
  for (let j = 0; j < columns; j++) apart += (small[j]! - large[j]!) ** 2;
  return Float64Array.from({ length: n }, (_, i) => {
    let difference = 0;
    for (let j = 0; j < columns; j++) {
      const value = data[i * columns + j]!;
      difference += (value - large[j]!) ** 2 - (value - small[j]!) ** 2;
    }
    return difference / (apart || 1);
  });
}

/** One class in {@link ClassClustering}. */
export interface ClusteredClass {
  readonly label: number;
  readonly n: number;
  readonly smallerShare: number;
  readonly silhouette: number;
  readonly pValue: number | null;
  /** Smaller group below 35 %, silhouette above 0.15 and above those of the other classes by 3 of their deviations. */
  readonly isSuspicious: boolean;
}

/** Every class of a batch in two groups. */
export interface ClassClustering {
  readonly kind: "class-clustering";
  readonly classes: readonly ClusteredClass[];
  readonly seed: number;
  readonly warnings: readonly string[];
}

/**
 * Activation clustering of every class, each compared with the others.
 *
 * @param x Activations [n, ...] of a batch under suspicion, or chunks of them, which are read twice for each class.
 * @param labels The labels it came with, or the model's answers.
 * @throws AssayError INVALID_ARGUMENT if a class has fewer than 8 examples.
 * @example
 * anomaly.clusterClasses(await model.activations(training.inputs, { at }), training.labels, { seed: 1 })
 */
export function clusterClasses(x: Examples, labels: Labels, options: ClusteringOptions): ClassClustering {
  requireRepeatable(x, "clusterClasses");
  const given = labelValues(labels, "clusterClasses").length;
  const n = isOneTensor(x) ? rows(x, "clusterClasses").n : given;
  const values = integerLabels(labels, n, "clusterClasses");
  // Reading all of them once finds labels that are too few or too many.
  if (!isOneTensor(x)) for (const _ of labelledChunks(x, labels, "clusterClasses"));
  const found = [...new Set(values)]
    .sort((a, b) => a - b)
    .map((label) => {
      const own = selectExamples(x, (index) => values[index] === label);
      return { label, ...fitActivationClustering(own, options) };
    });
  return {
    kind: "class-clustering",
    classes: found.map(({ label, n, smallerShare, silhouette: clarity, pValue }) => ({
      label,
      n,
      smallerShare,
      silhouette: clarity,
      pValue,
      isSuspicious: smallerShare < 0.35 && clarity > 0.15 && standsOut(clarity, label, found),
    })),
    seed: options.seed,
    warnings:
      found.length < 4 ? ["Fewer than 4 classes: no class can be seen to stand out among the others."] : [],
  };
}

/** Above the others' median by three of their (scaled) median absolute deviations. */
function standsOut(
  clarity: number,
  label: number,
  all: readonly { readonly label: number; readonly silhouette: number }[],
): boolean {
  const others = all.filter((one) => one.label !== label).map((one) => one.silhouette);
  if (others.length < 3) return false;
  const centre = median(others);
  const spread = 1.4826 * median(others.map((value) => Math.abs(value - centre)));
  return clarity > centre + 3 * spread;
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
