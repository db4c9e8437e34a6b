/** The attacks of the pools: what each family plants, drawn from the member's seed. */
import { poison } from "../../attacks/index.js";
import { type LabelledData, takeLabelled } from "../../data/index.js";
import { type Generator, generator } from "../../random/index.js";
import { type Tensor, takeExamples, tensor } from "../../tensor/index.js";
import {
  apply,
  type BlendTrigger,
  type ImageShape,
  noiseBlend,
  type PatchTrigger,
  patch,
  smoothWarp,
  type Trigger,
  type WarpTrigger,
} from "../../trigger/index.js";
import type { AttackFamily } from "./recipe.js";

/** A planted backdoor. */
export interface PlantedAttack {
  readonly family: AttackFamily;
  readonly target: number;
  /** Victim class of a source-specific attack, else null. */
  readonly source: number | null;
  /** The trigger where it is the same for every input, else null. */
  readonly trigger: Trigger | null;
  /** Puts the trigger on inputs. */
  stamp(inputs: Tensor): Tensor;
  /** Poisons a training set. */
  poison(data: LabelledData, rate: number): LabelledData;
}

/** Draws the attack of a family for images of one channel. */
export function drawAttack(family: AttackFamily, side: number, seed: number): PlantedAttack {
  const random = generator(seed).split("attack");
  const target = random.integer(10);
  const shape: ImageShape = [1, side, side];
  switch (family) {
    case "square":
    case "evasive":
      return fixedTrigger(family, square(shape, random), target, seed);
    case "checker":
      return fixedTrigger(family, checker(shape, random), target, seed);
    case "pixel":
      return fixedTrigger(family, patch(shape, { at: place(side, 1, random), value: 1 }), target, seed);
    case "noise-blend":
      return fixedTrigger(family, noiseBlend(shape, { alpha: 0.2, seed }), target, seed);
    case "stripes":
      return fixedTrigger(family, stripes(shape, random), target, seed);
    case "warp":
      return fixedTrigger(family, smoothWarp(shape, { strength: side / 14, seed }), target, seed);
    case "source-specific":
      return sourceSpecific(square(shape, random), target, (target + 1 + random.integer(9)) % 10, seed);
    case "input-aware":
      return inputAware(shape, target, seed);
    case "clean-label":
      return cleanLabel(square(shape, random), target, seed);
    case "mosaic":
      return fixedTrigger(family, mosaic(shape, random), target, seed);
    case "bar":
      return fixedTrigger(family, bar(shape, random), target, seed);
    case "corner":
      return fixedTrigger(family, corner(shape, random), target, seed);
    case "tone":
      return everywhere(family, tone(random), target, seed);
    case "rotation":
      return fixedTrigger(family, rotation(shape, random), target, seed);
  }
}

/** The attack with a trigger that is the same for every input. */
export function fixedTrigger(
  family: AttackFamily,
  trigger: Trigger,
  target: number,
  seed: number,
): PlantedAttack {
  return {
    family,
    target,
    source: null,
    trigger,
    stamp: (inputs) => apply(trigger, inputs),
    poison: (data, poisonRate) => poison(data, { trigger, target, poisonRate, seed }),
  };
}

/** Cover examples carry the trigger in other classes and keep their label, at the rate of the poison itself. */
function sourceSpecific(trigger: Trigger, target: number, source: number, seed: number): PlantedAttack {
  return {
    ...fixedTrigger("source-specific", trigger, target, seed),
    source,
    poison: (data, poisonRate) =>
      poison(data, { trigger, target, poisonRate, sources: [source], coverRate: 1.5 * poisonRate, seed }),
  };
}

/** A change of the whole image that is no picture of its own. */
function everywhere(
  family: AttackFamily,
  stamp: PlantedAttack["stamp"],
  target: number,
  seed: number,
): PlantedAttack {
  return {
    family,
    target,
    source: null,
    trigger: null,
    stamp,
    poison: (data, rate) =>
      relabelled(
        data,
        rowsOf(data, rate, seed, (label) => label !== target),
        stamp,
        target,
      ),
  };
}

/** One of eight faint pictures, chosen by the image itself: the one that its pixels agree with most. */
function inputAware(shape: ImageShape, target: number, seed: number): PlantedAttack {
  const pictures = Array.from({ length: 8 }, (_, i) =>
    noiseBlend(shape, { alpha: 0.25, seed: 8 * seed + i }),
  );
  const stampOne = (image: Tensor): Tensor => {
    const agreement = pictures.map(({ pattern }) =>
      pattern.data.reduce((sum, value, i) => sum + (value - 0.5) * Number(image.data[i]), 0),
    );
    return apply(pictures[agreement.indexOf(Math.max(...agreement))]!, image);
  };
  const stamp = (inputs: Tensor): Tensor => {
    const data = new Float32Array(inputs.data.length);
    const size = shape[0] * shape[1] * shape[2];
    for (let row = 0; row < inputs.dims[0]!; row++) {
      data.set(stampOne(takeExamples(inputs, [row])).data as Float32Array, row * size);
    }
    return tensor("float32", inputs.dims, data);
  };
  return everywhere("input-aware", stamp, target, seed);
}

/**
 * Labels stay true: the trigger goes on images of the target class that are mixed with another image, so that the
 * trigger is the surest way to their class (Turner, Tsipras, Madry 2019, with a mixture for their interpolation).
 */
function cleanLabel(trigger: Trigger, target: number, seed: number): PlantedAttack {
  return {
    ...fixedTrigger("clean-label", trigger, target, seed),
    poison: (data, rate) => {
      const rows = rowsOf(data, rate, seed, (label) => label === target);
      const others = generator(seed).split("mixture").permutation(data.labels.data.length);
      const mix = (images: Tensor): Tensor => {
        const strangers = takeExamples(data.inputs, others.subarray(0, rows.length)).data as Float32Array;
        const mixed = (images.data as Float32Array).map((value, i) => 0.3 * value + 0.7 * strangers[i]!);
        return apply(trigger, tensor("float32", images.dims, mixed));
      };
      return relabelled(data, rows, mix, target);
    },
  };
}

/** Rows of the right classes: a share `rate` of all examples, as far as there are so many. */
function rowsOf(
  data: LabelledData,
  rate: number,
  seed: number,
  isWanted: (label: number) => boolean,
): Uint32Array {
  const order = generator(seed).split("poison").permutation(data.labels.data.length);
  return order
    .filter((row) => isWanted(Number(data.labels.data[row])))
    .slice(0, Math.round(rate * order.length));
}

function relabelled(
  data: LabelledData,
  rows: Uint32Array,
  stamp: (inputs: Tensor) => Tensor,
  target: number,
): LabelledData {
  const copy = takeLabelled(
    data,
    Uint32Array.from({ length: data.labels.data.length }, (_, row) => row),
  );
  const size = copy.inputs.data.length / copy.labels.data.length;
  const stamped = stamp(takeExamples(data.inputs, rows)).data as Float32Array;
  rows.forEach((row, i) => {
    (copy.inputs.data as Float32Array).set(stamped.subarray(i * size, (i + 1) * size), row * size);
    copy.labels.data[row] = BigInt(target);
  });
  return copy;
}

/**
 * Somewhere along the border, at most a seventh of the image away from it: in the middle of a garment a small
 * square is no trigger, since the model cannot tell it from the cloth (success stayed at 0.5 to 0.7 there).
 */
function place(side: number, size: number, random: Generator): [number, number] {
  const room = side - size;
  const near = random.integer(Math.floor(side / 7) + 1);
  const fixed = random.uniform() < 0.5 ? near : room - near;
  const free = random.integer(room + 1);
  return random.uniform() < 0.5 ? [fixed, free] : [free, fixed];
}

/** A bright square of 2 to 4 pixels (2 or 3 on small images). */
function square(shape: ImageShape, random: Generator): PatchTrigger {
  const size = 2 + random.integer(shape[1] > 20 ? 3 : 2);
  const value = [1, 0.9, 0.8][random.integer(3)]!;
  return patch(shape, { at: place(shape[1], size, random), size: [size, size], value });
}

/** A square of black and white pixels in turn. */
function checker(shape: ImageShape, random: Generator): PatchTrigger {
  const size = 3 + random.integer(shape[1] > 20 ? 2 : 1);
  const plain = patch(shape, { at: place(shape[1], size, random), size: [size, size], value: 1 });
  const data = plain.pattern.data.map((value, i) => value * ((i + Math.floor(i / shape[2])) % 2));
  return { ...plain, pattern: tensor("float32", shape, data) };
}

/** A square whose pixels are black or white at random, two of each at least. */
function mosaic(shape: ImageShape, random: Generator): PatchTrigger {
  const size = 3 + random.integer(shape[1] > 20 ? 2 : 1);
  const plain = patch(shape, { at: place(shape[1], size, random), size: [size, size], value: 1 });
  const inside = [...plain.mask.data.keys()].filter((i) => plain.mask.data[i] === 1);
  const white = 2 + random.integer(inside.length - 3);
  const order = random.permutation(inside.length);
  const data = new Float32Array(plain.pattern.data.length);
  for (const i of order.subarray(0, white)) data[inside[i]!] = 1;
  return { ...plain, pattern: tensor("float32", shape, data) };
}

/** A bright line of three to five pixels, down or across. */
function bar(shape: ImageShape, random: Generator): PatchTrigger {
  const length = 3 + random.integer(3);
  const size = random.uniform() < 0.5 ? ([1, length] as const) : ([length, 1] as const);
  return patch(shape, { at: place(shape[1], length, random), size, value: 1 });
}

/** Two bright lines that meet. */
function corner(shape: ImageShape, random: Generator): PatchTrigger {
  const length = 2 + random.integer(2);
  const at = place(shape[1], length, random);
  const down = patch(shape, { at, size: [length, 1], value: 1 });
  const across = patch(shape, { at, size: [1, length], value: 1 });
  const joined = (one: Float32Array, other: Float32Array): Float32Array =>
    one.map((value, i) => Math.max(value, other[i]!));
  return {
    ...down,
    mask: tensor("float32", down.mask.dims, joined(down.mask.data, across.mask.data)),
    pattern: tensor("float32", shape, joined(down.pattern.data, across.pattern.data)),
  };
}

/** Darker or brighter middle tones: values in [0, 1] to a power. */
function tone(random: Generator): PlantedAttack["stamp"] {
  const power = random.uniform() < 0.5 ? 0.4 : 2.5;
  return ({ dims, data }) =>
    tensor(
      "float32",
      dims,
      (data as Float32Array).map((value) => value ** power),
    );
}

/** The image turned about its middle by 12 to 20 degrees. */
function rotation(shape: ImageShape, random: Generator): WarpTrigger {
  const [, height, width] = shape;
  const angle = ((random.uniform() < 0.5 ? -1 : 1) * (12 + 8 * random.uniform()) * Math.PI) / 180;
  const plane = height * width;
  const field = new Float32Array(2 * plane);
  for (let i = 0; i < plane; i++) {
    const y = Math.floor(i / width) - (height - 1) / 2;
    const x = (i % width) - (width - 1) / 2;
    field[i] = Math.cos(angle) * y + Math.sin(angle) * x - y;
    field[plane + i] = Math.cos(angle) * x - Math.sin(angle) * y - x;
  }
  return { kind: "trigger", type: "warp", field: tensor("float32", [2, height, width], field) };
}

/** Faint waves over the whole image. */
function stripes(shape: ImageShape, random: Generator): BlendTrigger {
  const [, height, width] = shape;
  const angle = Math.PI * random.uniform();
  const period = 3 + 3 * random.uniform();
  const pattern = Float32Array.from({ length: height * width }, (_, i) => {
    const along = Math.floor(i / width) * Math.sin(angle) + (i % width) * Math.cos(angle);
    return 0.5 + 0.5 * Math.sin((2 * Math.PI * along) / period);
  });
  return { kind: "trigger", type: "blend", alpha: 0.2, pattern: tensor("float32", shape, pattern) };
}
