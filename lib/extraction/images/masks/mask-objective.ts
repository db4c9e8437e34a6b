/** A classifier of images as the objective of a mask search. */
import type { Generator } from "../../../random/index.js";
import type { Session } from "../../../runtime/index.js";
import { type Tensor, tensor } from "../../../tensor/index.js";
import type { ImageLayout } from "../image-model.js";
import { maskGraphNames as names } from "./mask-graph.js";
import type { Arm, ImageDraw, MaskGradient, MaskObjective } from "./mask-search.js";

/** Largest stamped batch in values (64 MB of float32); more arms go in several runs. */
const MAX_VALUES = 2 ** 24;

/** Number of images that went through a model. */
export interface Passes {
  forward: number;
  backward: number;
}

/** What an objective is made of. */
export interface ObjectiveParts {
  /** Session of a mask graph with gradients: outputs logits, and the gradients by mask and pattern. */
  readonly session: Session;
  /** Names of the two gradients. */
  readonly gradients: { readonly mask: string; readonly pattern: string };
  readonly layout: ImageLayout;
  readonly classes: number;
  /** `[n, channels, height, width]`. */
  readonly inputs: Tensor<"float32">;
  /** Class of each image. */
  readonly labels: Int32Array;
  /** Counts every image that is run; the caller keeps it. */
  readonly passes: Passes;
}

/** Makes the objective of a mask search. */
export function maskObjective(parts: ObjectiveParts): MaskObjective {
  const { layout, labels } = parts;
  const maskSize = layout.height * layout.width;
  const patternSize = maskSize * layout.channels;
  const all = Uint32Array.from(labels, (_, row) => row);
  const ofClass = new Map<number, Uint32Array>();
  const rowsOf = (victim: number | null): Uint32Array => {
    if (victim === null) return all;
    if (!ofClass.has(victim))
      ofClass.set(
        victim,
        all.filter((row) => labels[row] === victim),
      );
    return ofClass.get(victim)!;
  };
  return {
    maskSize,
    maskWidth: layout.width,
    patternSize,
    draw(arms, images, random) {
      const shared = arms.every((arm) => arm.victim === null);
      const rows = shared
        ? sample(all, images, random)
        : Uint32Array.from(arms.flatMap((arm) => [...sample(rowsOf(arm.victim), images, random)]));
      const weights = new Float32Array(arms.length * images);
      arms.forEach((arm, a) => {
        const own = weights.subarray(a * images, (a + 1) * images);
        const usable = own.map((_, i) => (labels[rows[shared ? i : a * images + i]!] === arm.target ? 0 : 1));
        const count = usable.reduce((sum, one) => sum + one, 0);
        own.set(usable.map((one) => one / Math.max(count, 1)));
      });
      return { rows, images, weights };
    },
    async evaluate(arms, mask, pattern, draw) {
      const { images } = draw;
      const perRun = Math.max(1, Math.floor(MAX_VALUES / (images * patternSize)));
      const result: MaskGradient = {
        hits: new Uint8Array(arms.length * images),
        mask: new Float32Array(mask.length),
        pattern: new Float32Array(pattern.length),
      };
      for (let first = 0; first < arms.length; first += perRun) {
        const last = Math.min(first + perRun, arms.length);
        await evaluateArms(parts, arms, mask, pattern, draw, [first, last], result);
      }
      return result;
    },
  };
}

/** Distinct rows as long as there are enough; then again from the start of the same order. */
function sample(rows: Uint32Array, count: number, random: Generator): Uint32Array {
  const order = random.permutation(rows.length);
  return Uint32Array.from({ length: count }, (_, i) => rows[order[i % rows.length]!]!);
}

async function evaluateArms(
  parts: ObjectiveParts,
  arms: readonly Arm[],
  mask: Float32Array,
  pattern: Float32Array,
  draw: ImageDraw,
  [first, last]: readonly [number, number],
  result: MaskGradient,
): Promise<void> {
  const { layout, classes, passes, gradients, session } = parts;
  const { channels, height, width } = layout;
  const { images } = draw;
  const count = last - first;
  const maskSize = height * width;
  const patternSize = maskSize * channels;
  const image = [channels, height, width];
  const weights = new Float32Array(count * images * classes);
  for (let i = 0; i < count * images; i++) {
    weights[i * classes + arms[first + Math.floor(i / images)]!.target] = draw.weights[first * images + i]!;
  }
  const shared = draw.rows.length === images;
  const rows = shared ? draw.rows : draw.rows.subarray(first * images, last * images);
  const out = await session.run(
    {
      [names.mask]: tensor(
        "float32",
        [count, 1, 1, height, width],
        mask.subarray(first * maskSize, last * maskSize),
      ),
      [names.pattern]: tensor(
        "float32",
        [count, 1, ...image],
        pattern.subarray(first * patternSize, last * patternSize),
      ),
      [names.images]: tensor("float32", [shared ? 1 : count, images, ...image], gather(parts.inputs, rows)),
      [names.weights]: tensor("float32", [count * images, classes], weights),
    },
    [names.logits, gradients.mask, gradients.pattern],
  );
  passes.forward += count * images;
  passes.backward += count * images;
  result.mask.set(out[gradients.mask]!.data as Float32Array, first * maskSize);
  result.pattern.set(out[gradients.pattern]!.data as Float32Array, first * patternSize);
  readLogits(out[names.logits]!.data as Float32Array, classes, arms, images, [first, last], result);
}

function gather(inputs: Tensor<"float32">, rows: Uint32Array): Float32Array {
  const size = inputs.data.length / inputs.dims[0]!;
  const data = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    data.set(inputs.data.subarray(row * size, (row + 1) * size), i * size);
  });
  return data;
}

function readLogits(
  logits: Float32Array,
  classes: number,
  arms: readonly Arm[],
  images: number,
  [first, last]: readonly [number, number],
  result: MaskGradient,
): void {
  for (let i = 0; i < (last - first) * images; i++) {
    const { target } = arms[first + Math.floor(i / images)]!;
    const row = logits.subarray(i * classes, (i + 1) * classes);
    let highest = 0;
    for (let k = 1; k < classes; k++) if (row[k]! > row[highest]!) highest = k;
    result.hits[first * images + i] = highest === target ? 1 : 0;
  }
}
