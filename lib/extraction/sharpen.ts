/**
 * From a mask that works to the patch that was planted: tries whole rectangles where the mask is strong, then
 * corrects the best one pixel by pixel.
 *
 * A search by gradients ends with any few pixels that turn the model, not with the planted ones: masks of Neural
 * Cleanse overlap the true patch by about a third. What a model was trained on turns it *most surely*, and turns
 * clean references not at all, so candidates are ranked by the suspect's log probability of the target minus that
 * of the references. Misleads where the trigger is no patch: then no rectangle works, and none is given.
 */
import { AssayError } from "../errors.js";
import type { LoadedModel } from "../model/index.js";
import { type Tensor, tensor } from "../tensor/index.js";
import { apply, type PatchTrigger } from "../trigger/index.js";
import type { ImageLayout } from "./image-model.js";
import { answerOf, logitsOf } from "./logits.js";

/** A model that takes `[n, channels, height, width]`, with its own graph to say what its answers are. */
export interface AnsweringModel extends Pick<LoadedModel, "name" | "outputs" | "run"> {
  /** True if the answers are probabilities already. */
  readonly isProbability: boolean;
}

/** Adds what `sharpen` needs to know to a view of a model. */
export const answering = (
  view: Pick<LoadedModel, "name" | "outputs" | "run">,
  model: LoadedModel,
): AnsweringModel => ({ ...view, isProbability: logitsOf(model.graph, answerOf(model)).isProbability });

/** What sharpening takes. */
export interface SharpenOptions {
  readonly layout: ImageLayout;
  readonly range: readonly [low: number, high: number];
  readonly target: number;
  /** Clean models; without any, size counts against a candidate instead. */
  readonly references: readonly AnsweringModel[];
  readonly signal?: AbortSignal | undefined;
}

/** A patch and how it fared on the images it was chosen on. */
export interface SharpenedPatch {
  readonly trigger: PatchTrigger;
  readonly pixels: number;
  /** Share of the images that it turned. */
  readonly success: number;
  readonly forwardPasses: number;
}

/** Log probability below which a reference counts as not turned at all (c of the differential objective). */
const FLOOR = -2.5;
/** What each pixel of a patch must bring, in nats: among patches that work alike the smallest is meant. */
const PER_PIXEL = 0.02;
/** Sides of the squares that are laid over the whole image, and of the rectangles over the strongest of the mask. */
const GRID_SIDES = [2, 3, 4] as const;
const MASK_SIDES = [1, 2, 3, 4, 5] as const;
/** Places per size over the mask. */
const PLACES = 6;
/** The grid has about as many places along a side as this. */
const GRID_PLACES = 14;
/** Candidates that go on to the next, more careful look, and images of that look. */
const SIEVE = [
  { images: 8, kept: 48 },
  { images: 32, kept: 8 },
] as const;
const IMAGES = 96;
/** Rounds of moving the best rectangles, and of correcting single pixels of the last one. */
const MOVES = 4;
const CORRECTIONS = 3;
/** A pixel's own colour must bring this much to be believed. */
const PER_CORRECTION = 0.03;

/** A rectangle of one colour, or with a colour per pixel (level null). */
interface Rectangle {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
  /** Colour of all pixels, 0 to 1 between the lowest and the highest input; null for the colours of the search. */
  readonly level: number | null;
}

interface Candidate {
  readonly mask: Float32Array;
  readonly pattern: Float32Array;
  readonly rectangle: Rectangle;
}

interface Scored {
  readonly candidate: Candidate;
  readonly score: number;
  readonly success: number;
}

/** A mask and a pattern as a search by gradients left them: `[height * width]`, `[channels * height * width]`. */
interface Soft {
  readonly mask: Float32Array;
  readonly pattern: Float32Array;
}

/**
 * Looks for the patch behind a soft mask.
 *
 * @param images Images of the classes that the trigger works from; 96 are used.
 * @param soft Mask in [0, 1] and pattern in input units.
 * @returns The best patch, or undefined if none turns half of the images.
 */
export async function sharpen(
  model: AnsweringModel,
  images: Tensor<"float32">,
  soft: Soft,
  options: SharpenOptions,
): Promise<SharpenedPatch | undefined> {
  const { layout } = options;
  const judge = judgeOf(model, images, options);
  let field = [...overMask(soft, layout), ...overImage(layout)].map((one) => candidateOf(one, soft, options));
  for (const { images: count, kept } of SIEVE) {
    const tried = await judge.rank(field, count, count > SIEVE[0].images);
    if (tried[0]!.success < 0.3) return undefined;
    field = tried.slice(0, kept).map(({ candidate }) => candidate);
  }
  let [best] = await judge.rank(field, IMAGES, true);
  for (let round = 0; round < MOVES; round++) {
    const moved = [...neighbours(best!.candidate.rectangle, layout)].map((one) =>
      candidateOf(one, soft, options),
    );
    const [next] = await judge.rank([best!.candidate, ...moved], IMAGES, true);
    if (next!.candidate === best!.candidate) break;
    best = next;
  }
  best = await corrected(best!, judge, options);
  if (best.success < 0.5) return undefined;
  return {
    trigger: stamp(best.candidate, layout),
    pixels: sizeOfPatch(best.candidate),
    success: best.success,
    forwardPasses: judge.passes(),
  };
}

interface Judge {
  /** Scores candidates on the first `count` images, best first; the score is comparable within one call. */
  rank(candidates: readonly Candidate[], count: number, withReferences: boolean): Promise<Scored[]>;
  passes(): number;
}

function judgeOf(model: AnsweringModel, images: Tensor<"float32">, options: SharpenOptions): Judge {
  const { layout, target, references, signal } = options;
  let passes = 0;
  return {
    passes: () => passes,
    async rank(candidates, count, withReferences) {
      const few = firstImages(images, count);
      const triggers = candidates.map((one) => stamp(one, layout));
      const own = await logProbabilities(model, triggers, few, target, signal);
      const scores = own.map(({ mean }, i) => mean - PER_PIXEL * sizeOfPatch(candidates[i]!));
      for (const reference of withReferences ? references : []) {
        const other = await logProbabilities(reference, triggers, few, target, signal);
        other.forEach(({ floored }, i) => {
          scores[i] = scores[i]! - floored / references.length;
        });
      }
      passes += candidates.length * few.dims[0]! * (withReferences ? 1 + references.length : 1);
      return own
        .map(({ success }, i) => ({ candidate: candidates[i]!, score: scores[i]!, success }))
        .sort((a, b) => b.score - a.score);
    },
  };
}

/** Gives single pixels of a patch another colour, or leaves them out, where that brings enough. */
async function corrected(start: Scored, judge: Judge, options: SharpenOptions): Promise<Scored> {
  let best = start;
  for (let round = 0; round < CORRECTIONS; round++) {
    const changes = [...corrections(best.candidate, options)];
    if (changes.length === 0) return best;
    const tried = await judge.rank([best.candidate, ...changes], IMAGES, true);
    const { score } = tried.find(({ candidate }) => candidate === best.candidate)!;
    const better = tried
      .filter((one) => one.score > score + PER_CORRECTION)
      .map(({ candidate }) => candidate);
    if (better.length === 0) return best;
    // Pixels were judged one at a time: all good changes together, or the best of them alone.
    const [next] = await judge.rank(
      [best.candidate, merge(best.candidate, better), better[0]!],
      IMAGES,
      true,
    );
    if (next!.candidate === best.candidate) return best;
    best = next!;
  }
  return best;
}

const sizeOfPatch = ({ mask }: Candidate): number => mask.reduce((sum, value) => sum + value, 0);

const stamp = ({ mask, pattern }: Candidate, { channels, height, width }: ImageLayout): PatchTrigger => ({
  kind: "trigger",
  type: "patch",
  mask: tensor("float32", [height, width], mask),
  pattern: tensor("float32", [channels, height, width], pattern),
});

function candidateOf(rectangle: Rectangle, soft: Soft, { layout, range }: SharpenOptions): Candidate {
  const { row, column, rows, columns, level } = rectangle;
  const mask = new Float32Array(layout.height * layout.width);
  for (let y = row; y < row + rows; y++)
    mask.fill(1, y * layout.width + column, y * layout.width + column + columns);
  const pattern =
    level === null
      ? soft.pattern
      : new Float32Array(soft.pattern.length).fill(range[0] + level * (range[1] - range[0]));
  return { mask, pattern, rectangle };
}

/** Rectangles that hold most of the mask, in the colours of the search and in black, grey and white. */
function* overMask(soft: Soft, layout: ImageLayout): Iterable<Rectangle> {
  for (const rows of MASK_SIDES) {
    for (const columns of MASK_SIDES) {
      if (rows > layout.height || columns > layout.width || Math.abs(rows - columns) > 2) continue;
      for (const [row, column] of strongest(soft.mask, layout, rows, columns)) {
        for (const level of [null, 0, 0.5, 1]) yield { row, column, rows, columns, level };
      }
    }
  }
}

/** Black and white squares all over the image: what turns a model is often not where its trigger was planted. */
function* overImage({ height, width }: ImageLayout): Iterable<Rectangle> {
  const stride = Math.max(1, Math.ceil(Math.min(height, width) / GRID_PLACES));
  for (const side of GRID_SIDES) {
    for (let row = 0; row + side <= height; row += stride) {
      for (let column = 0; column + side <= width; column += stride) {
        for (const level of [0, 1]) yield { row, column, rows: side, columns: side, level };
      }
    }
  }
}

/** Corners of the rectangles that hold most of the mask. */
function strongest(
  mask: Float32Array,
  { height, width }: ImageLayout,
  rows: number,
  columns: number,
): [number, number][] {
  const places: { at: [number, number]; held: number }[] = [];
  for (let y = 0; y + rows <= height; y++) {
    for (let x = 0; x + columns <= width; x++) {
      let held = 0;
      for (let dy = 0; dy < rows; dy++)
        for (let dx = 0; dx < columns; dx++) held += mask[(y + dy) * width + x + dx]!;
      places.push({ at: [y, x], held });
    }
  }
  return places
    .sort((a, b) => b.held - a.held)
    .slice(0, PLACES)
    .map(({ at }) => at);
}

/** The rectangle moved, grown or shrunk by one pixel on any side, or in another colour. */
function* neighbours(from: Rectangle, { height, width }: ImageLayout): Iterable<Rectangle> {
  for (const [up, left, down, right] of [-1, 0, 1].flatMap((a) =>
    [-1, 0, 1].flatMap((b) => [-1, 0, 1].flatMap((c) => [-1, 0, 1].map((d) => [a, b, c, d] as const))),
  )) {
    if (Math.abs(up) + Math.abs(left) + Math.abs(down) + Math.abs(right) > 2) continue;
    const row = from.row + up;
    const column = from.column + left;
    const rows = from.rows + down - up;
    const columns = from.columns + right - left;
    if (row < 0 || column < 0 || rows < 1 || columns < 1 || row + rows > height || column + columns > width)
      continue;
    if (up !== 0 || left !== 0 || down !== 0 || right !== 0) yield { ...from, row, column, rows, columns };
  }
  for (const level of [null, 0, 0.25, 0.5, 0.75, 1]) if (level !== from.level) yield { ...from, level };
}

/** The patch with one pixel less, or with another colour in one pixel. */
function* corrections(
  { mask, pattern, rectangle }: Candidate,
  { range }: SharpenOptions,
): Iterable<Candidate> {
  const plane = mask.length;
  const size = mask.reduce((sum, value) => sum + value, 0);
  for (let at = 0; at < plane; at++) {
    if (mask[at]! < 0.5) continue;
    if (size > 1) yield { mask: mask.map((value, i) => (i === at ? 0 : value)), pattern, rectangle };
    for (const level of range) {
      const copy = pattern.slice();
      for (let i = at; i < copy.length; i += plane) copy[i] = level;
      if (differs(copy, pattern, at, plane)) yield { mask, pattern: copy, rectangle };
    }
  }
}

/** All changes of single pixels that each made `from` better; of two for one pixel the first. */
function merge(from: Candidate, better: readonly Candidate[]): Candidate {
  const mask = from.mask.slice();
  const pattern = from.pattern.slice();
  const done = new Set<number>();
  const plane = mask.length;
  for (const change of better) {
    for (let at = 0; at < plane; at++) {
      const isChanged = change.mask[at] !== from.mask[at] || differs(change.pattern, from.pattern, at, plane);
      if (!isChanged || done.has(at)) continue;
      done.add(at);
      mask[at] = change.mask[at]!;
      for (let i = at; i < pattern.length; i += plane) pattern[i] = change.pattern[i]!;
    }
  }
  return { mask, pattern, rectangle: from.rectangle };
}

function differs(a: Float32Array, b: Float32Array, at: number, plane: number): boolean {
  for (let i = at; i < a.length; i += plane) if (a[i] !== b[i]) return true;
  return false;
}

interface Answers {
  /** Mean log probability of the target. */
  readonly mean: number;
  /** The same, no image counting below the floor. */
  readonly floored: number;
  readonly success: number;
}

const ROWS_PER_RUN = 256;

/** What a model says of the target class on images under each of many triggers. */
async function logProbabilities(
  model: AnsweringModel,
  triggers: readonly PatchTrigger[],
  images: Tensor<"float32">,
  target: number,
  signal: AbortSignal | undefined,
): Promise<Answers[]> {
  const count = images.dims[0]!;
  const perRun = Math.max(1, Math.floor(ROWS_PER_RUN / count));
  const output = answerOf(model);
  const results: Answers[] = [];
  for (let first = 0; first < triggers.length; first += perRun) {
    if (signal?.aborted) throw new AssayError("ABORTED", "The search for the patch was stopped.");
    const some = triggers.slice(first, first + perRun);
    const batch = new Float32Array(some.length * images.data.length);
    some.forEach((trigger, i) => {
      batch.set(apply(trigger, images).data as Float32Array, i * images.data.length);
    });
    const answer = (
      await model.run(tensor("float32", [some.length * count, ...images.dims.slice(1)], batch), {
        outputs: [output],
      })
    )[output]!;
    const classes = answer.dims.at(-1)!;
    const values = answer.data as Float32Array;
    for (let i = 0; i < some.length; i++) {
      results.push(
        summary(
          values.subarray(i * count * classes, (i + 1) * count * classes),
          classes,
          target,
          model.isProbability,
        ),
      );
    }
  }
  return results;
}

function summary(values: Float32Array, classes: number, target: number, isProbability: boolean): Answers {
  const count = values.length / classes;
  let mean = 0;
  let floored = 0;
  let hits = 0;
  for (let i = 0; i < count; i++) {
    const row = values.subarray(i * classes, (i + 1) * classes);
    const highest = row.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
    if (row[target] === highest) hits++;
    const log = isProbability
      ? Math.log(Math.max(row[target]!, 1e-12))
      : row[target]! - highest - Math.log(row.reduce((sum, value) => sum + Math.exp(value - highest), 0));
    mean += log / count;
    floored += Math.max(log, FLOOR) / count;
  }
  return { mean, floored, success: hits / count };
}

function firstImages(images: Tensor<"float32">, count: number): Tensor<"float32"> {
  const few = Math.min(count, images.dims[0]!);
  const size = images.data.length / images.dims[0]!;
  return tensor("float32", [few, ...images.dims.slice(1)], images.data.subarray(0, few * size));
}
