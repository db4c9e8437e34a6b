/**
 * From a mask that works to the patch that was planted: tries whole rectangles where the mask is strong, then
 * corrects the best one pixel by pixel.
 *
 * A search by gradients ends with any few pixels that turn the model, not with the planted ones: masks of Neural
 * Cleanse overlap the true patch by about a third. A planted patch turns the suspect and no clean model, and is
 * small: candidates are ranked by the suspect's mean probability of the target, minus that of the references, minus
 * what their size costs. (The same difference as the objective of the gradient search itself moved nothing: the
 * strongest pixels of its masks overlapped the planted patch by 0.29 with it and without it, on 24 development models.)
 * Misleads where the trigger is no patch: then no rectangle works, and none is given.
 */
import type { Tensor } from "../../../tensor/index.js";
import { tensor } from "../../../tensor/index.js";
import type { PatchTrigger } from "../../../trigger/index.js";
import { type AnsweringModel, answersUnder } from "./patch-answers.js";
import {
  type Candidate,
  candidateOf,
  corrections,
  merge,
  neighbours,
  overImage,
  overMask,
  type PatchSpace,
  pixelsOf,
  type Soft,
  stamp,
} from "./patch-candidates.js";

/** What sharpening takes. */
export interface SharpenOptions extends PatchSpace {
  readonly target: number;
  /** Clean models; without any, size alone counts against a candidate. */
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

/**
 * What each pixel of the rectangle must bring in probability, and each row more than columns: what works best is
 * larger and longer than what was planted. A mean probability ranks better than a mean log probability, which the
 * few images that resist decide.
 */
const PER_PIXEL = 0.02;
const PER_SIDE = 0.01;
/** Candidates that go on to the next, more careful look, and images of that look. */
const SIEVE = [
  { images: 8, kept: 48 },
  { images: 32, kept: 8 },
] as const;
const IMAGES = 64;
/** Rounds of moving the best rectangle, and of correcting its pixels. */
const MOVES = 4;
const CORRECTIONS = 3;
/** A pixel's own colour must bring this much to be believed. */
const PER_CORRECTION = 0.015;

interface Scored {
  readonly candidate: Candidate;
  readonly score: number;
  readonly success: number;
}

/**
 * Looks for the patch behind a soft mask.
 *
 * @param images Images of the classes that the trigger works from; 64 are used.
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
  const [start] = await judge.rank(field, IMAGES, true);
  const placed = await moved(start!.candidate, soft, judge, options);
  const [best] = await judge.rank([await corrected(placed, judge, options)], IMAGES, true);
  if (best!.success < 0.5) return undefined;
  return {
    trigger: stamp(best!.candidate, layout),
    pixels: pixelsOf(best!.candidate),
    success: best!.success,
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
      const own = await answersUnder(model, triggers, few, target, signal);
      const scores = own.map(({ probability }, i) => probability - costOf(candidates[i]!));
      for (const reference of withReferences ? references : []) {
        const other = await answersUnder(reference, triggers, few, target, signal);
        other.forEach(({ probability }, i) => {
          scores[i] = scores[i]! - probability / references.length;
        });
      }
      passes += candidates.length * few.dims[0]! * (withReferences ? 1 + references.length : 1);
      return own
        .map(({ success }, i) => ({ candidate: candidates[i]!, score: scores[i]!, success }))
        .sort((a, b) => b.score - a.score);
    },
  };
}

/** A pixel inside that is left out still belongs to the rectangle: it saves nothing. */
const costOf = ({ rectangle: { rows, columns } }: Candidate): number =>
  PER_PIXEL * rows * columns + PER_SIDE * Math.abs(rows - columns);

/** Moves the sides of a rectangle and changes its colour, as long as it gets better. */
async function moved(
  start: Candidate,
  soft: Soft,
  judge: Judge,
  options: SharpenOptions,
): Promise<Candidate> {
  let best = start;
  for (let round = 0; round < MOVES; round++) {
    const others = [...neighbours(best.rectangle, options.layout)].map((one) =>
      candidateOf(one, soft, options),
    );
    const [next] = await judge.rank([best, ...others], IMAGES, true);
    if (next!.candidate === best) break;
    best = next!.candidate;
  }
  return best;
}

/** Gives single pixels of a patch another colour, or leaves them out, where that brings enough. */
async function corrected(start: Candidate, judge: Judge, options: SharpenOptions): Promise<Candidate> {
  let best = start;
  for (let round = 0; round < CORRECTIONS; round++) {
    const changes = [...corrections(best, options)];
    if (changes.length === 0) return best;
    const tried = await judge.rank([best, ...changes], IMAGES, true);
    const { score } = tried.find(({ candidate }) => candidate === best)!;
    const better = tried
      .filter((one) => one.score > score + PER_CORRECTION)
      .map(({ candidate }) => candidate);
    if (better.length === 0) return best;
    // Pixels were judged one at a time: all good changes together, or the best of them alone.
    const [next] = await judge.rank([best, merge(best, better), better[0]!], IMAGES, true);
    if (next!.candidate === best) return best;
    best = next!.candidate;
  }
  return best;
}

function firstImages(images: Tensor<"float32">, count: number): Tensor<"float32"> {
  const few = Math.min(count, images.dims[0]!);
  const size = images.data.length / images.dims[0]!;
  return tensor("float32", [few, ...images.dims.slice(1)], images.data.subarray(0, few * size));
}
