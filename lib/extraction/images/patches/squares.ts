/**
 * What small squares of one colour do to a model, wherever they are: every class pulled to every other, in one
 * sweep of forward runs.
 *
 * Shows: a square that leads the suspect, and no clean model, from one class (or all) to another. Patches are the
 * commonest triggers, and a sweep finds them where a search by gradients, which ends in any few pixels, stays
 * unsure: source-specific ones above all, since cover images teach the model what the trigger is not. Needs two
 * references. Misleads where the trigger is faint, large or no patch: then it says nothing, and masks must.
 */
import { AssayError } from "../../../errors.js";
import type { LoadedModel } from "../../../model/index.js";
import { tensor } from "../../../tensor/index.js";
import { answerOf, logitsOf } from "../../logits.js";
import { type ImageLayout, imageModel } from "../image-model.js";
import type { Arm } from "../masks/mask-search.js";
import type { PreparedImages } from "../prepare.js";

/** A square in an image. */
export interface Square {
  readonly row: number;
  readonly column: number;
  readonly side: number;
  /** Per channel, 0 for the lowest input value and 1 for the highest. */
  readonly colour: readonly number[];
}

/** How a model answers under each square. */
export interface SquareResponses {
  readonly squares: readonly Square[];
  readonly classes: number;
  /** Mean probability of each answer, by square and true class: `[squares, classes, classes]`. */
  readonly probability: Float32Array;
}

/** What a sweep takes. */
export interface SweepOptions {
  /** Images that go through the model at most. */
  readonly budget: number;
  readonly passes: { forward: number };
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, of: number) => void;
}

/** More classes than these would need more images than a sweep can afford. */
const MAX_CLASSES = 30;
/** The grid has about as many places along a side as this. */
const GRID_PLACES = 14;
const MAX_PER_CLASS = 6;
const ROWS_PER_RUN = 256;
/** Probabilities are compared on the logit scale, kept away from 0 and 1 by as much as a few images can tell. */
const SOFTENING = 0.02;

const known = new WeakMap<LoadedModel, Map<string, SquareResponses>>();

/** Why these images cannot be swept, or null if they can. */
export function whyNoSweep({ classes, layout, search }: PreparedImages): string | null {
  if (classes > MAX_CLASSES)
    return `${classes} classes are more than the ${MAX_CLASSES} that squares are swept for`;
  if (Math.min(layout.height, layout.width) < 8) return "the images are too small for squares";
  const counts = new Array<number>(classes).fill(0);
  for (const label of search.labels.data) counts[Number(label)] = counts[Number(label)]! + 1;
  return counts.some((count) => count < 2) ? "fewer than two clean images of some class" : null;
}

/** Runs the model under every square. The same sweep of the same loaded model is made once. */
export async function sweepSquares(
  model: LoadedModel,
  images: PreparedImages,
  options: SweepOptions,
): Promise<SquareResponses> {
  const key = JSON.stringify([options.budget, images.digest, images.range]);
  const before = known.get(model)?.get(key);
  if (before) return before;
  const squares = [...squaresOf(images.layout)];
  const swept = await sweep(model, images, squares, options);
  known.set(model, (known.get(model) ?? new Map()).set(key, swept));
  return swept;
}

async function sweep(
  model: LoadedModel,
  images: PreparedImages,
  squares: readonly Square[],
  { budget, passes, signal, onProgress }: SweepOptions,
): Promise<SquareResponses> {
  const { classes, layout, range } = images;
  const perClass = Math.max(2, Math.min(MAX_PER_CLASS, Math.floor(budget / (squares.length * classes))));
  const { pixels, labels, counts } = firstOfEachClass(images, perClass);
  const view = imageModel(model, layout);
  const output = answerOf(model);
  const { isProbability } = logitsOf(model.graph, output);
  const probability = new Float32Array(squares.length * classes * classes);
  const perRun = Math.max(1, Math.floor(ROWS_PER_RUN / labels.length));
  for (let first = 0; first < squares.length; first += perRun) {
    if (signal?.aborted) throw new AssayError("ABORTED", "The sweep of squares was stopped.");
    const some = squares.slice(first, first + perRun);
    const batch = new Float32Array(some.length * pixels.length);
    some.forEach((square, i) => {
      const part = batch.subarray(i * pixels.length, (i + 1) * pixels.length);
      part.set(pixels);
      paint(part, square, layout, range);
    });
    const dims = [some.length * labels.length, layout.channels, layout.height, layout.width];
    const answers = (await view.run(tensor("float32", dims, batch), { outputs: [output] }))[output]!
      .data as Float32Array;
    passes.forward += dims[0]!;
    for (let i = 0; i < some.length * labels.length; i++) {
      const label = labels[i % labels.length]!;
      const row = answers.subarray(i * classes, (i + 1) * classes);
      const at = ((first + Math.floor(i / labels.length)) * classes + label) * classes;
      addProbabilities(probability.subarray(at, at + classes), row, isProbability, counts[label]!);
    }
    onProgress?.(Math.min(first + perRun, squares.length), squares.length);
  }
  return { squares, classes, probability };
}

function firstOfEachClass({ search, classes }: PreparedImages, perClass: number) {
  const size = search.inputs.data.length / search.labels.data.length;
  const counts = new Array<number>(classes).fill(0);
  const rows: number[] = [];
  search.labels.data.forEach((label, row) => {
    if (counts[Number(label)]! >= perClass) return;
    counts[Number(label)] = counts[Number(label)]! + 1;
    rows.push(row);
  });
  const pixels = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    pixels.set(search.inputs.data.subarray(row * size, (row + 1) * size), i * size);
  });
  return { pixels, labels: rows.map((row) => Number(search.labels.data[row])), counts };
}

function addProbabilities(
  into: Float32Array,
  row: Float32Array,
  isProbability: boolean,
  count: number,
): void {
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of row) highest = Math.max(highest, value);
  let sum = 0;
  for (const value of row) sum += Math.exp(value - highest);
  for (let k = 0; k < row.length; k++) {
    into[k] = into[k]! + (isProbability ? row[k]! : Math.exp(row[k]! - highest) / sum) / count;
  }
}

/** Squares of three sizes at every place of a grid, black and white; of all saturated colours where there are three channels. */
function* squaresOf({ channels, height, width }: ImageLayout): Iterable<Square> {
  const stride = Math.max(1, Math.ceil(Math.min(height, width) / GRID_PLACES));
  const sides = stride <= 2 ? [2, 3, 4] : [stride, Math.round(1.5 * stride), 2 * stride];
  const colours =
    channels === 3
      ? Array.from({ length: 8 }, (_, i) => [i & 1, (i >> 1) & 1, i >> 2])
      : [0, 1].map((level) => new Array<number>(channels).fill(level));
  for (const side of sides) {
    for (let row = 0; row + side <= height; row += stride) {
      for (let column = 0; column + side <= width; column += stride) {
        for (const colour of colours) yield { row, column, side, colour };
      }
    }
  }
}

function paint(
  images: Float32Array,
  { row, column, side, colour }: Square,
  { height, width }: ImageLayout,
  [low, high]: readonly [number, number],
): void {
  const plane = height * width;
  for (
    let start = 0, channel = 0;
    start < images.length;
    start += plane, channel = (channel + 1) % colour.length
  ) {
    const value = low + (high - low) * colour[channel]!;
    for (let y = row; y < row + side; y++)
      images.fill(value, start + y * width + column, start + y * width + column + side);
  }
}

const logit = (probability: number): number =>
  Math.log((probability + SOFTENING) / (1 - probability + SOFTENING));

/**
 * For each arm the square that tells one model most from others: its logit of the target, averaged over the arm's
 * images, minus the highest of the others'.
 */
export function squareStatistics(
  own: SquareResponses,
  others: readonly SquareResponses[],
  arms: readonly Arm[],
): Float64Array {
  return Float64Array.from(arms, (arm) => {
    let most = Number.NEGATIVE_INFINITY;
    for (let square = 0; square < own.squares.length; square++) {
      let highest = Number.NEGATIVE_INFINITY;
      for (const other of others) highest = Math.max(highest, meanProbability(other, square, arm));
      most = Math.max(most, logit(meanProbability(own, square, arm)) - logit(highest));
    }
    return most;
  });
}

/** A square that works from one class only. */
export interface SquareSource {
  readonly victim: number;
  readonly square: Square;
}

/** Share of the other classes that a square may pull half as strongly and still count as working from one. */
const MAX_OTHERS = 1 / 3;

/**
 * The class that the most telling square pulls to a target, if it pulls few others.
 *
 * @returns Undefined if that square works from many classes, as one that was planted for all would.
 */
export function sourceOf(
  own: SquareResponses,
  others: readonly SquareResponses[],
  target: number,
): SquareSource | undefined {
  const arms = Array.from({ length: own.classes }, (_, victim) => ({ target, victim })).filter(
    ({ victim }) => victim !== target,
  );
  const statistics = squareStatistics(own, others, arms);
  const { victim } = arms[statistics.indexOf(Math.max(...statistics))]!;
  const beyond = (square: number, arm: Arm): number => {
    const highest = Math.max(...others.map((other) => meanProbability(other, square, arm)));
    return meanProbability(own, square, arm) - highest;
  };
  const contrast = (square: number): number => {
    const highest = Math.max(...others.map((other) => meanProbability(other, square, { target, victim })));
    return logit(meanProbability(own, square, { target, victim })) - logit(highest);
  };
  let best = 0;
  for (let square = 1; square < own.squares.length; square++)
    if (contrast(square) > contrast(best)) best = square;
  const pull = beyond(best, { target, victim });
  const rest = arms.filter((arm) => arm.victim !== victim);
  const pulled = rest.filter((arm) => beyond(best, arm) >= pull / 2).length;
  return pulled / rest.length < MAX_OTHERS ? { victim, square: own.squares[best]! } : undefined;
}

function meanProbability(
  { classes, probability }: SquareResponses,
  square: number,
  { target, victim }: Arm,
): number {
  const start = square * classes * classes;
  if (victim !== null) return probability[start + victim * classes + target]!;
  let sum = 0;
  for (let k = 0; k < classes; k++) if (k !== target) sum += probability[start + k * classes + target]!;
  return sum / (classes - 1);
}
