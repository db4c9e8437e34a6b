/** Whether the clean inputs are scaled as the model expects: the runner notices from its answers, and asks. */
import { AssayError } from "../../../lib/errors.js";
import type { LoadedModel } from "../../../lib/model/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";
import type { CleanFile } from "./input.js";

/** Scales under which images are commonly saved, and what they multiply with. */
const scales = [
  { words: "multiplied by 255", factor: 255, offset: 0 },
  { words: "divided by 255", factor: 1 / 255, offset: 0 },
  { words: "mapped from [0, 1] to [-1, 1]", factor: 2, offset: -1 },
  { words: "mapped from [-1, 1] to [0, 1]", factor: 0.5, offset: 0.5 },
];
const TRIED = 256;
/** Gain of accuracy from which another scale is named: far beyond the error of 256 images, one way only. */
const GAIN = 0.1;
/** Accuracy below which no scale is called right, and from which a scale is not doubted. */
const HALF = 0.5;
const GOOD = 0.9;
/** Share of the answers that go to one class above which a model sees all inputs alike, and what is no such share. */
const ALIKE = 0.9;
const SPREAD = 0.5;

/** What a model makes of the inputs under one scale. */
interface Answers {
  /** Share of right answers; undefined without labels. */
  readonly accuracy: number | undefined;
  /** Share of the most common answer. */
  readonly largest: number;
}

/**
 * Notices inputs that are scaled otherwise than the model expects: it gets them wrong, and right when they are
 * scaled as another convention has it. Without labels: it answers the same to nearly all, and not under another.
 *
 * @throws AssayError INVALID_ARGUMENT naming the scale that fits.
 */
export async function checkScale(
  model: LoadedModel,
  { inputs, labels }: CleanFile,
  data: string,
): Promise<void> {
  if (inputs.type !== "float32") return;
  const { takeExamples } = await import("../../../lib/tensor/index.js");
  const { observe } = await import("../../../lib/spec/index.js");
  const count = Math.min(TRIED, inputs.dims[0] ?? 0);
  const rows = Uint32Array.from({ length: count }, (_, i) => i);
  const some = takeExamples(inputs as Tensor<"float32">, rows);
  const answers = async (factor: number, offset: number): Promise<Answers> => {
    const scaled = { ...some, data: some.data.map((value) => value * factor + offset) };
    const { predicted } = await observe(model, scaled);
    const counts = new Map<number, number>();
    for (const answer of predicted) counts.set(answer, (counts.get(answer) ?? 0) + 1);
    const right = labels && predicted.filter((answer, i) => answer === Number(labels.data[i])).length;
    return {
      accuracy: right === undefined ? undefined : right / count,
      largest: Math.max(...counts.values()) / count,
    };
  };
  const own = await answers(1, 0);
  if (own.accuracy === undefined ? own.largest < ALIKE : own.accuracy >= GOOD) return;
  for (const { words, factor, offset } of scales) {
    // What another scale makes infinite, or fails on, such as a table read beyond its end, is not the model's.
    const other = await answers(factor, offset).catch(ignoreUnfit);
    if (other === undefined || !fitsBetter(other, own)) continue;
    throw new AssayError(
      "INVALID_ARGUMENT",
      `audit: ${difference(model.name, data, own, other, words)} Save them that way; if they are right as they are, state their range in a specification (--spec).`,
      { own, scaled: other },
    );
  }
}

const fitsBetter = (other: Answers, own: Answers): boolean =>
  other.accuracy !== undefined && own.accuracy !== undefined
    ? other.accuracy >= Math.max(HALF, own.accuracy + GAIN)
    : other.largest < SPREAD;

function difference(name: string, data: string, own: Answers, other: Answers, words: string): string {
  if (own.accuracy !== undefined && other.accuracy !== undefined) {
    return `the model "${name}" is right on ${percent(own.accuracy)} of the clean inputs in "${data}" as they are, and on ${percent(other.accuracy)} when they are ${words}.`;
  }
  return `the model "${name}" gives the same answer to ${percent(own.largest)} of the clean inputs in "${data}" as they are, and to no more than ${percent(other.largest)} when they are ${words}.`;
}

const unfit: ReadonlySet<string> = new Set(["NOT_FINITE", "RUN_FAILED", "SHAPE_MISMATCH"]);

function ignoreUnfit(error: unknown): undefined {
  if (!(error instanceof AssayError) || !unfit.has(error.code)) throw error;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
