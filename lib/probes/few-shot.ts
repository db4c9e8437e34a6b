/** How many labelled examples a probe needs, with the controls that show what the number means. */
import { AssayError } from "../errors.js";
import { type Matrix, multiply } from "../linalg/index.js";
import { type Generator, generator } from "../random/index.js";
import { auroc } from "../stats/index.js";
import { type Labels, type Rows, type Tensor, takeRows, tensor } from "../tensor/index.js";
import { type LinearProbe, linearProbe, type TwoClasses, twoClasses } from "./probe.js";

/** Labelled activations. */
export interface Labelled {
  readonly x: Tensor;
  readonly labels: Labels;
}

/** AUROC against the number of labelled examples per class. */
export interface FewShotCurve {
  readonly kind: "few-shot-curve";
  /** Labelled examples per class. */
  readonly shots: readonly number[];
  readonly series: readonly FewShotSeries[];
  /** Random draws of examples per point. */
  readonly draws: number;
  readonly seed: number;
  /** Number of held-out examples behind each AUROC. */
  readonly n: number;
  readonly warnings: readonly string[];
}

/** One line of the curve: the probe itself, or a control. */
export interface FewShotSeries {
  readonly name: string;
  readonly isControl: boolean;
  /** One entry per number of shots: mean, lowest and highest AUROC over draws. */
  readonly points: readonly { readonly mean: number; readonly low: number; readonly high: number }[];
}

/** Options of {@link fewShot}. */
export interface FewShotOptions {
  readonly seed: number;
  /** Fits a probe to a draw, e.g. `(x, labels) => probes.fitLogistic(x, labels)`. */
  readonly fit: (x: Tensor, labels: Labels) => LinearProbe;
  /** Default 1, 2, 4 … 128, as far as the examples reach. */
  readonly shots?: readonly number[];
  /** Default 8. */
  readonly draws?: number;
  /**
   * The same task on other features, by name: activations of the clean twin or base model, and what can be seen
   * without any model, such as `bagOfTokens` or pixels. What they reach is no merit of this model's activations.
   */
  readonly controls?: Readonly<Record<string, { readonly train: Labelled; readonly heldOut: Labelled }>>;
}

/**
 * Fits probes to 1, 2, 4 … examples per class, many draws each, always beside two controls: the same probe with
 * its labels shuffled, and a random direction. Give the same probe on the clean or base model and on a bag of tokens
 * as further `controls`: without any the result warns.
 *
 * @param sets.train Examples to draw from; two classes.
 * @param sets.heldOut Examples that every probe is judged on.
 * @throws AssayError INVALID_ARGUMENT if a class has fewer examples than asked for.
 * @example
 * probes.fewShot({ train, heldOut }, { seed: 1, fit: (x, labels) => probes.fitLogistic(x, labels) })
 */
export function fewShot(
  sets: { readonly train: Labelled; readonly heldOut: Labelled },
  { seed, fit: fitProbe, shots, draws = 8, controls = {} }: FewShotOptions,
): FewShotCurve {
  const train = twoClasses(sets.train.x, sets.train.labels, "fewShot");
  const most = Math.min(...train.counts);
  const sizes = shots ?? [1, 2, 4, 8, 16, 32, 64, 128].filter((count) => count <= most);
  if (draws < 2 || sizes.some((count) => !Number.isInteger(count) || count < 1 || count > most)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `fewShot: expected at least 2 draws and 1 to ${most} shots, got ${draws} draws of ${sizes.join(", ")}.`,
      { draws, shots: sizes, most },
    );
  }
  const random = generator(seed).split("few-shot");
  const direct: Fit = (x, labels) => fitProbe(x, labels);
  const line = (name: string, isControl: boolean, own: Prepared, make: Fit): FewShotSeries => ({
    name,
    isControl,
    points: sizes.map((count) => summary(aurocs(own, count, draws, random, name, make))),
  });
  const own = prepare(sets);
  return {
    kind: "few-shot-curve",
    shots: sizes,
    series: [
      line("probe", false, own, direct),
      line("shuffled labels", true, own, (x, labels, stream) => fitProbe(x, shuffled(labels, stream))),
      line("random direction", true, own, (x, _, stream) => randomDirection(x, stream)),
      ...Object.entries(controls).map(([name, other]) => line(name, true, prepare(other), direct)),
    ],
    draws,
    seed,
    n: sets.heldOut.x.dims[0] ?? 0,
    warnings:
      Object.keys(controls).length === 0
        ? [
            "No control on other features: draw the same probe on the clean or base model, and on the bare inputs.",
          ]
        : [],
  };
}

type Fit = (x: Tensor, labels: number[], random: Generator) => LinearProbe;

/** Both sets, checked once. */
interface Prepared {
  readonly train: TwoClasses;
  /** Indices of the training examples of each class. */
  readonly members: readonly (readonly number[])[];
  readonly heldOut: Matrix;
  readonly targets: Uint8Array;
  /** Training examples of each draw, by their number per class: the same for every series on these sets. */
  readonly chosen: Map<number, readonly (readonly number[])[]>;
}

function prepare(sets: { readonly train: Labelled; readonly heldOut: Labelled }): Prepared {
  const train = twoClasses(sets.train.x, sets.train.labels, "fewShot");
  const { n, d, data, targets } = twoClasses(sets.heldOut.x, sets.heldOut.labels, "fewShot");
  if (d !== train.d) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `fewShot: training examples have ${train.d} features, held-out ones ${d}.`,
      { train: train.d, heldOut: d },
    );
  }
  return {
    train,
    members: [0, 1].map((target) => [...train.targets.keys()].filter((i) => train.targets[i] === target)),
    heldOut: { rows: n, columns: d, data: Float64Array.from(data) },
    targets,
    chosen: new Map(),
  };
}

function drawn({ members, chosen }: Prepared, count: number, draws: number, random: Generator) {
  const known = chosen.get(count);
  if (known) return known;
  const made = Array.from({ length: draws }, (_, draw) => {
    const stream = random.split(`probe ${count}`).split(draw);
    return members.flatMap((group) =>
      [...stream.permutation(group.length).subarray(0, count)].map((i) => group[i]!),
    );
  });
  chosen.set(count, made);
  return made;
}

/** One AUROC per draw. Every series of the curve sees the same draws, so that they can be compared one by one. */
function aurocs(
  sets: Prepared,
  count: number,
  draws: number,
  random: Generator,
  name: string,
  make: Fit,
): number[] {
  const { train, heldOut, targets } = sets;
  const positives = targets.reduce((sum, target) => sum + target, 0);
  const weights = new Float64Array(draws * heldOut.columns);
  drawn(sets, count, draws, random).forEach((chosen, draw) => {
    const labels = chosen.map((i) => train.targets[i]!);
    const probe = make(
      tensorOf(takeRows(train, chosen)),
      labels,
      random.split(`${name} ${count}`).split(draw),
    );
    weights.set(probe.weights.data, draw * heldOut.columns);
  });
  // The intercept moves all logits alike and leaves the AUROC as it is.
  const logits = multiply({ rows: draws, columns: heldOut.columns, data: weights }, heldOut, {
    transposeB: true,
  });
  return Array.from({ length: draws }, (_, draw) => {
    const own = logits.data.subarray(draw * heldOut.rows, (draw + 1) * heldOut.rows);
    const groups = [new Float64Array(heldOut.rows - positives), new Float64Array(positives)] as const;
    const filled = [0, 0];
    for (let i = 0; i < own.length; i++) groups[targets[i] as 0 | 1][filled[targets[i]!]!++] = own[i]!;
    return auroc({ negatives: groups[0], positives: groups[1] }).value;
  });
}

const summary = (values: readonly number[]): FewShotSeries["points"][number] => ({
  mean: values.reduce((sum, value) => sum + value, 0) / values.length,
  low: Math.min(...values),
  high: Math.max(...values),
});

/** The labels in random order; with one example per class, that is a coin toss. */
function shuffled(labels: readonly number[], random: Generator): number[] {
  return [...random.permutation(labels.length)].map((i) => labels[i]!);
}

function randomDirection(x: Tensor, random: Generator): LinearProbe {
  const d = x.data.length / x.dims[0]!;
  const weights = Float64Array.from({ length: d }, () => random.normal());
  return linearProbe("random direction", weights, 0, { classes: [0, 1], counts: [0, 0] });
}

const tensorOf = ({ n, d, data }: Rows): Tensor =>
  data instanceof Float32Array ? tensor("float32", [n, d], data) : tensor("float64", [n, d], data);
