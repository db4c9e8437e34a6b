/** Clean data made ready for a search: one layout, labels, the input range, and a part held out. */
import type { LabelledData } from "../../data/index.js";
import { AssayError } from "../../errors.js";
import type { LoadedModel } from "../../model/index.js";
import { type Observation, observe } from "../../spec/index.js";
import type { Tensor } from "../../tensor/index.js";
import { median } from "../calibration.js";
import { type CleanData, checkCount, splitClean } from "../clean-data.js";
import { channelsFirst, type ImageLayout, imageLayout, imageModel } from "./image-model.js";

/** What every step of an extraction needs to know. */
export interface PreparedImages {
  readonly layout: ImageLayout;
  readonly classes: number;
  readonly range: readonly [number, number];
  /** Images to search on, and images never searched on; both `[n, channels, height, width]`. */
  readonly search: LabelledData & { readonly inputs: Tensor<"float32"> };
  readonly heldOut: LabelledData & { readonly inputs: Tensor<"float32"> };
  /** SHA-256 of the search images and their labels. */
  readonly digest: string;
  /** False where the model answers the clean data as by chance. */
  readonly knowsTask: boolean;
  readonly warnings: readonly string[];
}

const words = { one: "image", doubt: "are they scaled as it expects" } as const;

/** Most images that a search draws from; more make no difference to a mask. */
const MAX_SEARCH_IMAGES = 512;

/**
 * Splits clean images into a part to search on and a part held out, and checks them against the model.
 *
 * Without labels the model's own answers take their place.
 *
 * @throws AssayError SHAPE_MISMATCH, TYPE_MISMATCH, NOT_FINITE, INVALID_ARGUMENT: fewer than 40 images, one class.
 */
export async function prepareImages(
  model: LoadedModel,
  clean: CleanData,
  options: { seed: number; range?: readonly [number, number] | undefined },
): Promise<PreparedImages> {
  const { inputs } = clean;
  if (inputs.type !== "float32") {
    throw new AssayError("TYPE_MISMATCH", `Trigger extraction needs float32 images, got ${inputs.type}.`, {
      type: inputs.type,
    });
  }
  checkCount(inputs.dims[0] ?? 0, words);
  const layout = imageLayout(inputs.dims);
  const images = channelsFirst(inputs as Tensor<"float32">, layout);
  const range = options.range ?? readRange(images);
  const seen = await observe(imageModel(model, layout), images);
  const { labels, warnings, ...parts } = splitClean(model, images, clean.labels, seen, {
    seed: options.seed,
    most: MAX_SEARCH_IMAGES,
    words,
  });
  return {
    layout,
    classes: seen.classes,
    range,
    ...parts,
    warnings: [...warnings, ...missingClasses(labels, seen.classes), ...saturation(seen, range)],
  };
}

/** Lowest and highest input: [0, 1] or [0, 255] where the data fit these, else what the data show. */
function readRange({ data }: Tensor<"float32">): readonly [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i]!)) {
      throw new AssayError(
        "NOT_FINITE",
        `The clean images hold ${data[i]} (value ${i}). Repair or remove them.`,
        { index: i },
      );
    }
    low = Math.min(low, data[i]!);
    high = Math.max(high, data[i]!);
  }
  if (low === high) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `Every value of the clean images is ${low}: there is nothing to search on.`,
      {
        value: low,
      },
    );
  }
  if (low >= 0 && high <= 1) return [0, 1];
  if (low >= 0 && high > 16 && high <= 255) return [0, 255];
  return [low, high];
}

/** Triggers are searched on the classes that there are images of. */
function missingClasses({ data }: Tensor<"int64">, classes: number): string[] {
  const present = new Set(data);
  const missing = Array.from({ length: classes }, (_, k) => k).filter((k) => !present.has(BigInt(k)));
  if (missing.length === 0) return [];
  const named = missing.length > 10 ? `${missing.slice(0, 10).join(", ")} and others` : missing.join(", ");
  return [
    `The clean data hold no image of ${missing.length} of ${classes} classes (${named}): triggers that work from these only are not searched.`,
  ];
}

/** Lead of the first class over the second, in logits, that a trained model's answer to a clean image hardly has. */
const SATURATED = 100;

/**
 * A classifier of images from 0 to 1 that is given 0 to 255 may well answer rightly, with a certainty that leaves
 * a search no slope.
 */
function saturation({ scores, classes }: Observation, [low, high]: readonly [number, number]): string[] {
  if (high - low <= 16) return [];
  const count = scores.length / classes;
  const leads = Float64Array.from({ length: count }, (_, i) => {
    const [first, second] = scores
      .slice(i * classes, (i + 1) * classes)
      .sort()
      .reverse();
    return first! - second!;
  });
  const middle = median(leads);
  const isProbability = scores.every((score) => score >= 0 && score <= 1);
  if (isProbability ? middle < 1 : middle < SATURATED) return [];
  const lead = isProbability ? "a probability of exactly 1" : `a lead of ${Math.round(middle)} in logits`;
  return [
    `The model gives half of the clean images, which lie in [${low}, ${high}], ${lead}: if it was trained on images from 0 to 1, divide them by 255.`,
  ];
}
