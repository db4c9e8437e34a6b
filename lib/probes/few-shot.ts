/** How many labelled examples a probe needs, with the controls that show what the number means. */
import { AssayError } from "../errors.js";
import { multiply } from "../linalg/index.js";
import { type Generator, generator } from "../random/index.js";
import { auroc } from "../stats/index.js";
import {
  type Examples,
  joinRows,
  type Labels,
  type Rows,
  type Tensor,
  takeRows,
  tensor,
} from "../tensor/index.js";
import { type LinearProbe, linearProbe, type TwoClassChunks, twoClassChunks } from "./probe.js";

/** Labelled activations. */
export interface Labelled {
  readonly x: Examples;
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
 * @param sets.train Examples to draw from, two classes: one tensor [n, ...] or chunks. They are read once, and only
 *   those that a draw takes are kept.
 * @param sets.heldOut Examples that every probe is judged on; read once, after all fits.
 * @throws AssayError INVALID_ARGUMENT if a class has fewer examples than asked for.
 * @example
 * probes.fewShot({ train, heldOut }, { seed: 1, fit: (x, labels) => probes.fitLogistic(x, labels) })
 */
export function fewShot(
  sets: { readonly train: Labelled; readonly heldOut: Labelled },
  { seed, fit: fitProbe, shots, draws = 8, controls = {} }: FewShotOptions,
): FewShotCurve {
  const own = prepare(sets);
  const most = Math.min(...own.members.map(({ length }) => length));
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
  const lines = (prepared: Prepared, made: Readonly<Record<string, Fit>>): readonly Points[] =>
    pointsOf(prepared, drawn(prepared, sizes, draws, random), made, random);
  const [probe, mixed, direction] = lines(own, {
    probe: direct,
    "shuffled labels": (x, labels, stream) => fitProbe(x, shuffled(labels, stream)),
    "random direction": (x, _, stream) => randomDirection(x, stream),
  });
  return {
    kind: "few-shot-curve",
    shots: sizes,
    series: [
      { name: "probe", isControl: false, points: probe! },
      { name: "shuffled labels", isControl: true, points: mixed! },
      { name: "random direction", isControl: true, points: direction! },
      ...Object.entries(controls).map(([name, other]) => ({
        name,
        isControl: true,
        points: lines(prepare(other), { [name]: direct })[0]!,
      })),
    ],
    draws,
    seed,
    n: own.heldOut.targets.length,
    warnings:
      Object.keys(controls).length === 0
        ? [
            "No control on other features: draw the same probe on the clean or base model, and on the bare inputs.",
          ]
        : [],
  };
}

type Fit = (x: Tensor, labels: number[], random: Generator) => LinearProbe;

type Points = FewShotSeries["points"];

/** Both sets, with labels checked. */
interface Prepared {
  readonly train: TwoClassChunks;
  /** Indices of the training examples of each class. */
  readonly members: readonly (readonly number[])[];
  readonly heldOut: TwoClassChunks;
}

function prepare(sets: { readonly train: Labelled; readonly heldOut: Labelled }): Prepared {
  const train = twoClassChunks(sets.train.x, sets.train.labels, "fewShot");
  return {
    train,
    members: [0, 1].map((target) => [...train.targets.keys()].filter((i) => train.targets[i] === target)),
    heldOut: twoClassChunks(sets.heldOut.x, sets.heldOut.labels, "fewShot"),
  };
}

/** Training examples that were drawn together. */
interface Draw {
  readonly count: number;
  readonly draw: number;
  readonly x: Tensor;
  readonly labels: number[];
}

/** All draws. Every series of the curve sees the same ones, so that they can be compared one by one. */
function drawn(
  { train, members }: Prepared,
  sizes: readonly number[],
  draws: number,
  random: Generator,
): Draw[] {
  const chosen = sizes.flatMap((count) =>
    Array.from({ length: draws }, (_, draw) => {
      const stream = random.split(`probe ${count}`).split(draw);
      const places = members.flatMap((group) =>
        [...stream.permutation(group.length).subarray(0, count)].map((i) => group[i]!),
      );
      return { count, draw, places };
    }),
  );
  const { table, rowOf } = rowsAt(train, new Set(chosen.flatMap(({ places }) => places)));
  return chosen.map(({ count, draw, places }) => ({
    count,
    draw,
    x: tensorOf(
      takeRows(
        table,
        places.map((place) => rowOf.get(place)!),
      ),
    ),
    labels: places.map((place) => train.targets[place]!),
  }));
}

/** The examples at some places, kept as the chunks go by. */
function rowsAt({ chunks }: TwoClassChunks, places: ReadonlySet<number>) {
  const rowOf = new Map<number, number>();
  const parts: Rows[] = [];
  let start = 0;
  for (const table of chunks) {
    const own: number[] = [];
    for (let i = 0; i < table.n; i++) {
      if (!places.has(start + i)) continue;
      rowOf.set(start + i, rowOf.size);
      own.push(i);
    }
    parts.push(takeRows(table, own));
    start += table.n;
  }
  return { table: joinRows(parts), rowOf };
}

/** Mean and range of the AUROCs, for each kind of fit and each number of shots. */
function pointsOf(
  { heldOut }: Prepared,
  draws: readonly Draw[],
  made: Readonly<Record<string, Fit>>,
  random: Generator,
): readonly Points[] {
  const names = Object.keys(made);
  const weights = names.flatMap((name) =>
    draws.map(({ count, draw, x, labels }) => {
      const stream = random.split(`${name} ${count}`).split(draw);
      return made[name]!(x, labels, stream).weights.data;
    }),
  );
  const areas = aurocs(heldOut, weights);
  return names.map((_, k) => {
    const byCount = new Map<number, number[]>();
    draws.forEach(({ count }, at) => {
      const values = byCount.get(count) ?? [];
      byCount.set(count, [...values, areas[k * draws.length + at]!]);
    });
    return [...byCount.values()].map(summary);
  });
}

/** AUROCs of directions. The intercept moves all logits alike and leaves them as they are. */
function aurocs({ chunks, targets, counts }: TwoClassChunks, directions: readonly Float64Array[]): number[] {
  const d = directions[0]!.length;
  const table = new Float64Array(directions.length * d);
  directions.forEach((direction, k) => {
    table.set(direction, k * d);
  });
  const groups = directions.map(() => counts.map((count) => new Float64Array(count)));
  const filled = [0, 0];
  let start = 0;
  for (const part of chunks) {
    if (part.d !== d) {
      throw new AssayError(
        "SHAPE_MISMATCH",
        `fewShot: training examples have ${d} features, held-out ones ${part.d}.`,
        { train: d, heldOut: part.d },
      );
    }
    const own = { rows: part.n, columns: d, data: Float64Array.from(part.data) };
    const logits = multiply({ rows: directions.length, columns: d, data: table }, own, {
      transposeB: true,
    }).data;
    for (let i = 0; i < part.n; i++) {
      const target = targets[start + i]!;
      const at = filled[target]!++;
      for (let k = 0; k < groups.length; k++) groups[k]![target]![at] = logits[k * part.n + i]!;
    }
    start += part.n;
  }
  return groups.map(
    ([negatives, positives]) => auroc({ negatives: negatives!, positives: positives! }).value,
  );
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
