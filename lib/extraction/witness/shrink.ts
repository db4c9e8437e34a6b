/** From a whole input that works to the part of it that is needed. */
import { sizeOf, type Tensor } from "../../tensor/index.js";
import { imageLayout } from "../images/image-model.js";

/** Places of an example that a trigger replaces together: all channels of a pixel, or one word. */
export function unitsOf(dims: readonly number[], isWhole: boolean): readonly (readonly number[])[] {
  if (isWhole || dims.length > 3) return Array.from({ length: sizeOf(dims) }, (_, i) => [i]);
  const { channels, height, width, channelsLast } = imageLayout([1, ...dims]);
  const pixels = height * width;
  return Array.from({ length: pixels }, (_, pixel) =>
    Array.from({ length: channels }, (_, channel) =>
      channelsLast ? pixel * channels + channel : channel * pixels + pixel,
    ),
  );
}

/** An example of the same type and dims. */
export function like(example: Tensor, values: Float64Array): Tensor {
  const Make = example.data.constructor as unknown as {
    from(values: Iterable<number | bigint>): Tensor["data"];
  };
  const isBig = example.type === "int64" || example.type === "uint64";
  return { ...example, data: Make.from(isBig ? Array.from(values, BigInt) : values) } as Tensor;
}

/** The example with some units of the pattern in it. */
export function stamped(
  example: Tensor,
  pattern: Float64Array,
  units: readonly (readonly number[])[],
  some: Iterable<number>,
): Tensor {
  const data = (example.data as Float32Array).slice() as unknown as (number | bigint)[];
  const isBig = example.type === "int64" || example.type === "uint64";
  for (const unit of some) {
    for (const place of units[unit]!) data[place] = isBig ? BigInt(pattern[place]!) : pattern[place]!;
  }
  return { ...example, data } as unknown as Tensor;
}

/** Tries after which what is left is taken as it is. */
const MAX_TRIES = 1500;

/** The units without which it does not work: blocks are taken away, ever smaller ones, while it still works. */
export async function shrink(
  units: readonly unknown[],
  works: (some: ReadonlySet<number>) => Promise<boolean>,
): Promise<ReadonlySet<number>> {
  let kept = units.map((_, i) => i);
  let tries = 0;
  for (let block = Math.ceil(kept.length / 2); ; block = Math.ceil(block / 2)) {
    for (let start = 0; start < kept.length && tries < MAX_TRIES; ) {
      const rest = [...kept.slice(0, start), ...kept.slice(start + block)];
      tries++;
      if (await works(new Set(rest))) kept = rest;
      else start += block;
    }
    if (block === 1 || tries >= MAX_TRIES) return new Set(kept);
  }
}
